"""The template grid of the BOLD runs, and what one person's voxels hold there.

Voxel x of an image in template space shows the point ``x + e(x)`` of the template, not x: e is the
error of the person's registration (see `_registration`). All that is true about a voxel (tissue,
structure, region) is looked up at that point. Persons with an anatomical scan have their own
tissue there; the others, who exist on this grid only, a simpler one drawn from the template.
"""

import functools
from typing import NamedTuple

import nibabel as nib
import numpy as np
from nilearn import datasets
from scipy import ndimage, special

from mriworkbook.practice import truth_path
from mriworkbook.practice._fields import (
    band_noise,
    generator,
    grid_points,
    sample,
    sample_stack,
    smooth_noise,
    transform,
)
from mriworkbook.practice._parcellation import with_specks
from mriworkbook.practice._registration import registration_error
from mriworkbook.practice.anatomy import load_template
from mriworkbook.practice.parameters import value
from mriworkbook.practice.regions import volume_labels
from mriworkbook.practice.structures import template_structures

SPACING = 4.0
TISSUE_NAMES = ("GM", "WM", "CSF")


class Voxels(NamedTuple):
    """Voxels of one person on one grid: inside the mask, n of them.

    shape, affine: the grid. mask: boolean on it. points (3, n): template millimetres that the
    voxels show. shares: tissue -> (n,), float32. structures (n,): numbers of
    `structures.STRUCTURES`. regions (n,): region whose activity a voxel carries, 0 for none. depth
    (n,): mm below the brain's surface.
    """

    shape: tuple
    affine: np.ndarray
    mask: np.ndarray
    points: np.ndarray
    shares: dict
    structures: np.ndarray
    regions: np.ndarray
    depth: np.ndarray

    def on_grid(self, values):
        """Values (n,) as a volume, 0 outside the mask."""
        volume = np.zeros(self.shape, np.asarray(values).dtype)
        volume[self.mask] = values
        return volume


@functools.lru_cache(maxsize=1)
def template_grid():
    """Shape and affine of nilearn's template at 4 mm.

    Examples
    --------
    >>> template_grid()[0]
    (50, 59, 48)
    """
    img = datasets.load_mni152_template(resolution=int(SPACING))
    return img.shape, img.affine


@functools.lru_cache(maxsize=1)
def _region_map():
    """The parcellation at every cortical place, grey or not, at 2 mm: labels and affine."""
    img = datasets.load_mni152_brain_mask(resolution=2)
    near = ndimage.binary_dilation(np.asarray(img.dataobj) > 0, iterations=2)
    labels = volume_labels(img.shape, img.affine, near)
    return with_specks(labels, img.affine), img.affine


def nearest(volume, affine, points):
    """Values of the nearest voxels at points (3, n); 0 outside the grid.

    Examples
    --------
    >>> nearest(np.arange(8).reshape(2, 2, 2), np.eye(4), np.array([[0.6], [0.2], [9.0]])).tolist()
    [0]
    """
    index = np.rint(transform(np.linalg.inv(affine), points)).astype(np.intp)
    size = np.array(volume.shape)[:, None]
    inside = np.all((index >= 0) & (index < size), axis=0)
    found = np.zeros(points.shape[1], volume.dtype)
    found[inside] = volume[tuple(index[:, inside])]
    return found


def person_shift(number, points):
    """Where a person's function lies relative to the template's, in mm.

    Parameters
    ----------
    number : int
        Of the person.
    points : ndarray (3, n)
        Template millimetres.

    Returns
    -------
    ndarray (3, n), float32
        The region active at a point is the one that the parcellation has at the point plus this.

    Examples
    --------
    >>> shift = person_shift(1, np.zeros((3, 1), np.float32))
    >>> bool((shift == person_shift(1, np.zeros((3, 1), np.float32))).all())
    True
    """
    shape, affine = template_grid()
    amplitude, sigma = value("parcel_shift")
    rng = generator(number, "parcel shift")
    return amplitude * np.stack(
        [sample(smooth_noise(rng, shape, sigma / SPACING), affine, points) for _ in range(3)]
    )


def active_regions(number, points, grey):
    """Region whose activity each point carries in one person.

    Parameters
    ----------
    number : int
    points : ndarray (3, n)
        Template millimetres.
    grey : ndarray (n,)
        Share of grey matter.

    Returns
    -------
    ndarray (n,), int16
        Index into `regions.load_regions`, 0 for none.
    """
    labels, affine = _region_map()
    found = nearest(labels, affine, points + person_shift(number, points))
    found[grey < value("least_active_grey")] = 0
    return found


