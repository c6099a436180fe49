"""One scan of one person as parcel series: coupled neural series and everything that is not.

    y_r(t) = neural + linear + spin history + respiratory + distance
             + physiological + drift + thermal,              percent of the mean signal,

the model of the images, with points at the regions' coordinates. Beside the regions there are noise
regions in white matter and ventricles, which have no neural part: principal components of them are
the confounds of CompCor.

Regions that a statistic needs as a mean only need not be drawn one by one: `channels_of` merges
those outside one network; the distribution is exactly that of the mean of single draws.
"""

import functools
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import signal

from mriworkbook.practice._bold_artefacts import artefact_factors, product
from mriworkbook.practice._coupling import network_names
from mriworkbook.practice._fields import generator
from mriworkbook.practice._motion import estimated_motion, simulate_motion
from mriworkbook.practice._network_series import correlation_root, slow_noise
from mriworkbook.practice.parameters import value
from mriworkbook.practice.regions import load_regions

SLICE = 4.0  # mm
LOWEST, N_SLICES = -72.0, 41


class Channels(NamedTuple):
    """What is drawn: regions, or regions and the mean of the others, then noise regions.

    points (n, 3) mm and grey (n,) of all regions and noise regions; merge (channels, n): each row
    sums to 1; sizes: how many regions a channel is the mean of; n_neural: how many channels have a
    neural part (they come first); single: whether each is one region.
    """

    points: np.ndarray
    grey: np.ndarray
    merge: np.ndarray
    sizes: np.ndarray
    n_neural: int
    single: bool


@functools.lru_cache(maxsize=4)
def channels_of(network=None):
    """Channels of a scan.

    Parameters
    ----------
    network : str, optional
        One network whose regions are drawn one by one, the others as their mean in a channel that
        follows them; None draws all.

    Returns
    -------
    Channels

    Raises
    ------
    ValueError
        If there is no such network.

    Examples
    --------
    >>> channels_of("DefaultMode").n_neural, channels_of().n_neural
    (48, 187)
    """
    regions = load_regions()
    if network is not None and network not in network_names():
        names = ", ".join(network_names())
        raise ValueError(f"No network is called {network!r}; choose one of {names}.")
    n_noise, centre, spread = value("series_noise_regions")
    noise = centre + generator(0, "noise regions").standard_normal((n_noise, 3)) * spread
    points = np.concatenate([regions[["x", "y", "z"]].to_numpy(float), noise])
    n = len(regions)
    in_regions, in_noise = value("series_grey")
    grey = np.where(np.arange(len(points)) < n, in_regions, in_noise)
    single = np.eye(len(points))
    if network is None:
        return Channels(points, grey, single, np.ones(len(points)), n, True)
    inside = (regions["network"] == network).to_numpy()
    others = np.zeros(len(points))
    others[:n][~inside] = 1 / (~inside).sum()
    merge = np.concatenate([single[:n][inside], others[None], single[n:]])
    sizes = 1 / (merge**2).sum(axis=1)
    return Channels(points, grey, merge, sizes, int(inside.sum()) + 1, False)


def merged_coupling(coupling, channels):
    """Covariance of the channels' neural parts, from the regions' correlation.

    Examples
    --------
    >>> merged_coupling(np.eye(187), channels_of("DefaultMode"))[-1, -1].round(4).item()
    0.0071
    """
    merge = channels.merge[: channels.n_neural, : len(coupling)]
    return coupling if channels.single else merge @ coupling @ merge.T


def _merged(maps, channels):
    """Maps (k, points) at the channels; the files' voxels are single, so BLAS does not matter."""
    return maps if channels.single else maps @ channels.merge.T


def _physiological(channels, n_scans, rng):
    """Heartbeat and breathing, aliased: a few courses, strong in noise regions, weak in grey."""
    n_sources, in_noise, in_grey, memory = value("series_physiological")
    white = np.sqrt(1 - memory**2) * rng.standard_normal((n_scans, n_sources))
    courses = signal.lfilter([1.0], [1.0, -memory], white, axis=0)
    region = channels.grey == channels.grey.max()
    size = np.where(region, in_grey, in_noise) / np.sqrt(n_sources)
    return courses, size * rng.standard_normal((n_sources, len(size)))


