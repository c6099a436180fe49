"""Thermal noise of a scanner, and how a run becomes integers."""

import nibabel as nib
import numpy as np
from scipy import ndimage

from mriworkbook.practice._fields import generator
from mriworkbook.practice.artefacts import bias_field
from mriworkbook.practice.parameters import value


def smooth_volumes(number, task, mask, n_scans):
    """Thermal noise as it lies on a template grid after resampling.

    Interpolation makes neighbours alike.

    Parameters
    ----------
    number : int
        Of the person.
    task : str
    mask : ndarray of bool
        The voxels that are wanted.
    n_scans : int

    Returns
    -------
    ndarray (n_scans, n), float32
        SD 1.
    """
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    near = mask[box]
    sigma = value("bold_noise_sigma")
    # White noise of variance 1 keeps the sum of squares of these weights along each axis.
    spread = ndimage.gaussian_filter1d(np.eye(1, 21, 10)[0], sigma)
    scale = np.float32((spread**2).sum() ** -1.5)
    rng = generator(number, f"thermal noise {task}")
    noise = np.empty((n_scans, int(near.sum())), np.float32)
    for volume in noise:
        white = rng.standard_normal(near.shape, dtype=np.float32)
        volume[:] = ndimage.gaussian_filter(white, sigma)[near]
    noise *= scale
    return noise


def thermal_sd(depth):
    """SD of thermal noise over the mean signal of white matter, at depths in mm; float32.

    Noise that parallel imaging makes is larger in the middle, where coils see alike.

    Examples
    --------
    >>> bool(thermal_sd(np.array([0.0])) < thermal_sd(np.array([30.0])))
    True
    """
    surface, deep = value("bold_thermal_sd")
    share = np.clip(np.asarray(depth, np.float32) / value("bold_thermal_depth"), 0, 1)
    return np.float32(surface / 100) + np.float32((deep - surface) / 100) * share


def as_integers(run):
    """Scanner units as int16, never below 0, in place.

    Examples
    --------
    >>> as_integers(np.array([[1.6, -2.0]], np.float32)).tolist()
    [[2, 0]]
    """
    np.rint(run, out=run)
    return np.clip(run, 0, 32767, out=run).astype(np.int16)


def coil_field(mask, affine, number):
    """Sensitivity of the receive coil, the same at all times, float32 on the mask's grid.

    Over the mask its largest value is ``bold_coil`` times its smallest; see `artefacts.bias_field`.
    """
    img = nib.Nifti1Image(mask.astype(np.uint8), affine)
    ratio = value("bold_coil")
    seed = int(generator(number, "bold bias").integers(2**31))
    field = bias_field(img, img, 200 * (ratio - 1) / (ratio + 1), seed)
    return np.asarray(field.dataobj)
