"""Planted coupling: how strongly the regions' neural series go together in one person and scan.

The correlation matrix of regions r, s in networks k, l is built so that it cannot fail to be
positive definite:

    C = B N B' + S [(1 - v) I + v D] S,    B_rk = sqrt(w_r) in the region's own network,
    S_rr = sqrt(1 - w_r),                  D_rs = exp(-d_rs^2 / (2 l^2)).

w_r (between 0 and 1) is how much a region shares with its network, N the correlation matrix of the
13 networks, D makes near regions alike (d: distance of the coordinates), whatever their network.
Two regions of one network hence correlate by sqrt(w_r w_s) and a little more if they are near.

A person differs from the mean by normal deviates on the logits of w, one for each network and one
for each region, and by N_p = L expm(sigma Z) L' scaled to a diagonal of ones (L L' = N, Z symmetric
with normal entries): both keep C positive definite. At a rescan, a share of the variance of these
deviates is the person's and the rest is new. In patients, w of the default mode is lower by a
frozen amount.
"""

import functools
from typing import NamedTuple

import numpy as np

from mriworkbook.practice.parameters import value
from mriworkbook.practice.regions import load_regions

DEFAULT_MODE = "DefaultMode"
GROUPS = ("control", "patient")


class Deviation(NamedTuple):
    """How a person, or a person at one scan, differs from the mean: standard normal deviates.

    network: one per network; regions: one per region; between: a symmetric matrix of networks.
    """

    network: np.ndarray
    regions: np.ndarray
    between: np.ndarray


@functools.lru_cache(maxsize=1)
def _layout():
    """Names of networks, network number of each region, distances between regions (mm)."""
    regions = load_regions()
    names, of_region = np.unique(regions["network"], return_inverse=True)
    points = regions[["x", "y", "z"]].to_numpy(float)
    distance = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=-1))
    return tuple(names), of_region, distance


def network_names():
    """Networks in the order of `Deviation.network`.

    Examples
    --------
    >>> network_names()[2]
    'DefaultMode'
    """
    return tuple(str(name) for name in _layout()[0])


def mean_person():
    """The deviation of somebody who does not deviate.

    Examples
    --------
    >>> mean_person().between.shape
    (13, 13)
    """
    n = len(network_names())
    return Deviation(np.zeros(n), np.zeros(len(_layout()[1])), np.zeros((n, n)))


def draw_deviation(rng):
    """Draw what is a person's own.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    Deviation

    Examples
    --------
    >>> draw_deviation(np.random.default_rng(0)).regions.shape
    (187,)
    """
    names, of_region, _ = _layout()
    square = rng.standard_normal((len(names), len(names)))
    between = np.tril(square) + np.tril(square, -1).T
    return Deviation(rng.standard_normal(len(names)), rng.standard_normal(len(of_region)), between)


def at_scan(trait, rng):
    """The person at one scan: most of the variance is the person's, the rest the day's.

    Parameters
    ----------
    trait : Deviation
        Of the person, from `draw_deviation`.
    rng : numpy.random.Generator

    Returns
    -------
    Deviation

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> trait = draw_deviation(rng)
    >>> bool(np.corrcoef(at_scan(trait, rng).regions, trait.regions)[0, 1] > 0.7)
    True
    """
    share = value("coupling_rescan_share")
    day = draw_deviation(rng)
    return Deviation(
        *(
            np.sqrt(share) * own + np.sqrt(1 - share) * new
            for own, new in zip(trait, day, strict=True)
        )
    )


@functools.lru_cache(maxsize=1)
def _mean_networks():
    """Cholesky factor of N, the mean correlation matrix of networks.

    N = level + system [same system] + antagonism t t' + what is left on the diagonal; each part is
    a covariance. t is +1 for the default mode and -1 for its opponents.
    """
    names = network_names()
    level, system, antagonism = value("coupling_between")
    systems = value("coupling_systems")
    of_network = np.array([[name in members for name in names] for members in systems], float)
    opponents = value("coupling_opponents")
    sign = np.array([(name == DEFAULT_MODE) - float(name in opponents) for name in names])
    shared = level + system * np.einsum("si,sj->ij", of_network, of_network)
    shared = shared + antagonism * np.outer(sign, sign)
    if shared.diagonal().max() >= 1:
        raise ValueError("Networks share more than all of their variance: lower coupling_between.")
    np.fill_diagonal(shared, 1.0)
    return np.linalg.cholesky(shared)


