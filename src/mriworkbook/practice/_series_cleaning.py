"""Cleaning of parcel series by the strategies that are compared, and what it costs.

=================  ================================================================================
``raw``            nothing is removed
``motion``         the 24 parameters of Friston 1996 (10.1002/mrm.1910350312)
``motion_global``  these and the mean of all regions
``scrubbing``      the same, without the volumes at which the head moved (Power 2012,
                   10.1016/j.neuroimage.2011.10.018; Power 2014, 10.1016/j.neuroimage.2013.08.048)
``compcor``        the 24 parameters and principal components of noise regions (Behzadi 2007,
                   10.1016/j.neuroimage.2007.04.042)
=================  ================================================================================

All but ``raw`` have the cosines of the high-pass filter in the same regression as the confounds:
what is filtered first and regressed afterwards comes back (Lindquist 2019, 10.1002/hbm.24528).
Displacement and regressors come from the estimated motion; nothing here knows the truth.
"""

import numpy as np
from nilearn import signal
from nilearn.glm.first_level.design_matrix import create_cosine_drift
from scipy.linalg import toeplitz

from mriworkbook.practice._motion import framewise_displacement, friston24
from mriworkbook.practice.parameters import value

STRATEGIES = ("raw", "motion", "motion_global", "scrubbing", "compcor")


def check_strategy(strategy):
    """Refuse what is none of `STRATEGIES`."""
    if strategy not in STRATEGIES:
        raise ValueError(
            f"No strategy is called {strategy!r}; choose one of {', '.join(STRATEGIES)}."
        )


def kept_volumes(displacement, threshold=None):
    """Volumes that scrubbing keeps.

    Those with little displacement, but for segments too short to stay, as nilearn's
    ``load_confounds`` does it.

    Parameters
    ----------
    displacement : ndarray (n_scans,)
        mm; the first may be NaN and counts as none.
    threshold : float, optional
        mm; the frozen one if None.

    Returns
    -------
    ndarray (n_scans,) of bool

    Examples
    --------
    >>> moved = np.zeros(20)
    >>> moved[[6, 9]] = 2
    >>> np.flatnonzero(~kept_volumes(moved)).tolist()
    [6, 7, 8, 9]
    """
    limit, shortest, _ = value("series_scrubbing")
    kept = np.nan_to_num(displacement) <= (limit if threshold is None else threshold)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], kept.astype(int), [0]])))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        if stop - start < shortest:
            kept[start:stop] = False
    return kept


def noise_components(noise, t_r):
    """First principal components of the noise regions after the high-pass filter.

    Parameters
    ----------
    noise : ndarray (n_scans, noise regions)
        Percent.
    t_r : float
        Seconds.

    Returns
    -------
    ndarray (n_scans, k)

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal((148, 24))
    >>> noise_components(noise, 2.0).shape
    (148, 5)
    """
    drift, _ = np.linalg.qr(cosines(len(noise), t_r))
    calm = noise - drift @ (drift.T @ noise)
    calm = calm / calm.std(axis=0)
    _, axes = np.linalg.eigh(calm.T @ calm)
    return calm @ axes[:, : -value("series_components") - 1 : -1]


def cosines(n_scans, t_r):
    """Cosines of the high-pass filter, and a constant as the last column.

    Examples
    --------
    >>> cosines(148, 2.0).shape
    (148, 5)
    """
    return create_cosine_drift(value("series_high_pass"), np.arange(n_scans) * t_r)


def regressors(strategy, motion, global_signal, noise, t_r=2.0):
    """Confounds of a strategy, without the cosines.

    Parameters
    ----------
    strategy : str
        One of `STRATEGIES`.
    motion : DataFrame
        Estimated.
    global_signal : ndarray (n_scans,)
        Mean of all regions, percent.
    noise : ndarray (n_scans, noise regions)
    t_r : float
        Seconds.

    Returns
    -------
    ndarray (n_scans, k) or None
        None for "raw".

    Raises
    ------
    ValueError
        If there is no such strategy.

    Examples
    --------
    >>> from mriworkbook.practice._motion import simulate_motion
    >>> rng = np.random.default_rng(0)
    >>> motion, noise = simulate_motion(0.2, 148, rng), rng.standard_normal((148, 24))
    >>> regressors("compcor", motion, noise.mean(axis=1), noise).shape
    (148, 29)
    """
    check_strategy(strategy)
    if strategy == "raw":
        return None
    columns = [friston24(motion)]
    if strategy in ("motion_global", "scrubbing"):
        columns.append(np.asarray(global_signal)[:, None])
    if strategy == "compcor":
        columns.append(noise_components(noise, t_r))
    return np.concatenate(columns, axis=1)


