"""One person's scans: every contrast on the raw grid, faults included, with the truth beside."""

from typing import NamedTuple

import nibabel as nib
import numpy as np
from scipy import ndimage

from mriworkbook.practice import VERSION, _people, artefacts
from mriworkbook.practice._deformation import Deformation
from mriworkbook.practice._fields import generator
from mriworkbook.practice._files import raw_path, save, sidecar, write_json
from mriworkbook.practice._sampling import acquire
from mriworkbook.practice._truth import write_truth
from mriworkbook.practice.contrast import tissue_signals
from mriworkbook.practice.parameters import PEOPLE, SEQUENCES, SpinEcho, value

NOISE_PLANES = 16


class Scan(NamedTuple):
    """Raw images and what is true about them, all on one grid except the deformation.

    images: contrast -> raw image. fractions: "GM", "WM", "CSF" and, where there are any,
    "lesions" -> uint8 image in steps of 1/255. volumes: see `_sampling.Voxels`.
    """

    images: dict
    bias: nib.Nifti1Image
    brain_mask: nib.Nifti1Image
    fractions: dict
    structures: nib.Nifti1Image
    volumes: np.ndarray
    deformation: Deformation


def make_scan(person, *, contrasts=tuple(SEQUENCES), subject=None, rescan=False):
    """Simulate one session of one person.

    Parameters
    ----------
    person : parameters.Person
    contrasts : sequence of str
        Which images.
    subject : _sampling.Subject, optional
        Made with the signals of these contrasts; by default it is made here.
    rescan : bool
        A second run: the head has moved a little, the noise is new, nothing goes wrong.

    Returns
    -------
    Scan
    """
    signals = [tissue_signals(contrast) for contrast in contrasts]
    subject = subject or _people.make_subject(person, signals)
    shape, affine = _people.raw_grid(person, subject.deformation)
    if rescan:
        pose = value("rescan_pose")
        head = _people.moved(subject.deformation, affine, shape, pose)
        subject = subject._replace(deformation=head)
        person = person._replace(fault="")
    whole = tuple(slice(0, n) for n in shape)
    voxels, deformation = acquire(shape, affine, whole, subject, signals), subject.deformation
    del subject  # a head and a brain of 130 MB that nobody needs any more
    part = _people.kept_by_wrap(person, shape, affine)
    near = nib.affines.from_matvec(
        affine[:3, :3], nib.affines.apply_affine(affine, [p.start for p in part])
    )
    mask = largest(voxels.shares["inside"] > 127)
    bias = bias_of(person, mask, affine)
    images = {}
    for number, contrast in enumerate(contrasts):
        data = _measure(person, contrast, voxels.signals[number], bias, affine, part, rescan)
        voxels.signals[number] = None
        images[contrast] = nib.Nifti1Image(data, near)
    return Scan(
        images,
        nib.Nifti1Image(bias[part], near),
        nib.Nifti1Image(mask[part].astype(np.uint8), near),
        fraction_images(voxels.shares, part, near),
        _structure_image(voxels, mask, part, near),
        voxels.volumes,
        deformation,
    )


def bias_of(person, mask, affine):
    """The bias field of one person's session, float32 on the grid of the mask."""
    mask_img = nib.Nifti1Image(mask.astype(np.uint8), affine)
    seed = int(generator(person.number, "bias").integers(2**31))
    field = artefacts.bias_field(mask_img, mask_img, person.bias_percent, seed)
    return np.asarray(field.dataobj)


def _measure(person, contrast, signal, bias, affine, part, rescan):
    """From tissue signal to what the scanner stores, int16."""
    fault = person.fault if contrast == "T1w" else ""
    if fault == "motion":
        clean = _with_motion(signal.astype(np.float32), bias, affine)
    else:
        clean = signal * bias
    # Where the other contrasts were measured with oversampling, nothing folds.
    clean = artefacts.wrap_around(clean, part) if fault == "wrap" else clean[part]
    raw = add_noise(person, contrast, clean, rescan=rescan)
    if fault == "flip":
        left_right = int(np.flatnonzero(nib.orientations.io_orientation(affine)[:, 0] == 0)[0])
        raw = np.flip(raw, left_right)
    return raw


def _with_motion(signal, bias, affine):
    """Lines of k-space from several poses; the coils stay where they are."""
    volumes = []
    for share, *pose in value("motion_poses"):
        there = _people.pose_matrix(affine, signal.shape, pose)
        to_rest = np.linalg.inv(affine) @ np.linalg.inv(there) @ affine
        seen = ndimage.affine_transform(signal, to_rest[:3, :3], to_rest[:3, 3], order=1)
        volumes.append((share, seen * bias))
    return artefacts.move_between_lines(volumes, axis=_people.front_back_axis(affine))


