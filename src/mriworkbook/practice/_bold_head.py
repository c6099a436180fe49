"""A person's head at rest on the grid of the raw EPI: what every voxel holds and how bright it is.

The brain comes from the truth of the anatomical scan, the rest of the head is made anew in the
template and put where the person's map has it. Between the T1w image and the run the head has moved
by a known rigid pose.
"""

from typing import NamedTuple

import nibabel as nib
import numpy as np

from mriworkbook.practice import _head, truth_path
from mriworkbook.practice._bold_grid import TISSUE_NAMES, Voxels, active_regions, nearest
from mriworkbook.practice._bold_noise import coil_field, thermal_sd
from mriworkbook.practice._bold_tissue import brain_signal, dropout, epi_signal
from mriworkbook.practice._deformation import rotation
from mriworkbook.practice._fields import grid_points, sample, sample_stack, transform
from mriworkbook.practice._mapping import load_mapping, to_image, to_template
from mriworkbook.practice._people import pose_matrix
from mriworkbook.practice.anatomy import load_template
from mriworkbook.practice.parameters import PEOPLE, value
from mriworkbook.practice.structures import template_structures

# Template point in the middle of the field of view.
MIDDLE = (0.0, -17.0, 8.0)
LEAST_BRAIN = 0.02  # share of a voxel


class EpiHead(NamedTuple):
    """A head at rest, (i, j, k) volumes in units of steady white matter.

    session (4, 4): from the scanner's place at the T1w image to that at the run. voxels: those that
    hold brain; shares are of the brain in them. pulses: signal under the first excitations and in
    the steady state (last), coil left out. coil: its sensitivity; it does not move with the head.
    noise: SD of the noise in the real and in the imaginary part.
    """

    shape: tuple
    affine: np.ndarray
    session: np.ndarray
    voxels: Voxels
    pulses: list
    coil: np.ndarray
    noise: np.ndarray


def epi_grid(label, tilt, centre):
    """Shape and affine of the raw run.

    Parameters
    ----------
    label : str
    tilt : tuple of float
        Degrees about x, y and z.
    centre : ndarray (3,)
        Scanner millimetres of the middle.

    Returns
    -------
    shape : tuple of int
    affine : ndarray (4, 4)
        Stored from right to left, as most scanners' images are after conversion.

    Examples
    --------
    >>> shape, affine = epi_grid("01", (12, 0, 0), np.zeros(3))
    >>> nib.aff2axcodes(affine)
    ('L', 'A', 'S')
    """
    shape = (value("bold_matrix"), value("bold_matrix"), value("bold_slices"))
    affine = np.eye(4)
    affine[:3, :3] = rotation(tilt) @ np.diag(np.array(value("bold_raw_voxel")) * (-1, 1, 1))
    affine[:3, 3] = centre - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return shape, affine


def epi_head(root, label, tilt):
    """Put one person's head on the grid of the raw run.

    Parameters
    ----------
    root : Path
        The practice study with the truth of the person's anatomical scan.
    label : str
    tilt : tuple of float
        Of the slices, degrees.

    Returns
    -------
    EpiHead
    """
    mapping = load_mapping(root, label)
    there = to_image(mapping, np.array(MIDDLE, np.float32)[:, None])[:, 0]
    shape, affine = epi_grid(label, tilt, there)
    session = pose_matrix(affine, shape, value("bold_session_pose"))
    before = np.linalg.inv(session)
    centre = to_template(mapping, transform(before, grid_points(shape, affine)).reshape(3, -1))
    shares = _brain_shares(root, label, shape, affine, before)
    rest = _rest_of_head(label, shape, centre.reshape(3, *shape), 1 - sum(shares.values()))
    structures = nearest(template_structures(), load_template().affine, centre)
    left = dropout(centre)
    pulses = []
    for pulse in [*range(value("bold_n_dummies")), None]:
        signal = brain_signal(shares, structures, pulse)
        for name, share in rest.items():
            signal += np.float32(epi_signal(name, pulse)) * share
        pulses.append((signal * left).reshape(shape).astype(np.float32))
    template = load_template()
    depth = sample(template.depth.astype(np.float32), template.affine, centre)
    voxels = _brain_voxels(label, shape, affine, centre, shares, structures, depth)
    coil = coil_field(voxels.mask, affine, PEOPLE[label].number)
    noise = coil * thermal_sd(depth).reshape(shape)
    return EpiHead(shape, affine, session, voxels, pulses, coil, noise)


def _steps(affine):
    """From a voxel's middle to those of its octants, (8, 3), mm."""
    corners = np.array(list(np.ndindex(2, 2, 2))) / 2 - 0.25
    return np.einsum("ij,cj->ci", affine[:3, :3], corners)


def _brain_shares(root, label, shape, affine, before):
    """Mean true fraction of each tissue over the octants of a voxel, (n,)."""
    maps = [nib.load(truth_path(root, label, name)) for name in TISSUE_NAMES]
    stack = np.stack([np.asarray(m.dataobj, np.float32) for m in maps], axis=-1)
    points = grid_points(shape, affine).reshape(3, -1)
    total = np.float32(0)
    for step in _steps(affine).astype(np.float32):
        there = transform(before, points + step[:, None])
        total = total + sample_stack(stack, maps[0].affine, there) * _within(maps[0], there)
    return dict(zip(TISSUE_NAMES, total / 8, strict=True))


def _within(img, points):
    """Which points lie in the image's field of view."""
    index = transform(np.linalg.inv(img.affine), points)
    return np.all((index >= 0) & (index <= np.array(img.shape)[:, None] - 1), axis=0)


def _rest_of_head(label, shape, centre, beyond):
    """Share of each tissue outside the brain, (n,); `beyond` is what the brain leaves."""
    head = _head.make_head(PEOPLE[label], load_template())
    slopes = [np.stack([np.gradient(c, axis=a) for c in centre]).reshape(3, -1) for a in range(3)]
    middle = centre.reshape(3, -1)
    found = np.zeros((len(_head.TISSUES), middle.shape[1]), np.float32)
    for corner in np.ndindex(2, 2, 2):
        offset = sum((side - 0.5) / 2 * s for side, s in zip(corner, slopes, strict=True))
        labels, _, _ = _head.paint(head, (middle + offset).astype(np.float32))
        found[labels, np.arange(len(labels))] += 1 / 8
    beyond = np.clip(beyond, 0, 1)
    return {name: found[number] * beyond for name, number in _head.INDEX.items()}


def _brain_voxels(label, shape, affine, centre, shares, structures, depth):
    """The voxels that hold brain, as `_bold_grid.template_voxels` has them on its grid."""
    total = sum(shares.values())
    mask = total > LEAST_BRAIN
    within = {name: share[mask] / total[mask] for name, share in shares.items()}
    points = centre[:, mask].astype(np.float32)
    regions = active_regions(PEOPLE[label].number, points, within["GM"] * total[mask])
    return Voxels(
        shape, affine, mask.reshape(shape), points, within, structures[mask], regions, depth[mask]
    )