def clean_series(strategy, series, motion, noise, t_r=2.0):
    """Clean one scan by `nilearn.signal.clean`.

    Parameters
    ----------
    strategy : str
        One of `STRATEGIES`.
    series : ndarray (n_scans, regions)
        Percent; all regions, because the global signal is their mean.
    motion : DataFrame
        Estimated.
    noise : ndarray (n_scans, noise regions)
    t_r : float
        Seconds.

    Returns
    -------
    cleaned : ndarray (n_kept, regions)
        Percent, mean 0; volumes that scrubbing removes are left out.
    kept : ndarray (n_scans,) of bool

    Raises
    ------
    ValueError
        If there is no such strategy.

    Examples
    --------
    >>> from mriworkbook.practice._motion import simulate_motion
    >>> rng = np.random.default_rng(0)
    >>> series, noise = rng.standard_normal((148, 187)), rng.standard_normal((148, 24))
    >>> cleaned, kept = clean_series("motion", series, simulate_motion(0.2, 148, rng), noise)
    >>> cleaned.shape, bool(kept.all())
    ((148, 187), True)
    """
    kept = np.ones(len(series), bool)
    confounds = regressors(strategy, motion, series.mean(axis=1), noise, t_r)
    if confounds is None:
        return series - series.mean(axis=0), kept
    if strategy == "scrubbing":
        kept = kept_volumes(framewise_displacement(motion))
    if not kept.any():
        return series[:0], kept
    cleaned = signal.clean(
        series,
        detrend=False,
        standardize=None,
        sample_mask=None if kept.all() else np.flatnonzero(kept),
        confounds=np.concatenate([cosines(len(series), t_r)[:, :-1], confounds], axis=1),
        filter=False,
        t_r=t_r,
    )
    return cleaned - cleaned.mean(axis=0), kept


def enough_volumes(kept):
    """Whether scrubbing leaves so many volumes that the person stays in a study.

    Parameters
    ----------
    kept : ndarray (..., n_scans) of bool

    Returns
    -------
    ndarray (...) of bool

    Examples
    --------
    >>> enough_volumes(np.arange(148) < 99).item()
    False
    """
    return np.asarray(kept).sum(axis=-1) >= value("series_scrubbing")[2]


def removed_space(columns, kept=None, basis=None):
    """Orthonormal basis of what a regression on some columns removes.

    ``y - basis @ (basis.T @ y)``, with the volumes that are not kept set to 0, is the residual of
    the regression on the volumes that are kept; for thousands of scans this is faster than
    `clean_series`, and the same.

    Parameters
    ----------
    columns : ndarray (n_scans, k)
        One of them, or of those behind `basis`, must be constant.
    kept : ndarray (n_scans,) of bool, optional
    basis : ndarray (n_scans, m), optional
        From an earlier call with the same `kept`, to be continued.

    Returns
    -------
    ndarray (n_scans, k + m)

    Examples
    --------
    >>> removed_space(np.array([[1.0], [1.0], [1.0], [1.0]])).ravel().round(3).tolist()
    [-0.5, -0.5, -0.5, -0.5]
    """
    if kept is not None:
        columns = columns * kept[:, None]
    if basis is not None:
        columns = columns - basis @ (basis.T @ columns)
    own, _ = np.linalg.qr(columns / np.sqrt((columns**2).sum(axis=0)))
    return own if basis is None else np.concatenate([basis, own], axis=1)


def effective_df(series, basis, kept=None):
    """How many independent volumes the correlation of two uncoupled series is worth.

    The squared correlation of uncoupled series is 1 / n_eff on average, with

        n_eff = tr(M S)^2 / tr(M S M S),

    S their correlation matrix in time and M what cleaning leaves (Worsley 1995,
    10.1006/nimg.1995.1023, for the variance; Afyouni 2019, 10.1016/j.neuroimage.2019.05.011, for
    correlations). Counting volumes less regressors is right for white noise only.

    Parameters
    ----------
    series : ndarray (n, regions)
        Before cleaning: their mean autocorrelation, lags up to a quarter of the run, makes S.
    basis : ndarray (n, k)
        What cleaning removes, see `removed_space`.
    kept : ndarray (n,) of bool, optional

    Returns
    -------
    float

    Examples
    --------
    >>> white = np.random.default_rng(0).standard_normal((200, 400))
    >>> mean = removed_space(np.ones((200, 1)))
    >>> round(effective_df(white, mean))
    199
    """
    n = len(series)
    calm = series - series.mean(axis=0)
    power = np.abs(np.fft.rfft(calm, 2 * n, axis=0)) ** 2
    covariance = np.fft.irfft(power, axis=0)[: n // 4 + 1]
    # Each lag has n - l products; the mean over regions comes last, or loud regions would rule.
    lags = np.arange(len(covariance))
    correlation = np.zeros(n)
    correlation[lags] = (covariance / covariance[0]).mean(axis=1) * n / (n - lags)
    left = toeplitz(correlation)
    if kept is not None:
        left = left * np.outer(kept, kept)
    left = left - basis @ (basis.T @ left)
    return float(np.trace(left) ** 2 / (left * left.T).sum())
