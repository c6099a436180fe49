"""From template to voxel: what each voxel of a raw grid holds, block by block.

A voxel is the mean over its eight octants, each looked up where the deformation puts it. Blocks
bound the memory; what a voxel gets does not depend on the block it came in.
"""

from typing import NamedTuple

import numpy as np
from nibabel.affines import apply_affine, voxel_sizes
from scipy import ndimage

from mriworkbook.practice._deformation import Deformation, to_template
from mriworkbook.practice._fields import grid_points, sample, sample_stack
from mriworkbook.practice._head import FIELDS, INDEX, TISSUES, Head, paint
from mriworkbook.practice.anatomy import LOW as BOX_ORIGIN
from mriworkbook.practice.anatomy import Brain
from mriworkbook.practice.parameters import value

# Structures so small or thin that octants would count them too coarsely: labels, points along a
# voxel of 2 mm. The third and fourth ventricle are sheets.
SMALL = (((4, 10, 11, 12, 13, 17, 18, 43, 49, 50, 51, 52, 53, 54), 4), ((14, 15), 8))
POINTS = 300_000  # sampled at once, about
SHARES = ("gm", "wm", "lesion", "inside")


class Voxels(NamedTuple):
    """What the voxels of a part of a grid hold.

    shares: gm, wm, lesion and inside (the brain) in steps of 1/255, uint8. regions: label of the
    template at the voxel's middle, uint8. volumes (256, 4): mm3 of all octants (for `SMALL`, of
    finer points), and of their GM, WM and CSF, per label. signals: one float16 array per contrast,
    white matter 1.
    """

    shares: dict
    regions: np.ndarray
    volumes: np.ndarray
    signals: list


class Subject(NamedTuple):
    """A person ready for the scanner: where, which head, which brain, which regions."""

    deformation: Deformation
    head: Head
    brain: Brain
    regions: np.ndarray


