"""Open images and masks with errors that say what is wrong, and compare them."""

import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError


def load_3d(img, *, name="image"):
    """Open one 3D image and make sure that it can be computed with.

    Parameters
    ----------
    img : nibabel image, str or Path
        Any orientation and voxel size. A fourth axis of length 1 is dropped.
    name : str
        What the image is called in errors, for instance ``"mask"``.

    Returns
    -------
    nibabel image
        `img` itself or the file opened; 3D, finite, with an invertible affine.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If `img` is neither an image nor a path.
    ValueError
        If the file is no image, or the image is not 3D, is empty, has no usable affine or holds
        NaN or infinite values.

    Examples
    --------
    >>> load_3d(nib.Nifti1Image(np.ones((2, 2, 2, 3), np.float32), np.eye(4)), name="T1w image")
    Traceback (most recent call last):
    ...
    ValueError: T1w image: expected 3 axes, got shape (2, 2, 2, 3). Pick one volume first, ...
    """
    label = describe(img, name)
    img = _open(img, name, label)
    if len(img.shape) == 4 and img.shape[3] == 1:
        img = img.slicer[..., 0]
    if len(img.shape) != 3:
        raise ValueError(
            f"{label}: expected 3 axes, got shape {tuple(map(int, img.shape))}. Pick one volume "
            "first, for instance with nilearn.image.index_img(img, 0)."
        )
    if 0 in img.shape:
        raise ValueError(f"{label}: it has no voxels (shape {img.shape}). Get the file again.")
    affine = img.affine
    if affine is None or not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise ValueError(
            f"{label}: its affine cannot be inverted, so voxels have no place in mm. "
            "Make the image again with the affine of the scan it comes from."
        )
    bad = ~np.isfinite(_data(img, label))
    if bad.any():
        raise ValueError(
            f"{label}: {int(bad.sum())} of {bad.size} voxels are NaN or infinite. Replace them "
            "first, for instance with nilearn.image.clean_img or numpy.nan_to_num."
        )
    return img


def load_scan(img, *, name="image"):
    """Open one 3D image like `load_3d`, and refuse one without any contrast.

    Examples
    --------
    >>> load_scan(nib.Nifti1Image(np.zeros((2, 2, 2), np.float32), np.eye(4)))
    Traceback (most recent call last):
    ...
    ValueError: image: every voxel is 0. Was the right file given, and did its download finish?
    """
    label = describe(img, name)
    img = load_3d(img, name=name)
    data = np.asarray(img.dataobj)
    if data.min() == data.max():
        raise ValueError(
            f"{label}: every voxel is {data.flat[0]:g}. "
            "Was the right file given, and did its download finish?"
        )
    return img


def load_mask(mask_img, *, like=None, name="mask", like_name="image"):
    """Open a mask as an array of booleans: True where the image is above 0.

    Parameters
    ----------
    mask_img : nibabel image, str or Path
    like : nibabel image, optional
        The mask must be on its grid.
    name, like_name : str
        What the two are called in errors.

    Returns
    -------
    ndarray of bool, shape (i, j, k)

    Raises
    ------
    ValueError
        If no voxel is above 0 or the grids differ; else as `load_3d`.

    Examples
    --------
    >>> mask_img = nib.Nifti1Image(np.eye(3, dtype=np.uint8)[None], np.eye(4))
    >>> int(load_mask(mask_img).sum())
    3
    """
    label = describe(mask_img, name)
    mask_img = load_3d(mask_img, name=name)
    if like is not None:
        check_same_grid(mask_img, like, label, like_name)
    mask = np.asarray(mask_img.dataobj) > 0
    if not mask.any():
        raise ValueError(f"{label}: it is empty, no voxel is above 0. Give a mask of the brain.")
    return mask


def check_same_grid(img_a, img_b, name_a="first image", name_b="second image"):
    """Raise ValueError unless two images have the same shape and, to .001 mm, the same affine.

    Examples
    --------
    >>> a = nib.Nifti1Image(np.ones((2, 2, 2), np.float32), np.eye(4))
    >>> check_same_grid(a, a)
    >>> b = nib.Nifti1Image(np.ones((2, 2, 2), np.float32), np.diag([2, 2, 2, 1]))
    >>> check_same_grid(a, b, "mask", "image")
    Traceback (most recent call last):
    ...
    ValueError: mask and image lie on different grids: their affines differ by up to 1 mm. ...
    """
    advice = f"Bring {name_a} onto the grid of {name_b} with nilearn.image.resample_to_img."
    shape_a, shape_b = (tuple(map(int, img.shape[:3])) for img in (img_a, img_b))
    if shape_a != shape_b:
        raise ValueError(
            f"{name_a} and {name_b} lie on different grids: shapes {shape_a} and {shape_b}. "
            + advice
        )
    difference = np.abs(img_a.affine - img_b.affine).max()
    if difference > 1e-3:
        raise ValueError(
            f"{name_a} and {name_b} lie on different grids: their affines differ by up to "
            f"{difference:.3g} mm. " + advice
        )


