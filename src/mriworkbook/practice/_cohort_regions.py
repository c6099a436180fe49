"""What is planted in the regions and structures of the cohort, the same for every draw of it.

Thickness (mm), log area and log volume of person i all follow one linear model,

    y_i = X_i B + s_i e_i,    X_i the row that ``MODEL`` gives,

with residuals e of known SD and correlation and s the scale of the person's site (thickness only).
"""

import functools
from typing import NamedTuple

import numpy as np
import pandas as pd

from mriworkbook.practice import _mesh
from mriworkbook.practice._fields import generator
from mriworkbook.practice._thickness import age_slopes, region_means
from mriworkbook.practice.parameters import value
from mriworkbook.practice.regions import load_regions, surface_labels

SITES, GROUPS = ("A", "B", "C"), ("control", "patient")
# The correct model; the terms are named and ordered as a formula makes them.
MODEL = "sex + site + group + I(age - 50) + I((age - 50) ** 2) + motion + np.log(eTIV)"
TERMS = (
    "Intercept",
    "sex[T.M]",
    "site[T.B]",
    "site[T.C]",
    "group[T.patient]",
    "I(age - 50)",
    "I((age - 50) ** 2)",
    "motion",
    "np.log(eTIV)",
)
REFERENCE_ETIV = 1.344e6  # mm3, mean of AOMIC-PIOP2


class Planted(NamedTuple):
    """Coefficients (terms by columns), residual SD and the factor of the residual correlation.

    ``root @ root.T`` is the correlation matrix.
    """

    coefficients: pd.DataFrame
    sd: np.ndarray
    root: np.ndarray


def _empty(columns):
    return pd.DataFrame(0.0, index=pd.Index(TERMS, name="term"), columns=columns)


def _root(matrix):
    """Lower Cholesky factor; written out, because LAPACK rounds differently with other threads."""
    lower = np.zeros_like(matrix)
    for j in range(len(matrix)):
        rest = matrix[j:, j] - np.einsum("ik,k->i", lower[j:, :j], lower[j, :j])
        lower[j:, j] = rest / np.sqrt(rest[0])
    return lower


def _mirrored_distance(regions):
    """Distances in mm between coordinates with the left side folded onto the right."""
    points = regions.assign(x=regions["x"].abs())[["x", "y", "z"]].to_numpy(float)
    return np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=-1))


def residual_correlation(regions):
    """Correlation of thickness between regions at given age, sex and the rest.

    With d the distance to the mirrored region, a the loadings and f hidden factors,

        r = a a' [ global + wide exp(-d / l) + homologue exp(-(d / w)^2)
                   + same side (level + near exp(-d / m)) + sum f f' ],     and 1 on the diagonal:

    each part is a covariance, what is left on the diagonal is the region's own.

    Parameters
    ----------
    regions : DataFrame
        See `regions.load_regions`.

    Returns
    -------
    ndarray (n, n)

    Examples
    --------
    >>> r = residual_correlation(load_regions())
    >>> bool(np.allclose(np.diag(r), 1) and np.linalg.eigvalsh(r).min() > 0)
    True
    """
    rng = generator(0, "cohort correlation")
    n, distance = len(regions), _mirrored_distance(regions)
    same = regions["hemi"].to_numpy()[:, None] == regions["hemi"].to_numpy()
    (wide, length), (pair, width) = value("cohort_r_wide"), value("cohort_r_homologue")
    level, near, near_length = value("cohort_r_hemisphere")
    count, share = value("cohort_r_factors")
    factors = rng.standard_normal((n, count))
    factors *= np.sqrt(share / (factors**2).sum(axis=1, keepdims=True))
    loading = rng.uniform(*value("cohort_r_loading"), n)
    shared = (
        value("cohort_r_global")
        + wide * np.exp(-distance / length)
        + pair * np.exp(-((distance / width) ** 2))
        + same * (level + near * np.exp(-distance / near_length))
        + np.einsum("ik,jk->ij", factors, factors)
    )
    shared = loading[:, None] * loading * shared
    if shared.diagonal().max() >= 1:
        raise ValueError("Regions share more than all of their variance: lower a cohort_r_ value.")
    np.fill_diagonal(shared, 1.0)
    return shared


def _smooth_pattern(purpose, regions):
    """A random pattern over regions, alike in neighbours and homologues; mean 0, SD 1."""
    distance = _mirrored_distance(regions)
    covariance = np.exp(-distance / value("cohort_r_wide")[1]) + 1e-6 * np.eye(len(regions))
    root = _root(covariance)
    noise = generator(0, purpose).standard_normal(len(regions))
    pattern = np.einsum("ij,j->i", root, noise)
    return (pattern - pattern.mean()) / pattern.std()


def _columns(regions, measure):
    side = regions["hemi"].map({"L": "lh", "R": "rh"})
    return pd.Index(side + "_" + regions["name"] + "_" + measure, name="region")