def add_noise(person, contrast, clean, *, rescan=False):
    """Rician noise, scanner units and rounding; int16."""
    rng = generator(person.number, f"noise {contrast}" + (" rescan" if rescan else ""))
    raw = np.empty(clean.shape, np.int16)
    sd, units = value(f"noise_{contrast}"), value(f"white_matter_units_{contrast}")
    # Planes at once; the order of the random numbers depends on how many.
    for first in range(0, len(clean), NOISE_PLANES):
        block = np.asarray(clean[first : first + NOISE_PLANES], np.float32)
        noisy = artefacts.add_rician_noise(block, sd, rng)
        raw[first : first + NOISE_PLANES] = np.clip(np.round(noisy * units), 0, 32767)
    return raw


def fraction_images(shares, part, affine):
    """GM, WM, CSF and lesions as images in steps of 1/255, uint8."""
    gm, wm, inside = (shares[name][part] for name in ("gm", "wm", "inside"))
    found = {"GM": gm, "WM": wm, "CSF": inside - gm - wm}
    if shares["lesion"].any():
        found["lesions"] = shares["lesion"][part]
    return {name: nib.Nifti1Image(share, affine) for name, share in found.items()}


def _structure_image(voxels, mask, part, affine):
    """Label image: deep structures by place, the rest by the largest fraction."""
    labels = np.where(mask, voxels.regions, 0)[part]
    gm, wm, inside = (voxels.shares[name][part] for name in ("gm", "wm", "inside"))
    csf = inside - gm - wm
    fluid = (csf > gm) & (csf > wm)
    for cortex, white in ((3, 2), (42, 41), (8, 7), (47, 46)):
        here = labels == cortex
        labels[here & (wm > gm)] = white
        labels[here & fluid] = 24
    return nib.Nifti1Image(labels, affine)


def largest(mask):
    """Largest connected component."""
    labels, _ = ndimage.label(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels == sizes.argmax()


def write_scan(root, label):
    """Simulate one person's scans; write the raw images and their truth below `root`."""
    person = PEOPLE[label]
    if person.fault != "motion":
        _write(root, label, make_scan(person))
        return
    # The rescan is of the same head.
    subject = _people.make_subject(person, [tissue_signals(contrast) for contrast in SEQUENCES])
    _write(root, label, make_scan(person, subject=subject))
    subject = subject._replace(brain=_people.make_brain(person, [tissue_signals("T1w")]))
    again = make_scan(person, contrasts=("T1w",), subject=subject, rescan=True)
    _write(root, label, again, run="run-2")


def _write(root, label, scan, run=None):
    first = raw_path(root, label)
    first.parent.mkdir(parents=True, exist_ok=True)
    for contrast, img in scan.images.items():
        path = first if contrast == "T1w" else first.with_name(f"sub-{label}_{contrast}.nii.gz")
        if run:
            path = path.with_name(f"sub-{label}_{run}_{contrast}.nii.gz")
        save(img, path, np.int16)
        write_json(path, raw_sidecar(contrast))
    write_truth(root, label, scan, run)


def raw_sidecar(contrast):
    """BIDS metadata of one raw image.

    Examples
    --------
    >>> raw_sidecar("FLAIR")["InversionTime"]
    2.47
    """
    sequence = SEQUENCES[contrast]
    fields = {
        "Modality": "MR",
        "Manufacturer": "Simulated",
        "ManufacturersModelName": "MRI Workbook practice study",
        "InstitutionName": "None: simulated",
        "SoftwareVersions": f"mriworkbook.practice {VERSION}",
        "NonlinearGradientCorrection": True,
        "MagneticFieldStrength": sequence.field_strength,
        "EchoTime": sequence.echo_time / 1000,
    }
    if sequence.inversion_time is not None:
        fields["InversionTime"] = sequence.inversion_time / 1000
    if isinstance(sequence, SpinEcho):
        name = "inversion-recovery spin-echo" if sequence.inversion_time else "spin-echo"
        fields |= {
            "MRAcquisitionType": "2D",
            "PulseSequenceType": name,
            "ScanningSequence": ["SE", "IR"] if sequence.inversion_time else "SE",
            "SequenceVariant": "SK",
            "SequenceName": "flair" if sequence.inversion_time else "tse",
            "RepetitionTime": sequence.repetition_time / 1000,
            "FlipAngle": 90,
        }
        return sidecar(f"Simulated {contrast} image ({name}).", **fields)
    fields |= {
        "MRAcquisitionType": "3D",
        "PulseSequenceType": "MPRAGE",
        "ScanningSequence": ["GR", "IR"],
        "SequenceVariant": ["SP", "MP"],
        "SequenceName": "mprage",
        "RepetitionTimePreparation": sequence.repetition_time / 1000,
        "RepetitionTimeExcitation": sequence.echo_spacing / 1000,
        "FlipAngle": sequence.flip_angle,
        "NumberShots": sequence.train_length,
    }
    return sidecar("Simulated MPRAGE image.", **fields)