def template_voxels(root, label, number):
    """One person's voxels in template space.

    Parameters
    ----------
    root : Path
        The practice study; the truth of a person with an anatomical scan must be there.
    label : str
    number : int
        Of the person.

    Returns
    -------
    Voxels
    """
    shape, affine = template_grid()
    whole = grid_points(shape, affine)
    shown = whole + registration_error(number, shape, SPACING)
    template = load_template()
    depth = sample(template.depth.astype(np.float32), template.affine, shown)
    mask = _erring_mask(depth, number)
    corners = _octants(shown[:, mask], SPACING)
    if (root / f"sub-{label}" / "anat").is_dir():
        shares = _own_tissue(root, label, corners)
    else:
        shares = _drawn_tissue(number, corners)
    points = shown[:, mask]
    structures = nearest(template_structures(), template.affine, points)
    regions = active_regions(number, points, shares["GM"])
    return Voxels(shape, affine, mask, points, shares, structures, regions, depth[mask])


def _erring_mask(depth, number):
    """The brain, with its surface moved as tools err (see `_masks`), in one piece."""
    rng = generator(number, "bold mask")
    error = smooth_noise(rng, depth.shape, value("mask_error_sigma") / SPACING)
    pieces, _ = ndimage.label(depth + value("mask_error_sd") * error > 0)
    largest = pieces == np.bincount(pieces[pieces > 0]).argmax()
    return ndimage.binary_fill_holes(largest)


def _octants(points, edge):
    """Middles of the eight octants of cubes around points (3, n): a list of (3, n)."""
    corners = np.array(list(np.ndindex(2, 2, 2)), np.float32) - 0.5
    return [points + edge / 2 * corner[:, None] for corner in corners]


def _mean(stack, affine, corners):
    """Mean of maps (i, j, k, m) over the octants, (m, n)."""
    return sum(sample_stack(stack, affine, points) for points in corners) / len(corners)


def _own_tissue(root, label, corners):
    """True fractions of the anatomical scan at the scanner points of the octants."""
    img = nib.load(truth_path(root, label, "warp_from_template"))
    warp = np.asarray(img.dataobj, np.float32)
    maps = [nib.load(truth_path(root, label, name)) for name in TISSUE_NAMES]
    stack = np.stack([np.asarray(m.dataobj, np.float32) for m in maps], axis=-1)
    scanner = [sample_stack(warp, img.affine, points) for points in corners]
    mean = _mean(stack, maps[0].affine, scanner)
    return dict(zip(TISSUE_NAMES, mean, strict=True))


def _drawn_tissue(number, corners):
    """Fractions of a person who has no scan, drawn from the template as in `anatomy`.

    The latent field lacks what needs 1 mm: its sheets do not stand on the brain's surface.
    """
    stack, affine = _drawn_maps(number)
    mean = _mean(stack, affine, corners)
    return dict(zip(TISSUE_NAMES, mean, strict=True))


@functools.lru_cache(maxsize=1)
def _odds():
    """Tempered P(CSF), P(CSF) + P(GM) and what is folded, on a 2 mm grid, float32."""
    template = load_template()
    gm, wm, depth = (
        ndimage.gaussian_filter(volume.astype(np.float32), 0.8)[::2, ::2, ::2]
        for volume in (template.gm, template.wm, template.depth)
    )
    fluid = np.where(depth < 0, 255, np.clip(255 - gm - wm, 0, 255))
    powers = [np.clip(p / 255, 1e-6, 1) ** value("sharpening") for p in (fluid, gm, wm)]
    total = sum(powers)
    structures = template_structures()[::2, ::2, ::2]
    folded = (structures == 0) | np.isin(structures, (8, 47))
    affine = template.affine.copy()
    affine[:3, :3] *= 2
    inside = np.clip(depth / 2 + 0.5, 0, 1)
    return powers[0] / total, (powers[0] + powers[1]) / total, folded, inside, affine


def _drawn_maps(number):
    """GM, WM and CSF (i, j, k, 3) of one person, float32, and the affine."""
    first, second, folded, inside, affine = _odds()
    rng = generator(number, "folding")
    field = band_noise(rng, first.shape, value("sulcal_sigma") / 2.0)
    u = special.erf(abs(field) / np.float32(np.sqrt(2)))
    u = np.where(folded, u, np.float32(0.5))
    edge = value("tissue_edge") * np.where(folded, 1, 3)
    csf, below = (special.expit((_logit(p) - _logit(u)) / edge) for p in (first, second))
    grey = np.clip(below - csf, 0, 1)
    maps = [grey, 1 - below, csf]
    return np.stack([m * inside for m in maps], axis=-1).astype(np.float32), affine


def _logit(p):
    return special.logit(np.clip(p, 1e-4, 1 - 1e-4))