def dice(mask_a, mask_b):
    """Dice overlap of two masks: twice the shared voxels over the sum of both.

    Parameters
    ----------
    mask_a, mask_b : nibabel image, str, Path or ndarray
        On one grid; above 0 counts as inside.

    Returns
    -------
    float
        0 (apart) to 1 (equal); NaN with a warning if both are empty.

    Raises
    ------
    ValueError
        If the grids differ.

    References
    ----------
    Dice 1945, 10.2307/1932409.

    Examples
    --------
    >>> dice(np.array([1, 1, 0]), np.array([0, 1, 1]))
    0.5
    """
    arrays = [m for m in (mask_a, mask_b) if isinstance(m, np.ndarray)]
    if len(arrays) == 1:
        raise TypeError("Give two images or two arrays: an array alone does not say its grid.")
    if arrays:
        if mask_a.shape != mask_b.shape:
            raise ValueError(f"The masks have shapes {mask_a.shape} and {mask_b.shape}.")
    else:
        mask_a, mask_b = load_3d(mask_a, name="first mask"), load_3d(mask_b, name="second mask")
        check_same_grid(mask_a, mask_b, "first mask", "second mask")
        mask_a, mask_b = np.asarray(mask_a.dataobj), np.asarray(mask_b.dataobj)
    inside_a, inside_b = mask_a > 0, mask_b > 0
    total = int(inside_a.sum()) + int(inside_b.sum())
    if total == 0:
        warnings.warn("Dice of two empty masks is undefined: NaN returned.", stacklevel=2)
        return float("nan")
    return 2 * int((inside_a & inside_b).sum()) / total


def image_in_mm(data, affine):
    """Make an image whose header says that its world is in mm (nibabel leaves it open).

    Parameters
    ----------
    data : ndarray
        Kept in its own type.
    affine : ndarray (4, 4)
        To RAS+ mm.

    Returns
    -------
    Nifti1Image

    Examples
    --------
    >>> image_in_mm(np.zeros((2, 2, 2), np.uint8), np.eye(4)).header.get_xyzt_units()[0]
    'mm'
    """
    img = nib.Nifti1Image(data, affine)
    img.header.set_xyzt_units("mm", "sec")
    return img


def describe(img, name="image"):
    """`name`, followed by the file where one is known.

    Examples
    --------
    >>> describe("anat/sub-01_T1w.nii.gz", "T1w image")
    'T1w image anat/sub-01_T1w.nii.gz'
    """
    path = img if isinstance(img, str | Path) else getattr(img, "get_filename", lambda: None)()
    return name if path is None else f"{name} {path}"


def _open(img, name, label):
    if isinstance(img, str | Path):
        if not Path(img).is_file():
            raise FileNotFoundError(
                f"{label}: there is no such file. Check the spelling and the folder, "
                "or get the study with: mriworkbook data get"
            )
        try:
            return nib.load(img)
        except (ImageFileError, EOFError, OSError) as error:
            raise ValueError(
                f"{label}: it cannot be read as an image ({error}). Expected NIfTI (.nii, "
                ".nii.gz) or FreeSurfer (.mgz); if it should be one, get the file again."
            ) from error
    if not isinstance(img, nib.spatialimages.SpatialImage):
        raise TypeError(
            f"{name}: expected a nibabel image or the path of one, got {type(img).__name__}. "
            "An array becomes an image with nibabel.Nifti1Image(array, affine)."
        )
    return img


def _data(img, label):
    """Voxels as a real-valued array, or an error that names the damaged file."""
    try:
        data = np.asarray(img.dataobj)
    except (EOFError, OSError, ValueError) as error:
        raise ValueError(
            f"{label}: its voxels cannot be read ({error}). The file is damaged or cut short; "
            "get it again."
        ) from error
    if data.dtype.kind not in "biuf":
        raise ValueError(f"{label}: expected real numbers as voxels, got {data.dtype}.")
    return data
