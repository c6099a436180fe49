"""Brain masks that err as real tools err."""

import nibabel as nib
import numpy as np
from scipy import ndimage

from mriworkbook.practice._fields import generator, signed_distance, smooth_noise
from mriworkbook.practice.parameters import value

MARGIN = 12.0  # mm


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
    rng = generator(person.number, f"{tool} mask")
    error = smooth_noise(rng, truth_img.shape, value("mask_error_sigma") / spacing)
    truth = np.asarray(truth_img.dataobj) > 0
    moved = np.zeros(truth.shape, np.uint8)
    # Nothing moves further than the margin; distances over a whole head at 1 mm need much memory.
    box = _box(truth, round(MARGIN / spacing))
    depth = signed_distance(truth[box], spacing)
    depth += value(f"{tool}_mask_offset") + value("mask_error_sd") * error[box]
    labels, _ = ndimage.label(depth > 0)
    largest = labels == np.bincount(labels[labels > 0]).argmax()
    moved[box] = ndimage.binary_fill_holes(largest)
    return nib.Nifti1Image(moved, truth_img.affine)


def _box(mask, margin):
    """The smallest box around a mask, with a margin in voxels where the grid has room."""
    around = ndimage.find_objects(mask.astype(np.uint8))[0]
    return tuple(slice(max(part.start - margin, 0), part.stop + margin) for part in around)