def blocks(part):
    """A box of voxels, three slices with start and stop, in pieces of some planes."""
    plane = (part[1].stop - part[1].start) * (part[2].stop - part[2].start)
    planes = max(POINTS // plane, 4)
    for first in range(part[0].start, part[0].stop, planes):
        yield slice(first, min(first + planes, part[0].stop)), *part[1:]


def _octants(shape, affine, part, deformation):
    """Template position of the middle and of the eight octants of the voxels, each (3, n)."""
    # One more voxel on each side, for the slopes.
    first = [max(p.start - 1, 0) for p in part]
    size = [min(p.stop + 1, n) - f for p, n, f in zip(part, shape, first, strict=True)]
    centre = to_template(deformation, grid_points(size, affine, first))
    inner = tuple(slice(p.start - f, p.stop - f) for p, f in zip(part, first, strict=True))
    slopes = [
        np.stack([np.gradient(c, axis=a)[inner] for c in centre]).reshape(3, -1) / 4
        for a in range(3)
    ]
    centre = centre[(slice(None), *inner)].reshape(3, -1)
    yield centre
    for corner in np.ndindex(2, 2, 2):
        yield centre + sum((2 * side - 1) * s for side, s in zip(corner, slopes, strict=True))


def acquire(shape, affine, part, subject, signals):
    """Sample a box of voxels.

    Parameters
    ----------
    shape : tuple of int
    affine : ndarray (4, 4)
        The raw grid.
    part : tuple of three slices
        The box, with start and stop.
    subject : Subject
    signals : list of dict
        As given to `anatomy.make_brain`.

    Returns
    -------
    Voxels
    """
    size = [p.stop - p.start for p in part]
    shares = {name: np.empty(size, np.uint8) for name in SHARES}
    regions = np.empty(size, np.uint8)
    images = [np.empty(size, np.float16) for _ in signals]
    volumes = np.zeros((256, 4))
    look_up = np.array([[table[name] for table in signals] for name in TISSUES], np.float32)
    octant = float(np.prod(voxel_sizes(affine)) / 8)
    for block in blocks(part):
        place = slice(block[0].start - part[0].start, block[0].stop - part[0].start)
        corners = _octants(shape, affine, block, subject.deformation)
        middle = next(corners)
        regions[place] = _region(subject, middle).reshape(regions[place].shape)
        sums, found = _mean(middle, corners, subject, look_up, octant ** (1 / 3))
        volumes += found * octant
        for name, total in zip(SHARES, sums, strict=False):
            shares[name][place] = _bytes(total, name).reshape(regions[place].shape)
        for image, total in zip(images, sums[len(SHARES) :], strict=True):
            image[place] = total.reshape(regions[place].shape)
    # In whole steps, as they will be stored, so that the mask is exactly "sum above one half".
    shares["wm"] = np.minimum(shares["wm"], shares["inside"])
    shares["gm"] = np.minimum(shares["gm"], shares["inside"] - shares["wm"])
    for labels, per_voxel in SMALL:
        fine = small_volumes(affine, part, regions, subject, labels, per_voxel)
        for label, volume in fine.items():
            volumes[label, 0] = volume
    return Voxels(shares, regions, volumes, images)


def small_volumes(affine, part, regions, subject, labels, per_voxel):
    """mm3 of some structures in a box of voxels, counted on points finer than octants.

    Parameters
    ----------
    affine : ndarray (4, 4)
        The raw grid.
    part : tuple of three slices
    regions : ndarray
        Label at the middle of each voxel of the box.
    subject : Subject
    labels : tuple of int
        The structures.
    per_voxel : int
        Points along each edge of a voxel of 2 mm; fewer in smaller ones.

    Returns
    -------
    dict of int to float
    """
    # Twice, because a sheet may lie between the middles of voxels.
    near = ndimage.binary_dilation(np.isin(regions, labels), iterations=2)
    voxels = np.argwhere(near) + [p.start for p in part]
    n = round(per_voxel * min(float(np.mean(voxel_sizes(affine))) / 2, 1))
    counts = np.zeros(256, int)
    for step in np.ndindex(n, n, n):
        place = voxels + (np.array(step) + 0.5) / n - 0.5
        points = apply_affine(affine, place).T.astype(np.float32)
        found = _region(subject, to_template(subject.deformation, points))
        counts += np.bincount(found, minlength=256)
    volume = abs(np.linalg.det(affine[:3, :3])) / n**3
    return {label: counts[label] * volume for label in labels}


def _bytes(share, name):
    # Every lesion voxel stays one, however little of it is lesion: outside, twins are equal.
    return np.ceil(255 * share) if name == "lesion" else np.round(255 * share)


def _region(subject, points):
    """Label at template points: nearest voxel, 0 outside the box."""
    shape, origin = subject.regions.shape, BOX_ORIGIN
    index = [np.rint(c - o).astype(np.int32) for c, o in zip(points, origin, strict=True)]
    inside = np.logical_and.reduce([(i >= 0) & (i < n) for i, n in zip(index, shape, strict=True)])
    labels = np.zeros(points.shape[1], np.uint8)
    i, j, k = (c[inside] for c in index)
    labels[inside] = subject.regions.reshape(-1)[(i * shape[1] + j) * shape[2] + k]
    return labels


def _mean(middle, corners, subject, look_up, edge):
    """Means over the octants (gm, wm, lesion, inside, signals...), and octants per label."""
    head, brain = subject.head, subject.brain
    grain = np.zeros(len(TISSUES), np.float32)
    for tissue in ("muscle", "fat", "marrow"):
        grain[INDEX[tissue]] = value(f"{tissue}_grain")
    n_contrasts, n = look_up.shape[1], middle.shape[1]
    # No octant lies further from the middle than a voxel's edge: beyond, all is air.
    skin = sample(head.fields[..., FIELDS.index("skin")], head.affine, middle)
    here = np.flatnonzero(skin > -2.5 * edge)
    sums, found = np.zeros((4 + n_contrasts, n), np.float32), np.zeros((256, 4))
    for points in corners if len(here) else ():
        labels, depth, texture = paint(head, points[:, here])
        signal = (look_up[labels] * np.clip(1 + grain[labels] * texture, 0.2, 2)[:, None]).T
        share = brain_share(depth, edge)
        within = share > 0
        inner, share = here[within], share[within]
        maps = sample_stack(brain.maps, brain.affine, points[:, inner])
        signal[:, within] += share * (maps[3:] - signal[:, within])
        sums[:3, inner] += share * maps[:3]
        sums[3, inner] += share
        sums[4:, here] += signal
        region = _region(subject, points[:, inner])
        wanted = None, share * maps[0], share * maps[1], share * (1 - maps[0] - maps[1])
        found += np.stack([np.bincount(region, w, minlength=256) for w in wanted], axis=1)
    return sums / 8, found


def brain_share(depth, edge):
    """Part of an octant of `edge` mm that lies within the brain; the rest of it is fluid."""
    return np.clip(depth / edge + 0.5, 0, 1)


def inside_brain(shape, affine, subject):
    """The share "inside" of `acquire` for the whole grid, without all the rest; uint8."""
    inside = np.empty(shape, np.uint8)
    edge = float(np.prod(voxel_sizes(affine)) / 8) ** (1 / 3)
    number = FIELDS.index("depth")
    field = np.ascontiguousarray(subject.head.fields[..., number : number + 1])
    for block in blocks(tuple(slice(0, n) for n in shape)):
        corners = _octants(shape, affine, block, subject.deformation)
        next(corners)
        shares = (
            brain_share(sample_stack(field, subject.head.affine, points)[0], edge)
            for points in corners
        )
        inside[block] = np.round(255 * (sum(shares) / 8)).reshape(inside[block].shape)
    return inside