def network_correlation(between):
    """N of one person: positive definite whatever the deviates.

    Parameters
    ----------
    between : ndarray (networks, networks)
        See `Deviation`.

    Returns
    -------
    ndarray (networks, networks)

    Examples
    --------
    >>> mean = network_correlation(np.zeros((13, 13)))
    >>> bool(np.allclose(mean.diagonal(), 1))
    True
    """
    size, axes = np.linalg.eigh(value("coupling_person_between_sd") * between)
    spread = np.einsum("ik,k,jk->ij", axes, np.exp(size), axes)
    root = _mean_networks()
    raw = np.einsum("ik,kl,jl->ij", root, spread, root)
    scale = np.sqrt(raw.diagonal())
    return raw / np.outer(scale, scale)


def _logit(share):
    return np.log(share / (1 - share))


def shared_variance(deviation, group):
    """w: the share of a region's neural variance that its network explains.

    Parameters
    ----------
    deviation : Deviation
    group : {"control", "patient"}

    Returns
    -------
    ndarray (regions,)
        Between 0 and 1.

    Raises
    ------
    ValueError
        If there is no such group.

    Examples
    --------
    >>> control, patient = (shared_variance(mean_person(), group) for group in GROUPS)
    >>> weaker = control - patient
    >>> bool(np.isclose(weaker.max(), -value("coupling_group_default_mode")))
    True
    """
    if group not in GROUPS:
        raise ValueError(f"No group is called {group!r}; choose one of {', '.join(GROUPS)}.")
    names, of_region, _ = _layout()
    mean = np.full(len(names), value("coupling_within"))
    if group == "patient":
        mean[names.index(DEFAULT_MODE)] += value("coupling_group_default_mode")
    by_network, by_region = value("coupling_person_sd")
    logits = (_logit(mean) + by_network * deviation.network)[of_region]
    return 1 / (1 + np.exp(-logits - by_region * deviation.regions))


def coupling_matrix(deviation, group="control"):
    """Planted correlation between regions of one person at one scan.

    Parameters
    ----------
    deviation : Deviation
        `mean_person` gives the mean of the group.
    group : {"control", "patient"}

    Returns
    -------
    ndarray (regions, regions)
        Positive definite, ones on the diagonal; regions in the order of `load_regions`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> coupling = coupling_matrix(at_scan(draw_deviation(rng), rng), "patient")
    >>> bool(np.linalg.eigvalsh(coupling).min() > 0)
    True
    """
    _, of_region, distance = _layout()
    share = shared_variance(deviation, group)
    networks = network_correlation(deviation.between)[np.ix_(of_region, of_region)]
    local, length = value("coupling_local")
    own = local * np.exp(-((distance / length) ** 2) / 2)
    coupling = np.sqrt(np.outer(share, share)) * networks
    coupling += np.sqrt(np.outer(1 - share, 1 - share)) * own
    np.fill_diagonal(coupling, 1.0)
    return coupling


def within_network(coupling, network=DEFAULT_MODE):
    """Mean Fisher z over the pairs of regions of one network.

    Parameters
    ----------
    coupling : ndarray (..., regions, regions)
        Correlations, ones on the diagonal; all regions, or those of the network alone.
    network : str

    Returns
    -------
    ndarray (...)

    Raises
    ------
    ValueError
        If there is no such network.

    Examples
    --------
    >>> control, patient = (coupling_matrix(mean_person(), group) for group in GROUPS)
    >>> bool(within_network(patient) < within_network(control))
    True
    """
    names, of_region, _ = _layout()
    if network not in names:
        raise ValueError(f"No network is called {network!r}; choose one of {', '.join(names)}.")
    inside = np.flatnonzero(of_region == names.index(network))
    if coupling.shape[-1] != len(inside):
        coupling = coupling[..., inside[:, None], inside]
    return np.arctanh(coupling[..., *_pairs(len(inside))]).mean(axis=-1)


@functools.lru_cache(maxsize=4)
def _pairs(n):
    return np.tril_indices(n, -1)
