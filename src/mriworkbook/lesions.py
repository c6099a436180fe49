"""White-matter lesions: find them on FLAIR, and fill them before a T1w image is segmented."""

import warnings

import nibabel as nib
import numpy as np
from scipy import ndimage

from mriworkbook.images import check_same_grid, image_in_mm, load_3d, load_mask, load_scan

# From the median of grey matter, in robust standard deviations: of 200,000 voxels with normally
# distributed intensities, less than one lies further out by chance.
SEED_DEVIATIONS = 5.0
SMALLEST = 3  # mm across: a bright speck below is taken for noise
IMPLAUSIBLE = 0.1  # of the brain: far more than heavy lesion loads; probably not a FLAIR image
FILL_FWHM = 12.0  # mm: how far around a lesion the white matter is looked at


def find_lesions(flair_img, mask_img, maps, *, n_deviations=SEED_DEVIATIONS):
    """Mark what is brighter on FLAIR than any healthy tissue, where white matter is expected.

    A lesion is seeded by voxels that stand out from grey matter, the brightest healthy tissue on
    FLAIR, and reaches to where the brightness is halfway between normal white matter and the seeds.

    Parameters
    ----------
    flair_img : nibabel image, str or Path
        In the space and on the grid of the T1w image.
    mask_img : nibabel image, str or Path
        The brain.
    maps : dict of nibabel image
        "GM" and "WM" from a first segmentation of the T1w image, lesions and all.
    n_deviations : float

    Returns
    -------
    Nifti1Image
        uint8, 1 in lesions. All 0 in a brain without any: look at it before you use it. A warning
        is given if more than a tenth of the brain is marked.

    Raises
    ------
    ValueError
        If the grids differ, or one of the two tissues is missing.

    References
    ----------
    Schmidt 2012, 10.1016/j.neuroimage.2011.11.032: lesions as outliers of the grey matter's FLAIR
    intensity. Its growing along a lesion belief map is a single threshold here.

    Examples
    --------
    >>> lesions = find_lesions("FLAIR.nii.gz", "mask.nii.gz", maps)  # doctest: +SKIP
    """
    flair_img = load_scan(flair_img, name="FLAIR")
    inside = load_mask(mask_img, like=flair_img, like_name="FLAIR")
    data = np.asarray(flair_img.dataobj, dtype=np.float32)
    grey, white = (_tissue(maps, name, flair_img) for name in ("GM", "WM"))
    if not (grey.any() and white.any()):
        raise ValueError("The maps hold no voxel that is surely GM or surely WM. Segment first.")
    centre = np.median(data[grey])
    # Factor that makes the median absolute deviation the SD of a normal distribution.
    spread = 1.4826 * np.median(np.abs(data[grey] - centre))
    core = ndimage.binary_erosion(inside, iterations=_voxels(4, flair_img))  # the rim is not brain
    seeds = core & (data > centre + n_deviations * spread)
    seeds &= _near_white(white, seeds, flair_img)
    if not seeds.any():
        return image_in_mm(seeds.astype(np.uint8), flair_img.affine)
    half = (np.median(data[white]) + np.median(data[seeds])) / 2
    parts, _ = ndimage.label(core & (data > max(half, centre + spread)))
    size = np.bincount(parts.ravel()) * abs(np.linalg.det(flair_img.affine[:3, :3]))
    kept = np.isin(parts, np.unique(parts[seeds])) & (parts > 0) & (size[parts] >= SMALLEST**3)
    share = kept.sum() / inside.sum()
    if share > IMPLAUSIBLE:
        warnings.warn(
            f"{100 * share:.0f} % of the brain is marked as lesion, too much to be true. Is the "
            "image a FLAIR image, and in the space of the maps?",
            stacklevel=2,
        )
    return image_in_mm(kept.astype(np.uint8), flair_img.affine)


def fill_lesions(img, lesion_img, white_img, *, random_state=0):
    """Give lesions on a T1w image the intensity of the white matter around them.

    Parameters
    ----------
    img : nibabel image, str or Path
        T1w, corrected for shading.
    lesion_img : nibabel image, str or Path
        Lesions, on the grid of `img`: 0 and 1, or labels. A voxel around them is filled too, for
        it holds some lesion.
    white_img : nibabel image, str or Path
        White matter of a first segmentation; lesions in it are left out.
    random_state : int
        Seed of the noise that filled voxels get, as much as white matter has.

    Returns
    -------
    Nifti1Image
        float32; outside the lesions `img` unchanged, and so everywhere if there are none.

    Raises
    ------
    ValueError
        If the grids differ, the lesions are fractions, or no white matter is left.

    References
    ----------
    Battaglini 2012, 10.1002/hbm.21344.

    Examples
    --------
    >>> data = np.full((7, 7, 7), 100, np.float32)
    >>> lesion, white = np.zeros((7, 7, 7), np.uint8), np.ones((7, 7, 7), np.uint8)
    >>> data[3, 3, 3], lesion[3, 3, 3] = 40, 1
    >>> img, lesion, white = (nib.Nifti1Image(x, np.eye(4)) for x in (data, lesion, white))
    >>> float(fill_lesions(img, lesion, white).get_fdata()[3, 3, 3])
    100.0
    """
    img = load_scan(img)
    lesion_img = load_3d(lesion_img, name="lesions")  # may be empty: then nothing is filled
    check_same_grid(lesion_img, img, "lesions", "image")
    lesion = np.asarray(lesion_img.dataobj)
    if not np.array_equal(lesion, np.round(lesion)):
        raise ValueError(
            "The lesions are fractions or probabilities. Decide first: "
            "nilearn.image.binarize_img(lesion_img, threshold=0.5)."
        )
    lesion = lesion > 0
    white = load_mask(white_img, like=img, name="white matter")
    data = np.asarray(img.dataobj, dtype=np.float32)
    around = ndimage.binary_dilation(lesion)
    normal = white & ~ndimage.binary_dilation(lesion, iterations=2)
    # Deep white matter only: its rim holds other tissue.
    deep = ndimage.binary_erosion(normal)
    normal = deep if deep.any() else normal
    if not normal.any():
        raise ValueError("No white matter is left outside the lesions. Is it a mask of 0 and 1?")
    sigma = FILL_FWHM / np.sqrt(8 * np.log(2)) / nib.affines.voxel_sizes(img.affine)
    weight = ndimage.gaussian_filter(normal.astype(np.float32), sigma)
    mean = ndimage.gaussian_filter(data * normal, sigma) / np.maximum(weight, 1e-6)
    far = weight < 1e-3
    mean[far] = data[normal].mean()
    noise = (data[normal] - mean[normal]).std()
    # Only what is darker than white matter is lesion; the rim of a lesion may be something else.
    place = around & (white | lesion) & (data < mean)
    rng = np.random.default_rng(random_state)
    filled = data.copy()
    filled[place] = mean[place] + noise * rng.standard_normal(int(place.sum()))
    return image_in_mm(filled, img.affine)


def _tissue(maps, name, like):
    if name not in maps:
        raise ValueError(f"maps has no {name!r}; give the result of segmentation.segment.")
    check_same_grid(maps[name], like, f"map {name}", "FLAIR")
    return maps[name].get_fdata(dtype=np.float32) > 0.9


def _near_white(white, seeds, img):
    """Within reach of white matter: lesions that T1w shows as GM lie inside it or beside it."""
    return ndimage.binary_dilation(white, iterations=_voxels(6, img)) & seeds


def _voxels(millimetres, img):
    return max(1, round(millimetres / float(nib.affines.voxel_sizes(img.affine).min())))
