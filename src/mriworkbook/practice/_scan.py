"""One raw scan: the person in the scanner, sampled on the raw grid, with its truth beside it."""

from typing import NamedTuple

import nibabel as nib
import numpy as np
from nibabel.affines import voxel_sizes
from nibabel.orientations import axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform
from scipy import ndimage

from mriworkbook.practice import anatomy, artefacts
from mriworkbook.practice._deformation import (
    Deformation,
    make_deformation,
    rotation,
    to_scanner,
    to_template,
)
from mriworkbook.practice._fields import generator, grid_points, sample, sample_stack
from mriworkbook.practice._files import raw_path, save, sidecar, write_json
from mriworkbook.practice._head import INDEX, TISSUES, make_head, paint
from mriworkbook.practice._truth import write_truth
from mriworkbook.practice.contrast import tissue_signals
from mriworkbook.practice.parameters import MPRAGE, PEOPLE, value

FIELD_OF_VIEW = (184.0, 256.0, 240.0)  # mm: left-right, back-front, bottom-top


class Scan(NamedTuple):
    """A raw image and what is true about it, all on one grid except the deformation."""

    raw: nib.Nifti1Image
    bias: nib.Nifti1Image
    brain_mask: nib.Nifti1Image
    fractions: dict
    deformation: Deformation


def raw_grid(person, deformation):
    """Shape and affine of the raw image: own storage order, slightly oblique."""
    shape = np.round(np.array(FIELD_OF_VIEW) / person.voxel_size).astype(int)
    ras = np.eye(4)
    ras[:3, :3] = rotation(person.grid_rotation) * person.voxel_size
    # The crown comes to lie 8 mm below the top of the field of view.
    crown, middle = np.array([[0, -15, 97.0], [0, -6, 0.0]])
    top, centre = to_scanner(deformation, np.stack([crown, middle], axis=1)).T
    centre = np.array([centre[0], centre[1], top[2] + 8 - FIELD_OF_VIEW[2] / 2])
    ras[:3, 3] = centre - ras[:3, :3] @ ((shape - 1) / 2)
    turn = ornt_transform(io_orientation(ras), axcodes2ornt(person.orientation))
    affine = ras @ inv_ornt_aff(turn, shape)
    stored = np.empty(3, int)
    stored[turn[:, 0].astype(int)] = shape
    return tuple(int(n) for n in stored), affine


def _subvoxels(shape, affine, deformation):
    """Template position of the eight octants of every voxel, one array (3, n) at a time."""
    centre = to_template(deformation, grid_points(shape, affine))
    slopes = [np.stack([np.gradient(c, axis=a) for c in centre]) / 4 for a in range(3)]
    for corner in np.ndindex(2, 2, 2):
        shift = sum((2 * side - 1) * slope for side, slope in zip(corner, slopes, strict=True))
        yield (centre + shift).reshape(3, -1)


def _acquire(shape, affine, deformation, brain, head, signals):
    """Mean signal and fractions per voxel over its octants."""
    look_up = np.array([signals[name] for name in TISSUES], np.float32)
    grain = np.zeros(len(TISSUES), np.float32)
    for tissue in ("muscle", "fat", "marrow"):
        grain[INDEX[tissue]] = value(f"{tissue}_grain")
    n, octant = int(np.prod(shape)), voxel_sizes(affine).mean() / 2
    sums = {name: np.zeros(n, np.float32) for name in ("signal", "gm", "wm", "inside")}
    for points in _subvoxels(shape, affine, deformation):
        here = np.flatnonzero(sample(head.fields[..., 1], head.affine, points) > -0.5)
        labels, depth, texture = paint(head, points[:, here])
        signal = look_up[labels] * np.clip(1 + grain[labels] * texture, 0.2, 2)
        # An octant on the brain's surface belongs to it in part; the rest is fluid.
        share = np.clip(depth / octant + 0.5, 0, 1)
        within = share > 0
        inner, share = here[within], share[within]
        gm, wm, tissue = sample_stack(brain.maps, brain.affine, points[:, inner])
        signal[within] += share * (tissue - signal[within])
        sums["gm"][inner] += share * gm
        sums["wm"][inner] += share * wm
        sums["inside"][inner] += share
        sums["signal"][here] += signal
    return {name: (total / 8).reshape(shape) for name, total in sums.items()}


def make_scan(person):
    """Simulate one person's raw T1w image.

    Parameters
    ----------
    person : parameters.Person

    Returns
    -------
    Scan
    """
    template = anatomy.load_template()
    signals = tissue_signals()
    deformation = make_deformation(
        person,
        (template.depth > 0).astype(np.float32),
        template.ventricles.astype(np.float32),
        template.affine,
        template.volume_ml,
    )
    head = make_head(person, template)
    brain = anatomy.make_brain(person, template, signals)
    shape, affine = raw_grid(person, deformation)
    voxels = _acquire(shape, affine, deformation, brain, head, signals)
    gm, wm, inside = (
        np.round(255 * voxels[name]).astype(np.int16) for name in ("gm", "wm", "inside")
    )
    # In steps of 1/255, as they will be stored, so that the mask is exactly "sum above one half".
    wm = np.minimum(wm, inside)
    gm = np.minimum(gm, inside - wm)
    mask = _largest(inside > 127)
    mask_img = nib.Nifti1Image(mask.astype(np.uint8), affine)
    seed = int(generator(person.number, "bias").integers(2**31))
    bias = artefacts.bias_field(mask_img, mask_img, person.bias_percent, seed)
    noisy = artefacts.add_rician_noise(
        voxels["signal"] * bias.get_fdata(dtype=np.float32),
        value("noise"),
        generator(person.number, "noise"),
    )
    raw = np.clip(np.round(noisy * value("white_matter_units")), 0, 32767).astype(np.int16)
    shares = {"GM": gm, "WM": wm, "CSF": inside - gm - wm}
    fractions = {
        name: nib.Nifti1Image(np.float32(share / 255), affine) for name, share in shares.items()
    }
    return Scan(nib.Nifti1Image(raw, affine), bias, mask_img, fractions, deformation)


def _largest(mask):
    """Largest connected component."""
    labels, _ = ndimage.label(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels == sizes.argmax()


def write_scan(root, label):
    """Simulate one person's scan; write the raw images and their truth below `root`."""
    person = PEOPLE[label]
    scan = make_scan(person)
    path = raw_path(root, label)
    path.parent.mkdir(parents=True)
    save(scan.raw, path, np.int16)
    write_json(path, _raw_sidecar(person))
    write_truth(root, label, scan)


def _raw_sidecar(person):
    return sidecar(
        "Simulated MPRAGE image.",
        Modality="MR",
        Manufacturer="Simulated",
        ManufacturersModelName="MRI Workbook practice study",
        MagneticFieldStrength=MPRAGE.field_strength,
        MRAcquisitionType="3D",
        PulseSequenceType="MPRAGE",
        ScanningSequence="GR_IR",
        RepetitionTimePreparation=MPRAGE.repetition_time / 1000,
        RepetitionTimeExcitation=MPRAGE.echo_spacing / 1000,
        InversionTime=MPRAGE.inversion_time / 1000,
        EchoTime=MPRAGE.echo_time / 1000,
        FlipAngle=MPRAGE.flip_angle,
        NumberShots=MPRAGE.train_length,
    )
