"""Cortical regions of the practice study: Voronoi cells around published coordinates.

The coordinates are the cortical ones of Seitzman 2018 (bundled with nilearn; published as Seitzman
2020, 10.1016/j.neuroimage.2019.116290). Those without a network are dropped, then those too close
to an earlier one of the list. What is left is called after its network, with a number.
"""

import functools

import numpy as np
import pandas as pd
from nilearn import datasets
from scipy.spatial import cKDTree

from mriworkbook.practice._fields import grid_points, transform
from mriworkbook.practice._mesh import HEMISPHERES, template_mesh
from mriworkbook.practice.parameters import value


def _uncrowded(points, spacing):
    """Indices of points at least `spacing` from every earlier one that was kept."""
    kept = []
    for i, point in enumerate(points):
        if all(np.linalg.norm(point - points[k]) >= spacing for k in kept):
            kept.append(i)
    return kept


@functools.lru_cache(maxsize=1)
def _regions():
    atlas = datasets.fetch_coords_seitzman_2018(ordered_regions=False)
    table = atlas.rois.reset_index(drop=True)
    table["network"] = atlas.networks
    cortical = np.char.startswith(atlas.regions.astype(str), "cortex")
    table = table[cortical & (table["network"] != "unassigned")]
    table = table.iloc[_uncrowded(table[["x", "y", "z"]].to_numpy(), value("region_spacing"))]
    table["hemi"] = np.where(table["x"] < 0, "L", "R")
    table = table.sort_values(["network", "hemi"], kind="stable")
    number = table.groupby("network").cumcount() + 1
    table["name"] = table["network"] + "_" + number.map("{:02d}".format)
    table.index = pd.RangeIndex(1, len(table) + 1, name="index")
    return table[["name", "network", "hemi", "x", "y", "z"]]


def load_regions():
    """The regions, the same for everybody.

    Returns
    -------
    DataFrame
        Indexed by label 1 to n; name ("DefaultMode_07"), network, hemi ("L" or "R") and the
        coordinate x, y, z in MNI152 mm.

    Examples
    --------
    >>> load_regions().loc[1, "name"]
    'Auditory_01'
    """
    return _regions().copy()


def _nearest_region(points, hemi):
    """Label of the nearest coordinate of one hemisphere, for points (n, 3)."""
    table = _regions()
    table = table[table["hemi"] == hemi]
    _, nearest = cKDTree(table[["x", "y", "z"]].to_numpy()).query(points)
    return table.index.to_numpy()[nearest].astype(np.int16)


def _middle(mesh):
    return (mesh.white + mesh.pial) / 2


@functools.lru_cache(maxsize=2)
def _surface_labels(hemi):
    mesh = template_mesh(hemi)
    return np.where(mesh.cortex, _nearest_region(_middle(mesh), hemi), 0).astype(np.int16)


def surface_labels(hemi):
    """Region of each vertex of fsaverage5: the nearest coordinate to the mid-surface.

    Parameters
    ----------
    hemi : {"L", "R"}

    Returns
    -------
    ndarray (10242,), int16
        Index into `load_regions`, 0 on the medial wall.

    Raises
    ------
    ValueError
        If `hemi` is neither.

    Examples
    --------
    >>> surface_labels("L").shape
    (10242,)
    """
    if hemi not in HEMISPHERES:
        raise ValueError(f"No hemisphere is called {hemi!r}; choose 'L' or 'R'.")
    return _surface_labels(hemi).copy()


def volume_labels(shape, affine, grey):
    """Region of each cortical voxel of a grid in template space.

    A grey voxel belongs to the cortex of a hemisphere if that hemisphere's mid-surface is nearest,
    near enough (``region_reach``) and not the medial wall there, and if the template has no deep
    structure, cerebellum or brainstem at the place. Its label is the nearest coordinate of the
    hemisphere, as on the surface.

    Parameters
    ----------
    shape : tuple of int
    affine : ndarray (4, 4)
        Voxels to MNI152 mm.
    grey : ndarray of bool, or of fractions (more than one half counts)
        Grey matter on the grid.

    Returns
    -------
    ndarray of `shape`, int16
        Index into `load_regions`, 0 elsewhere.

    Raises
    ------
    ValueError
        If `grey` is not of that shape.

    Examples
    --------
    >>> affine = np.diag([8.0, 8, 8, 1])
    >>> affine[:3, 3] = -80, -112, -64
    >>> labels = volume_labels((21, 25, 19), affine, np.ones((21, 25, 19), bool))
    >>> bool(len(np.unique(labels)) > 150)
    True
    """
    grey = np.asarray(grey)
    if grey.shape != tuple(shape):
        raise ValueError(f"grey has shape {grey.shape}; pass one of shape {tuple(shape)}.")
    grey = grey > 0.5
    points = grid_points(shape, affine)[:, grey].astype(np.float64)
    meshes = {hemi: template_mesh(hemi) for hemi in HEMISPHERES}
    tree = cKDTree(np.concatenate([_middle(mesh) for mesh in meshes.values()]))
    cortex = np.concatenate([mesh.cortex for mesh in meshes.values()])
    distance, vertex = tree.query(points.T)
    here = (distance <= value("region_reach")) & cortex[vertex] & ~_other_structure(points)
    found = np.zeros(points.shape[1], np.int16)
    n_left = len(meshes["L"].cortex)
    for hemi, side in (("L", vertex < n_left), ("R", vertex >= n_left)):
        found[here & side] = _nearest_region(points.T[here & side], hemi)
    labels = np.zeros(shape, np.int16)
    labels[grey] = found
    return labels


def _other_structure(points):
    """Whether the template has a deep structure, cerebellum or brainstem at points (3, n)."""
    from mriworkbook.practice.anatomy import load_template
    from mriworkbook.practice.structures import template_structures

    structures = template_structures()
    index = transform(np.linalg.inv(load_template().affine), points).round().astype(int)
    inside = np.all((index >= 0) & (index < np.array(structures.shape)[:, None]), axis=0)
    found = np.zeros(points.shape[1], bool)
    found[inside] = structures[tuple(index[:, inside])] > 0
    return found
