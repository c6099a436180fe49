"""Tissue classes of an image from its histogram, as simple tools find them.

The grey values inside a mask are taken for a mixture of three normal distributions (CSF, GM, WM)
and of voxels that hold two neighbouring tissues in any share,

    p(v) = sum_k pi_k N(v; m_k, s_k^2)
         + sum_jk pi_jk int_0^1 N(v; t m_j + (1 - t) m_k, t^2 s_j^2 + (1 - t)^2 s_k^2) dt

(Santago 1993, 10.1109/42.241888; Tohka 2004, 10.1016/j.neuroimage.2004.05.007). It is fitted by
expectation and maximisation; the fraction of a tissue in a voxel is its expectation given the grey
value. FSL's FAST, which fMRIPrep uses, does the same with a spatial prior on top (Zhang 2001,
10.1109/42.906424). Nothing but the image and the mask is used.
"""

import numpy as np

TISSUES = ("CSF", "GM", "WM")  # from dark to bright in a T1w image
BINS = 400
SHARES = np.arange(1, 10) / 10  # of the darker tissue in a mixed voxel: the integral as a sum


def tissue_fractions(data, mask, iterations=100):
    """Fractions of CSF, GM and WM in every voxel of a T1w image.

    Parameters
    ----------
    data : ndarray of integers
        Bias-corrected T1w image, not negative.
    mask : ndarray of bool
    iterations : int

    Returns
    -------
    dict of ndarray
        "CSF", "GM" and "WM": uint8, 255 times the fraction; together 255 in the mask, 0 outside.

    Raises
    ------
    ValueError
        If the mask is empty.

    Examples
    --------
    >>> data = np.repeat([300, 310, 650, 640, 1000, 990], 40).reshape(-1, 1, 1)
    >>> maps = tissue_fractions(data, data > 0)
    >>> [int(maps[name][data == 650].mean()) for name in TISSUES]
    [0, 255, 0]
    """
    values = data[mask]
    if not values.size:
        raise ValueError("The mask is empty: give a mask of the brain on the image's grid.")
    top = float(np.percentile(values, 99.8))
    count, edges = np.histogram(np.minimum(values, top), bins=BINS, range=(0, top))
    centres = (edges[:-1] + edges[1:]) / 2
    table = fractions_of_values(centres, count.astype(float), iterations)
    levels = np.round(255 * table).astype(np.int16)
    levels[1] = 255 - levels[0] - levels[2]
    bins = np.minimum(values * (BINS / top), BINS - 1).astype(np.int16)
    maps = {}
    for name, level in zip(TISSUES, levels, strict=True):
        maps[name] = np.zeros(data.shape, np.uint8)
        maps[name][mask] = level.astype(np.uint8)[bins]
    return maps


def fractions_of_values(values, count, iterations=100):
    """Expected fractions of three tissues at the grey values of a histogram.

    Parameters
    ----------
    values, count : ndarray (n,)
        Middle and height of the bins.
    iterations : int

    Returns
    -------
    ndarray (3, n)
        Dark, middle, bright; columns add up to 1.
    """
    mean, sd = _start(values, count)
    shares = np.vstack([np.eye(3)] + [_mixed(dark, bright) for dark, bright in ((0, 1), (1, 2))])
    weight = np.full(len(shares), 1 / len(shares))
    for _ in range(iterations):
        belongs = _posterior(values, shares, weight, mean, sd)
        mass = belongs * count
        weight = mass.sum(axis=1)
        # Mixed voxels of one pair are equally likely at every share.
        weight[3:12], weight[12:] = weight[3:12].mean(), weight[12:].mean()
        weight = weight / weight.sum()
        pure = mass[:3]
        mean = (pure * values).sum(axis=1) / pure.sum(axis=1)
        variance = (pure * (values - mean[:, None]) ** 2).sum(axis=1) / pure.sum(axis=1)
        sd = np.maximum(np.sqrt(variance), values[1] - values[0])
    table = np.einsum("ck,cn->kn", shares, _posterior(values, shares, weight, mean, sd))
    # A broad class would win again beyond the means of its neighbours.
    table[:, values <= mean[0]] = np.array([[1.0], [0.0], [0.0]])
    table[:, values >= mean[2]] = np.array([[0.0], [0.0], [1.0]])
    return table


def _mixed(dark, bright):
    rows = np.zeros((len(SHARES), 3))
    rows[:, dark], rows[:, bright] = SHARES, 1 - SHARES
    return rows


def _posterior(values, shares, weight, mean, sd):
    """Probability of every pure or mixed kind of voxel (rows) at every grey value."""
    middle = (shares * mean).sum(axis=1)[:, None]
    width = np.sqrt(((shares * sd) ** 2).sum(axis=1))[:, None]
    density = np.exp(-(((values - middle) / width) ** 2) / 2) / width
    joint = weight[:, None] * density + 1e-300
    return joint / joint.sum(axis=0)


def _start(values, count, iterations=30):
    """Three means by k-means on the histogram, from its 10, 45 and 80 % points."""
    below = np.cumsum(count) / count.sum()
    mean = values[np.searchsorted(below, [0.1, 0.45, 0.8])]
    for _ in range(iterations):
        nearest = np.abs(values - mean[:, None]).argmin(axis=0)
        mass = (nearest == np.arange(3)[:, None]) * count
        mean = (mass * values).sum(axis=1) / np.maximum(mass.sum(axis=1), 1)
    variance = (mass * (values - mean[:, None]) ** 2).sum(axis=1) / np.maximum(mass.sum(axis=1), 1)
    return mean, np.maximum(np.sqrt(variance) / 2, values[1] - values[0])


def labels_of(maps):
    """Label image from fractions: 1 GM, 2 WM, 3 CSF as in fMRIPrep, 0 outside.

    Examples
    --------
    >>> part = {n: np.array([[[v]]], np.uint8) for n, v in (("CSF", 5), ("GM", 50), ("WM", 200))}
    >>> labels_of(part).item()
    2
    """
    best = np.zeros(maps["GM"].shape, np.uint8)
    labels = np.zeros_like(best)
    for label, name in enumerate(("GM", "WM", "CSF"), start=1):
        larger = maps[name] > best
        labels[larger], best[larger] = label, maps[name][larger]
    return labels
