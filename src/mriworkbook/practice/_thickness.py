"""Cortical thickness: what is planted in a region, and one person's map.

At vertex v of a person of age a, in mm,

    t(v) = mean + [p(v) - mean of p] + S[b](v) (a - 22) + S[d](v) + g + r(v) + e(v)

with p fsaverage5's average map, b a region's slope, d what disease takes there (0 in health), S a
smoothing along the surface, g the person's own shift, r and e smooth noise of the width of regions
and of vertices. Every amplitude is in `parameters/surfaces.py`.
"""

import numpy as np

from mriworkbook.practice import _mesh
from mriworkbook.practice._fields import generator
from mriworkbook.practice.parameters import value
from mriworkbook.practice.regions import load_regions, surface_labels

ALZHEIMER = "AD-like"


def _factors(effect):
    networks = load_regions()["network"]
    return networks.map(lambda network: value(f"thickness_{effect}_factor_{network}"))


def age_slopes():
    """Change of each region's thickness with age.

    Returns
    -------
    Series
        mm per year, indexed as `regions.load_regions`; its mean is ``thickness_age_slope``.

    Examples
    --------
    >>> round(float(age_slopes().mean()), 6)
    -0.005
    """
    factors = _factors("age")
    return value("thickness_age_slope") * factors / factors.mean()


def disease_effects(diagnosis):
    """What a disease takes from each region.

    Parameters
    ----------
    diagnosis : str
        "AD-like"; anything else has no effect.

    Returns
    -------
    Series
        mm, indexed as `regions.load_regions`.

    Examples
    --------
    >>> float(disease_effects("").abs().max())
    0.0
    """
    amount = value("thickness_alzheimer") if diagnosis == ALZHEIMER else 0.0
    return amount * _factors("alzheimer")


def region_means(age, diagnosis=""):
    """Expected thickness of each region, before anything individual.

    Parameters
    ----------
    age : float
        Years.
    diagnosis : str

    Returns
    -------
    Series
        mm, indexed as `regions.load_regions`.

    Examples
    --------
    >>> bool(region_means(70).mean() < region_means(22).mean())
    True
    """
    table = load_regions()
    means = table["x"].copy().rename("thickness")
    for hemi in _mesh.HEMISPHERES:
        labels, pattern = surface_labels(hemi), _pattern(hemi)
        here = table.index[table["hemi"] == hemi]
        counts = np.bincount(labels, minlength=len(table) + 1)
        sums = np.bincount(labels, pattern, len(table) + 1)
        means[here] = (sums / np.maximum(counts, 1))[here]
    years = age - value("thickness_reference_age")
    return means + age_slopes() * years + disease_effects(diagnosis)


def _pattern(hemi):
    """fsaverage5's average, its mean over both hemispheres' cortex moved to `thickness_mean`."""
    meshes = [_mesh.template_mesh(side) for side in _mesh.HEMISPHERES]
    mean = np.concatenate([mesh.thickness[mesh.cortex] for mesh in meshes]).mean(dtype=np.float64)
    mesh = _mesh.template_mesh(hemi)
    return mesh.thickness + (value("thickness_mean") - mean)


def _noise(rng, faces, sigma, edge):
    """Noise smoothed along the mesh, SD 1."""
    noise = _mesh.smooth(rng.standard_normal(faces.max() + 1), faces, sigma, edge)
    return noise / noise.std()


def person_thickness(person, hemi, edge):
    """Thickness of one person as a tool would find it.

    Parameters
    ----------
    person : parameters.Person
    hemi : {"L", "R"}
    edge : float
        Mean edge length of the person's white surface in mm.

    Returns
    -------
    ndarray (10242,)
        mm; 0 on the medial wall.
    """
    faces, cortex = _mesh.template_mesh(hemi).faces, _mesh.template_mesh(hemi).cortex
    years = person.age - value("thickness_reference_age")
    planted = age_slopes() * years + disease_effects(person.diagnosis)
    per_label = np.concatenate([[planted.mean()], planted.to_numpy()])
    thickness = _pattern(hemi) + _mesh.smooth(
        per_label[surface_labels(hemi)], faces, value("thickness_planted_sigma"), edge
    )
    # The same in both hemispheres.
    thickness += (
        value("thickness_person_sd") * generator(person.number, "thickness").standard_normal()
    )
    rng = generator(person.number, f"thickness {hemi}")
    for width in ("region", "vertex"):
        noise = _noise(rng, faces, value(f"thickness_{width}_sigma"), edge)
        thickness += value(f"thickness_{width}_sd") * noise
    thickness = np.clip(thickness, value("thickness_least"), value("thickness_most"))
    return np.where(cortex, thickness, 0.0)