def _drift(n_scans, shape, rng):
    """Smooth over the whole run: cosines of less than one period a run's length; SD 1."""
    t = (np.arange(n_scans) + 0.5) / n_scans
    waves = np.cos(np.pi * np.arange(1, 3)[:, None] * t) * np.sqrt(2)
    return np.einsum("kt,kn->tn", waves, rng.standard_normal((2, shape)) / np.sqrt(2))


def background(channels, n_scans, rng):
    """Physiological noise, drift and thermal noise of the channels, percent.

    Parameters
    ----------
    channels : Channels
    n_scans : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray (n_scans, channels), float32

    Examples
    --------
    >>> background(channels_of(), 148, np.random.default_rng(0)).shape
    (148, 211)
    """
    courses, maps = _physiological(channels, n_scans, rng)
    n_channels = len(channels.merge)
    common, own = value("series_drift")
    drift = common * _drift(n_scans, 1, rng) + own * _drift(n_scans, n_channels, rng) / np.sqrt(
        channels.sizes
    )
    neural = np.arange(n_channels) < channels.n_neural
    in_grey, in_noise = value("series_thermal_sd")
    size = np.where(neural, in_grey, in_noise) / np.sqrt(channels.sizes)
    thermal = size * rng.standard_normal((n_scans, n_channels))
    return product(courses, _merged(maps, channels)) + (drift + thermal).astype(np.float32)


def artefacts(channels, motion, rng, t_r):
    """The four parts at the channels.

    Parameters
    ----------
    channels : Channels
    motion : DataFrame
        True motion.
    rng : numpy.random.Generator
    t_r : float
        Seconds.

    Returns
    -------
    dict of str to ndarray (n_scans, channels), float32

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> list(artefacts(channels_of(), simulate_motion(0.2, 60, rng), rng, 2.0))[0]
    'linear'
    """
    slices = np.clip((channels.points[:, 2] - LOWEST) / SLICE, 0, N_SLICES - 1)
    factors = artefact_factors(
        motion,
        channels.points,
        slices,
        rng,
        grey=channels.grey,
        n_slices=N_SLICES,
        thickness=SLICE,
        blur=value("series_region_blur"),
        t_r=t_r,
    )
    return {
        part: product(courses, _merged(maps, channels)) for part, (courses, maps) in factors.items()
    }


def neural_size():
    """SD of a region's neural part in percent: that of grey matter times the grey in a region.

    Examples
    --------
    >>> bool(0 < neural_size() < 1)
    True
    """
    return value("neural_sd") * value("series_grey")[0]


class Scan(NamedTuple):
    """One scan: all that was measured, and its parts.

    series (n_scans, regions), noise (n_scans, noise regions): percent; motion: estimated; parts:
    neural, the four of `_bold_artefacts.PARTS` and background, each (n_scans, channels), with the
    noise regions last (no neural part there: zeros); true_motion.
    """

    series: np.ndarray
    noise: np.ndarray
    motion: pd.DataFrame
    true_motion: pd.DataFrame
    parts: dict


def draw_scan(coupling, level, rng, *, channels=None, n_scans=148, t_r=2.0):
    """Draw one scan.

    Parameters
    ----------
    coupling : ndarray (regions, regions)
        Planted, of this person at this scan.
    level : float
        Mean framewise displacement, mm.
    rng : numpy.random.Generator
    channels : Channels, optional
        All regions by default.
    n_scans : int
        Volumes after the non-steady state.
    t_r : float
        Seconds.

    Returns
    -------
    Scan

    Examples
    --------
    >>> scan = draw_scan(np.eye(187), 0.2, np.random.default_rng(0))
    >>> scan.series.shape, scan.noise.shape
    ((148, 187), (148, 24))
    """
    channels = channels or channels_of()
    true_motion = simulate_motion(level, n_scans, rng)
    parts = artefacts(channels, true_motion, rng, t_r)
    parts["background"] = background(channels, n_scans, rng)
    root = correlation_root(merged_coupling(coupling, channels))
    neural = np.zeros_like(parts["background"])
    white = slow_noise(channels.n_neural, n_scans, t_r, rng)
    neural[:, : channels.n_neural] = neural_size() * np.einsum("tk,ck->tc", white, root)
    total = sum(parts.values()) + neural
    n = channels.n_neural
    motion = estimated_motion(true_motion, rng)
    return Scan(total[:, :n], total[:, n:], motion, true_motion, {"neural": neural} | parts)
