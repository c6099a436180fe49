"""Brain masks that err as real tools err."""

import nibabel as nib
import numpy as np
from scipy import ndimage

from mriworkbook.practice._fields import generator, signed_distance, smooth_noise
from mriworkbook.practice.parameters import value


def erring_mask(truth_img, person, tool):
    """The true mask with its surface moved as the tool's was seen to err.

    Parameters
    ----------
    truth_img : Nifti1Image
    person : parameters.Person
    tool : {"fmriprep", "freesurfer"}

    Returns
    -------
    Nifti1Image
        uint8, on the grid of `truth_img`.
    """
    spacing = float(np.mean(truth_img.header.get_zooms()[:3]))
    depth = signed_distance(np.asarray(truth_img.dataobj) > 0, spacing)
    rng = generator(person.number, f"{tool} mask")
    error = smooth_noise(rng, depth.shape, value("mask_error_sigma") / spacing)
    moved = depth + value(f"{tool}_mask_offset") + value("mask_error_sd") * error > 0
    labels, _ = ndimage.label(moved)
    moved = ndimage.binary_fill_holes(labels == np.bincount(labels[labels > 0]).argmax())
    return nib.Nifti1Image(moved.astype(np.uint8), truth_img.affine)
