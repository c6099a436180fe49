"""What FreeSurfer would leave: conformed images, corrected by real N4.

They are made from the raw image alone, but for the mask: the true brain with its surface moved.
"""

from typing import NamedTuple

import nibabel as nib
import numpy as np
from scipy import ndimage

from mriworkbook.practice import truth_path
from mriworkbook.practice._files import raw_path
from mriworkbook.practice._masks import erring_mask
from mriworkbook.practice._n4 import estimate_fields
from mriworkbook.practice.parameters import PEOPLE, value


def conformed(img, spacing):
    """The image on FreeSurfer's cube: LIA, 256 mm wide, centred on the field of view.

    FreeSurfer's own spacing is 1 mm; with `recon-all -cm` it keeps a finer one, and here the cube
    keeps the image's. Trilinear, zero outside.
    """
    n = round(256 / spacing)
    affine = np.diag([0.0, 0.0, 0.0, 1.0])
    affine[:3, :3] = spacing * np.array([[-1, 0, 0], [0, 0, 1], [0, -1, 0]])
    centre = img.affine @ [*(np.array(img.shape) / 2), 1]
    affine[:3, 3] = centre[:3] - affine[:3, :3] @ np.full(3, n / 2)
    cube_to_voxel = np.linalg.inv(img.affine) @ affine
    data = ndimage.affine_transform(
        np.asarray(img.dataobj, dtype=np.float32),
        cube_to_voxel[:3, :3],
        cube_to_voxel[:3, 3],
        output_shape=(n, n, n),
        order=1,
    )
    return nib.Nifti1Image(data, affine)


def _to_bytes(data):
    return np.clip(np.round(data), 0, 255).astype(np.uint8)


def _white_matter_peak(data, brain):
    """Most frequent value among the brain's brighter half: white matter."""
    values = data[brain]
    bright = values[values > np.median(values)]
    counts, edges = np.histogram(bright, bins=128)
    smooth = ndimage.gaussian_filter1d(counts.astype(float), 3)
    best = smooth.argmax()
    return (edges[best] + edges[best + 1]) / 2


class Cube(NamedTuple):
    """Conformed head (uint8, FreeSurfer's orig) and brain mask."""

    orig: nib.Nifti1Image
    mask: nib.Nifti1Image


def freesurfer_cube(raw_img, brain_mask_img, spacing):
    """Conform the raw image and the mask of the FreeSurfer-like pipeline.

    Parameters
    ----------
    raw_img : Nifti1Image
    brain_mask_img : Nifti1Image
        The mask with the tool's error, on the raw grid.
    spacing : float
        mm.

    Returns
    -------
    Cube
    """
    cube, mask = conformed(raw_img, spacing), conformed(brain_mask_img, spacing)
    data = np.asarray(cube.dataobj)
    orig = _to_bytes(data * 255 / np.quantile(data[data > 0], value("conform_quantile")))
    brain = (np.asarray(mask.dataobj) > 0.5).astype(np.uint8)
    return Cube(*(nib.Nifti1Image(image, cube.affine) for image in (orig, brain)))


def freesurfer_images(cube, field):
    """Simulated orig, nu, T1 and brainmask.

    Parameters
    ----------
    cube : Cube
    field : ndarray
        N4's field of ``cube.orig``.

    Returns
    -------
    dict of str to MGHImage
        uint8 on the conformed cube.
    """
    orig, brain = np.asarray(cube.orig.dataobj), np.asarray(cube.mask.dataobj) > 0
    corrected = orig / field
    # Like FreeSurfer's, nu is put roughly on the final scale (here by the brain's 95th centile,
    # as AOMIC's), T1 exactly (by the peak of white matter).
    nu = corrected * value("t1_white_matter") / np.quantile(corrected[brain], 0.95)
    t1 = corrected * value("t1_white_matter") / _white_matter_peak(corrected, brain)
    images = {"orig": orig, "nu": nu, "T1": t1, "brainmask": t1 * brain}
    return {name: nib.MGHImage(_to_bytes(i), cube.orig.affine) for name, i in images.items()}


def write_freesurfer(root, label):
    """Write the FreeSurfer-like folder of one person below `root`."""
    person, raw = PEOPLE[label], nib.load(raw_path(root, label))
    mask = erring_mask(nib.load(truth_path(root, label, "brain_mask")), person, "freesurfer")
    cube = freesurfer_cube(raw, mask, person.voxel_size)
    (field,) = estimate_fields([(cube.orig, cube.mask)])
    mri = root / "derivatives" / "freesurfer" / f"sub-{label}" / "mri"
    mri.mkdir(parents=True)
    for name, img in freesurfer_images(cube, field).items():
        nib.save(img, mri / f"{name}.mgz")
