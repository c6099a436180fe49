"""Percent changes of the BOLD signal at the voxels of one run, as time courses times maps.

    percent = grey neural + linear + spin_history + respiratory + distance + physiological + drift

The first four artefacts come from `_bold_artefacts`. Physiological noise (pulsation of fluid and
vessels, aliased at this t_r) is strongest in CSF; drift is slow everywhere. Thermal noise is not a
change of the tissue's signal; the scanner adds it (see `_bold_noise`).
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from mriworkbook.practice._bold_artefacts import PARTS, artefact_factors, product, smooth_maps
from mriworkbook.practice._fields import generator
from mriworkbook.practice.parameters import value

# Courses that last longer than a repetition; the others belong to the volume, not to the moment
# at which a slice was excited.
SLOW = ("respiratory", "physiological", "drift")


class Changes(NamedTuple):
    """neural (n_scans, regions), regions (n,) and grey (n,); factors: part -> (courses, maps)."""

    neural: np.ndarray
    regions: np.ndarray
    grey: np.ndarray
    factors: dict


def planted_changes(voxels, planted, number, task, slices, n_slices):
    """All that changes in one run.

    Parameters
    ----------
    voxels : _bold_grid.Voxels
    planted : _bold_person.Planted
    number : int
        Of the person.
    task : str
    slices : ndarray (n,)
        Slice in which each voxel was acquired, from 0; may be fractional.
    n_slices : int

    Returns
    -------
    Changes
        The same changes at the same places, whatever the grid.
    """
    grey = voxels.shares["GM"]
    elsewhere = value("artefact_respiratory_elsewhere")
    factors = artefact_factors(
        planted.motion,
        voxels.points.T,
        slices,
        generator(number, f"artefacts {task}"),
        grey=elsewhere + (1 - elsewhere) * grey,
        n_slices=n_slices,
        t_r=value("bold_t_r"),
    )
    n_scans = len(planted.motion)
    rng = generator(number, f"physiology {task}")
    factors["physiological"] = _physiological(voxels, number, n_scans, rng)
    factors["drift"] = _drift(voxels, n_scans, rng)
    return Changes(planted.series, voxels.regions, grey, factors)


def _physiological(voxels, number, n_scans, rng):
    """Some courses with a memory, each with a map of its own, in proportion to tissue weights."""
    n_courses, memory, length = value("bold_physiological_courses")
    courses = np.empty((n_scans, n_courses))
    courses[0] = rng.standard_normal(n_courses)
    for t in range(1, n_scans):
        new = np.sqrt(1 - memory**2) * rng.standard_normal(n_courses)
        courses[t] = memory * courses[t - 1] + new
    weights = dict(zip(("GM", "WM", "CSF"), value("bold_physiological"), strict=True))
    spread = value("bold_physiological_person_sd")
    person = np.exp(spread * generator(number, "size of physiology").standard_normal())
    where = sum(weight * voxels.shares[name] for name, weight in weights.items())
    size = np.float32(person / np.sqrt(n_courses)) * where
    return courses, size * _maps(voxels, length, n_courses, rng)


def _drift(voxels, n_scans, rng):
    """Straight and bent trends; the SD over time of a voxel is the frozen one on average."""
    amplitude, length = value("bold_drift")
    t = np.linspace(-1, 1, n_scans)
    courses = np.stack([t, t**2 - (t**2).mean()], axis=1)
    courses /= courses.std(axis=0)
    return courses, np.float32(amplitude / np.sqrt(2)) * _maps(voxels, length, 2, rng)


def _maps(voxels, length, n_maps, rng):
    """Independent smooth maps of unit variance."""
    basis = smooth_maps(voxels.points.T, length, 64, rng)
    mixing = rng.standard_normal((n_maps, 64))
    return product(mixing, basis)


def _later(courses, delay):
    """Courses `delay` volumes later, by cubic splines; the ends go on as they end."""
    if delay == 0:
        return courses
    return ndimage.shift(courses, (-delay, 0), order=3, mode="nearest")


def percent(changes, *, here=slice(None), delay=0.0, parts=None):
    """Changes of some voxels.

    Parameters
    ----------
    changes : Changes
    here : index of voxels
    delay : float
        When the voxels are excited, in repetitions after the middle of the volume.
    parts : sequence of str, optional
        Of the factors, and "neural"; all by default.

    Returns
    -------
    ndarray (n_scans, n), float32
        Percent of the mean signal.
    """
    regions, grey = changes.regions[here], changes.grey[here].astype(np.float32)
    total = np.zeros((len(changes.neural), len(regions)), np.float32)
    if parts is None or "neural" in parts:
        series = _later(changes.neural, delay).astype(np.float32)
        active = np.flatnonzero(regions)
        total[:, active] = series[:, regions[active] - 1] * grey[active]
    for name, (courses, maps) in changes.factors.items():
        if parts is None or name in parts:
            when = _later(courses, delay) if name in SLOW else courses
            total += product(when, maps[:, here])
    return total


def global_courses(changes):
    """Mean over the voxels of each artefact part.

    Returns
    -------
    dict of str to ndarray (n_scans,)
        Percent, for each of `_bold_artefacts.PARTS`.
    """
    means = {name: changes.factors[name][1].mean(axis=1, dtype=float) for name in PARTS}
    return {
        name: np.einsum("tk,k->t", changes.factors[name][0], mean) for name, mean in means.items()
    }
