"""Noise components of a BOLD run: principal components of voxels without neural signal.

CompCor (Behzadi 2007, 10.1016/j.neuroimage.2007.04.042) as fMRIPrep runs it through nipype: slow
cosines are taken out, every voxel is divided by its standard deviation, and of the components that
follow, in descending order, those are kept that explain half of the variance together. The first
volumes, which are not in the steady state, are left out and have 0 in each component.
"""

from typing import NamedTuple

import numpy as np

CUTOFF = 128.0  # seconds, the longest period that stays in
SHARE = 0.5  # of the variance, that the kept components explain
TOP = 0.02  # of the voxels, those with the largest temporal SD, are the mask of tCompCor


class Components(NamedTuple):
    """Components of one mask: kept (n_scans, k); singular (m,) and explained (m,) of all."""

    kept: np.ndarray
    singular: np.ndarray
    explained: np.ndarray


def cosine_basis(n_scans, t_r, cutoff=CUTOFF):
    """Slow cosines (discrete cosine transform II) that stand for drift.

    As in nipype, there are floor(2 n t_r / cutoff) - 1 of them, which leaves out the fastest that
    the cut-off would allow.

    Parameters
    ----------
    n_scans : int
    t_r : float
        Seconds.
    cutoff : float
        Period in seconds.

    Returns
    -------
    ndarray (n_scans, k)
        Orthonormal columns of mean 0; k may be 0.

    Examples
    --------
    >>> cosine_basis(148, 2.0).shape
    (148, 3)
    """
    count = int(np.floor(2 * n_scans * t_r / cutoff)) - 1
    order = np.arange(1, max(count, 0) + 1)
    phase = np.pi / n_scans * (np.arange(n_scans)[:, None] + 0.5) * order
    return np.sqrt(2 / n_scans) * np.cos(phase)


def without_drift(series, basis):
    """Series (n_voxels, n_scans) less their mean and their fit by orthonormal cosines."""
    centred = series - series.mean(axis=1, keepdims=True)
    # einsum, not a matrix product: BLAS rounds differently with another number of threads.
    weights = np.einsum("vt,tk->vk", centred, basis)
    return centred - np.einsum("vk,tk->vt", weights, basis)


def components(series, basis):
    """Principal components of voxels that have no neural signal.

    Parameters
    ----------
    series : ndarray (n_voxels, n_scans)
        In the steady state.
    basis : ndarray (n_scans, k)
        From `cosine_basis`.

    Returns
    -------
    Components
        Each kept one has length 1 and its largest value is positive.

    Raises
    ------
    ValueError
        If no voxel varies.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> noise = np.sin(np.arange(60)) + 0.1 * rng.standard_normal((20, 60))
    >>> found = components(noise, cosine_basis(60, 2.0))
    >>> found.kept.shape, bool(found.explained[0] > 0.9)
    ((60, 1), True)
    """
    clean = without_drift(np.asarray(series, float), basis)
    spread = clean.std(axis=1)
    if not (spread > 0).any():
        raise ValueError(
            f"None of {len(clean)} voxels varies, so there are no noise components: "
            "give a mask with voxels inside the brain."
        )
    unit = clean[spread > 0] / spread[spread > 0, None]
    power, axes = np.linalg.eigh(np.einsum("vt,vs->ts", unit, unit))
    # What cosines and mean took away comes last, with no power but rounding.
    real = power > 1e-10 * power[-1]
    power, axes = power[real][::-1], axes[:, real][:, ::-1]
    explained = power / power.sum()
    # Half of the variance and one more where the half is met exactly, as nipype counts.
    n_kept = int(np.searchsorted(np.cumsum(explained), SHARE)) + 1
    kept = axes[:, :n_kept]
    largest = np.take_along_axis(kept, abs(kept).argmax(axis=0)[None], axis=0)
    return Components(kept * np.sign(largest), np.sqrt(power), explained)


def varying_voxels(series, share=TOP):
    """Voxels of tCompCor: those that vary most about a parabola.

    Parameters
    ----------
    series : ndarray (n_voxels, n_scans)
        Of the brain, in the steady state.
    share : float
        Of the voxels.

    Returns
    -------
    ndarray (n_voxels,) of bool

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> noise = rng.standard_normal((100, 50))
    >>> noise[7] *= 9
    >>> bool(varying_voxels(noise)[7])
    True
    """
    n_scans = series.shape[1]
    trend, _ = np.linalg.qr(np.vander(np.linspace(-1, 1, n_scans), 3))
    weights = np.einsum("vt,tk->vk", series, trend)
    spread = (series - np.einsum("vk,tk->vt", weights, trend)).std(axis=1)
    return spread >= np.percentile(spread, 100 * (1 - share))


def component_table(name, found, n_dummies, about):
    """Columns and metadata of one mask's components.

    Parameters
    ----------
    name : str
        Beginning of the columns' names, as "a_comp_cor".
    found : Components
    n_dummies : int
        Volumes before the steady state.
    about : dict
        Further metadata of each component: "Method", and "Mask" of an anatomical one.

    Returns
    -------
    columns : dict of str to ndarray (n_scans,)
    metadata : dict of str to dict
        Of kept components by their column.
    dropped : list of dict
        Metadata of the others.
    """
    total = np.cumsum(found.explained)
    entries = [
        about
        | {
            "SingularValue": round(float(found.singular[i]), 8),
            "VarianceExplained": round(float(found.explained[i]), 10),
            "CumulativeVarianceExplained": round(float(total[i]), 10),
            "Retained": i < found.kept.shape[1],
        }
        for i in range(len(found.singular))
    ]
    names = [f"{name}_{i:02d}" for i in range(found.kept.shape[1])]
    padded = np.pad(found.kept, ((n_dummies, 0), (0, 0)))
    columns = dict(zip(names, padded.T, strict=True))
    metadata = dict(zip(names, entries, strict=False))
    return columns, metadata, entries[len(names) :]
