"""Neural part of the BOLD series: slow, smoothed by the haemodynamic response, coupled as planted.

All regions have one spectrum, so mixing by the coupling's Cholesky factor gives every pair the
planted correlation (in expectation; one run of 148 volumes strays, because slow series have few
degrees of freedom).
"""

import functools

import numpy as np
from nilearn.glm.first_level import glover_hrf
from scipy import fft

from mriworkbook.practice.parameters import value


@functools.lru_cache(maxsize=4)
def _filter(n_scans, t_r):
    """Frequency response of a slow process seen through the haemodynamic response; unit power.

    Amplitude f^(-exponent/2) above a corner, flat below it, times the Fourier transform of Glover's
    response (10.1006/nimg.1998.0419). Length: twice the run, so that the end does not wrap round.
    """
    exponent, corner = value("neural_spectrum")
    n = fft.next_fast_len(2 * n_scans, real=True)
    frequency = fft.rfftfreq(n, t_r)
    slow = np.maximum(frequency, corner) ** (-exponent / 2)
    fine = 16
    response = glover_hrf(t_r, fine)
    times = np.arange(len(response)) * t_r / fine
    seen = np.exp(-2j * np.pi * frequency[:, None] * times)
    gain = slow * np.einsum("ft,t->f", seen, response)
    gain[0] = 0
    # Parseval: white noise of variance 1 comes out with variance mean |gain|^2 over all bins.
    power = (np.abs(gain) ** 2).sum() * 2 / n
    return n, gain / np.sqrt(power)


def slow_noise(n_series, n_scans, t_r, rng):
    """Independent series with the neural spectrum, SD 1 over long runs.

    Parameters
    ----------
    n_series, n_scans : int
    t_r : float
        Seconds.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray (n_scans, n_series)

    Examples
    --------
    >>> slow_noise(3, 148, 2.0, np.random.default_rng(0)).shape
    (148, 3)
    """
    n, gain = _filter(n_scans, t_r)
    white = rng.standard_normal((n, n_series))
    return fft.irfft(fft.rfft(white, axis=0) * gain[:, None], n, axis=0)[:n_scans]


def correlation_root(matrix):
    """Lower Cholesky factor; written out, because LAPACK rounds differently with other threads.

    Examples
    --------
    >>> correlation_root(np.array([[4.0, 2.0], [2.0, 2.0]])).tolist()
    [[2.0, 0.0], [1.0, 1.0]]
    """
    lower = np.zeros_like(matrix, dtype=float)
    for j in range(len(matrix)):
        rest = matrix[j:, j] - np.einsum("ik,k->i", lower[j:, :j], lower[j, :j])
        lower[j:, j] = rest / np.sqrt(rest[0])
    return lower


def neural_series(coupling, n_scans, t_r, rng):
    """Draw the neural part of every region of one run.

    Parameters
    ----------
    coupling : ndarray (regions, regions)
        Planted correlation, see `_coupling.coupling_matrix`.
    n_scans : int
    t_r : float
        Seconds.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray (n_scans, regions), float64
        Percent of the mean signal.

    Examples
    --------
    >>> series = neural_series(np.eye(4), 148, 2.0, np.random.default_rng(0))
    >>> series.shape
    (148, 4)
    """
    noise = slow_noise(len(coupling), n_scans, t_r, rng)
    root = correlation_root(coupling)
    return value("neural_sd") * np.einsum("tk,rk->tr", noise, root)