@functools.lru_cache(maxsize=1)
def thickness():
    """What is planted in regional thickness, mm.

    Returns
    -------
    Planted
    """
    regions = load_regions()
    columns = _columns(regions, "thickness")
    means = region_means(value("cohort_age_centre")).to_numpy(float)
    planted = _empty(columns)
    planted.loc["I(age - 50)"] = age_slopes().to_numpy()
    curved = (regions["name"] == value("cohort_age_curved_region")).to_numpy()
    planted.loc["I((age - 50) ** 2)", curved] = value("cohort_age_curvature")
    mean, spread = value("cohort_sex")
    planted.loc["sex[T.M]"] = mean + spread * _smooth_pattern("cohort sex", regions)
    for site, shift in zip(SITES[1:], value("cohort_site_mean")[1:], strict=True):
        pattern = _smooth_pattern(f"cohort site {site}", regions)
        planted.loc[f"site[T.{site}]"] = shift + value("cohort_site_pattern") * pattern
    pairs = zip(value("cohort_group_regions"), value("cohort_thickness_group"), strict=True)
    for name, effect in pairs:
        planted.loc["group[T.patient]", (regions["name"] == name).to_numpy()] = effect
    planted.loc["motion"] = value("cohort_motion_effect") * means
    slope = value("cohort_thickness_etiv")
    planted.loc["np.log(eTIV)"] = slope
    planted.loc["Intercept"] = means - slope * np.log(REFERENCE_ETIV)
    median, spread = value("cohort_region_sd")
    draws = generator(0, "cohort region sd").standard_normal(len(regions))
    sd = means * median * np.exp(spread * draws)
    return Planted(planted, sd, _root(residual_correlation(regions)))


@functools.lru_cache(maxsize=1)
def area():
    """What is planted in the logarithm of regional surface area (mm²).

    Returns
    -------
    Planted
    """
    regions = load_regions()
    planted = _empty(_columns(regions, "area"))
    sizes = np.zeros(len(regions))
    for hemi in _mesh.HEMISPHERES:
        mesh = _mesh.template_mesh(hemi)
        corners = mesh.white[mesh.faces].astype(float)
        cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        faces = np.sqrt((cross**2).sum(axis=1)) / 2
        labels = surface_labels(hemi)[mesh.faces].ravel()
        found = np.bincount(labels, np.repeat(faces / 3, 3), len(regions) + 1)[1:]
        sizes += found * value("cohort_hemisphere_area") / found.sum()
    exponent = value("cohort_area_exponent")
    planted.loc["Intercept"] = np.log(sizes) - exponent * np.log(REFERENCE_ETIV)
    planted.loc["np.log(eTIV)"] = exponent
    planted.loc["I(age - 50)"] = value("cohort_area_age")
    sd, correlation = value("cohort_area_sd")
    matrix = np.full((len(regions), len(regions)), correlation)
    np.fill_diagonal(matrix, 1.0)
    return Planted(planted, np.full(len(regions), sd), _root(matrix))


def _structures():
    """Column, frozen numbers and key of the side-less structure, in FreeSurfer's order."""
    from mriworkbook.practice.structures import STRUCTURES

    for column in STRUCTURES:
        name = column.removeprefix("Left-").removeprefix("Right-")
        if name != "Cerebral-Cortex":
            yield column, name, value(f"cohort_volume_{name}")


@functools.lru_cache(maxsize=1)
def volumes():
    """What is planted in the logarithm of the volumes of structures (mm³).

    Returns
    -------
    Planted
        All of FreeSurfer's structures that the study has, but the cortex, which is area times
        thickness.
    """
    rows = list(_structures())
    planted = _empty(pd.Index([column for column, _, _ in rows], name="region"))
    planted.loc["sex[T.M]"] = value("cohort_volume_sex")
    for site, shift in zip(SITES[1:], value("cohort_volume_site")[1:], strict=True):
        planted.loc[f"site[T.{site}]"] = shift
    for column, name, (ml, exponent, slope, curve, _, _) in rows:
        planted.loc["np.log(eTIV)", column] = exponent
        planted.loc["Intercept", column] = np.log(ml * 1000) - exponent * np.log(REFERENCE_ETIV)
        planted.loc["I(age - 50)", column] = slope
        planted.loc["I((age - 50) ** 2)", column] = curve
        if name == "Hippocampus":
            planted.loc["group[T.patient]", column] = value("cohort_hippocampus_group")
    sd = np.array([numbers[4] for _, _, numbers in rows])
    loading = np.array([numbers[5] for _, _, numbers in rows])
    names = np.array([name for _, name, _ in rows])
    # Left and right share what they share with all others, and more: r = l l' + (side - l l').
    matrix = loading[:, None] * loading
    matrix[names[:, None] == names] = value("cohort_volume_side")
    np.fill_diagonal(matrix, 1.0)
    return Planted(planted, sd, _root(matrix))


def planted_effects():
    """Everything that is planted, as a long table.

    Returns
    -------
    DataFrame
        measure ("thickness" in mm, "area" and "volume" in logarithms), region (the tables' column),
        term (as `MODEL` names it) and coefficient.

    Examples
    --------
    >>> effects = planted_effects().query("term == 'group[T.patient]' and coefficient != 0")
    >>> effects["measure"].value_counts().to_dict()
    {'thickness': 2, 'volume': 2}
    """
    tables = {"thickness": thickness(), "area": area(), "volume": volumes()}
    long = [
        planted.coefficients.T.reset_index()
        .melt("region", var_name="term", value_name="coefficient")
        .assign(measure=measure)
        for measure, planted in tables.items()
    ]
    return pd.concat(long, ignore_index=True)[["measure", "region", "term", "coefficient"]]
