"""Repair intensity and isolate the brain: N4 bias-field correction and brain extraction."""

import tempfile
import warnings

import nibabel as nib
import numpy as np
from scipy import ndimage

from mriworkbook import brain_surface
from mriworkbook.images import dice, image_in_mm, load_mask, load_scan

WORKING_VOXEL = 2.0  # mm; brain extraction and N4 look at the head on a grid like this
# The mask follows the surface but strays from the template brain by no more than this. A linear
# fit to one person is good to a few mm: a narrower band cuts brain off, a wider one lets eyes in.
OUTWARD, INWARD = 4.0, 3.0  # mm
DOUBTFUL_DICE = 0.8
SPLINE_DISTANCE, ITERATIONS, TOL = 200.0, (50, 50, 30), 1e-5  # of N4, see `correct_bias`


def correct_bias(
    img,
    mask=None,
    *,
    shrink_factor=3,
    spline_distance=SPLINE_DISTANCE,
    iterations=ITERATIONS,
    tol=TOL,
):
    """Estimate the bias field of an image by N4 and divide it out.

    N4 takes the image as true intensity times a smooth field, sharpens the histogram of its
    logarithm and fits B-splines to what that moves, coarse to fine.

    Parameters
    ----------
    img : nibabel image, str or Path
        A T1w image, 3D.
    mask : nibabel image, str or Path, optional
        Where the field is estimated, on the grid of `img`. The brain serves far better than the
        head, whose fat and muscle follow other intensities. By default a quick brain mask is made
        (`extract_brain` without its template).
    shrink_factor : int
        N4 uses every n-th voxel along each axis of a grid of about 2 mm.
    spline_distance : float
        Spacing of the control points at the first level, mm; every level halves it.
    iterations : tuple of int
        At most so many at each level. A fourth level follows anatomy rather than shading.
    tol : float
        A level ends when the field changes less than this.

    Returns
    -------
    corrected : Nifti1Image
        float32, on the grid of `img`.
    field : Nifti1Image
        float32, positive, its mean logarithm 0 inside the mask; ``corrected * field`` is `img`.
        Away from the mask the nearest estimate continues: divide by it, but do not read it there.

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        If an input is missing, not 3D, empty, constant or not finite, or the grids differ.
    ImportError
        If ANTs is not installed.

    References
    ----------
    Tustison 2010, 10.1109/TMI.2010.2046908.

    Examples
    --------
    >>> from nilearn.datasets import load_mni152_brain_mask, load_mni152_template
    >>> brain, mask = load_mni152_template(resolution=4), load_mni152_brain_mask(resolution=4)
    >>> corrected, field = correct_bias(brain, mask)
    >>> corrected.shape == field.shape == brain.shape
    True
    """
    img = load_scan(img)
    inside = None if mask is None else _canonical(img, load_mask(mask, like=img))
    data = _canonical(img)
    zooms = _canonical_zooms(img)
    if inside is None:
        inside = _onto_image(_seed(*_working_grid(data, zooms)), data.shape, zooms)
    inside_positive = inside & (data > 0)
    if not inside_positive.any():
        raise ValueError(
            "No voxel of the mask is above 0 in the image, and N4 works on logarithms. "
            "Give a magnitude image and a mask that lies on the brain."
        )
    field = _n4(
        data,
        zooms,
        inside_positive,
        shrink_factor=shrink_factor,
        spline_distance=spline_distance,
        iterations=iterations,
        tol=tol,
    )
    field /= np.exp(np.log(field[inside], dtype=np.float64).mean())
    return _as_image(img, data / field), _as_image(img, field)


def extract_brain(img):
    """Find the brain in a whole-head T1w image.

    A surface grows from the middle of the head to the dark rim of the brain; a template brain,
    fitted by an affine, tells where it leaked (eyes, vessels, marrow) or stopped short.

    Parameters
    ----------
    img : nibabel image, str or Path
        T1w of the whole head, 3D; any orientation, voxel size and intensity scale.

    Returns
    -------
    Nifti1Image
        uint8, 1 in the brain with its ventricles and sulci; on the grid of `img`. One piece without
        holes. It holds cerebrospinal fluid: its volume is not the volume of the brain.

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        If `img` is missing, not 3D, empty, constant or not finite, or nothing like a head.
    ImportError
        If ANTs is not installed.

    Warns
    -----
    UserWarning
        If surface and template disagree: then the mask is doubtful and has to be looked at.

    References
    ----------
    Smith 2002, 10.1002/hbm.10062 (surface); Avants 2011, 10.1016/j.neuroimage.2010.09.025 (ANTs);
    Fonov 2011, 10.1016/j.neuroimage.2010.07.033 (template).

    Examples
    --------
    >>> mask_img = extract_brain("sub-01_T1w.nii.gz")  # doctest: +SKIP
    """
    img = load_scan(img)
    data, zooms = _canonical(img), _canonical_zooms(img)
    work, spacing = _working_grid(data, zooms)
    # Shading shifts the surface, so it is found, used to remove the shading, and found again.
    seed = _seed(work, spacing)
    # A coarser look than in `correct_bias` will do: the field is only used to find the surface.
    flat = work / _n4(work, spacing, seed & (work > 0), shrink_factor=4)
    seed = _seed(flat, spacing)
    brain = _combine(seed, _template_mask(flat * _opened(seed), spacing))
    mask = _one_piece(_onto_image(brain, data.shape, zooms))
    return _as_image(img, mask.astype(np.uint8))


def _ants():
    """ANTs, imported when needed (it takes a second), or how to get it."""
    try:
        import ants
    except ImportError as error:
        raise ImportError(
            "This step needs ANTs. The package antspyx has wheels for Windows, Linux on x86-64, "
            "macOS 14 or later on Apple silicon and (version 0.6.1) Intel Macs, but none for Linux "
            "on Arm. Where there is one type: pip install antspyx. Elsewhere build it from source, "
            "or use the practice study's ready masks and corrected images."
        ) from error
    return ants


def _canonical(img, data=None):
    """Voxels as float32 (or `data` as given) with axes nearest to right, anterior, superior."""
    if data is None:
        data = np.asarray(img.dataobj, dtype=np.float32)
    data = data.reshape(img.shape)
    return nib.orientations.apply_orientation(data, nib.io_orientation(img.affine))


def _canonical_zooms(img):
    """Voxel sizes in mm along right, anterior, superior.

    All computing happens in these axes and sizes alone, so that the storage order cannot matter.
    """
    axes = np.argsort(nib.io_orientation(img.affine)[:, 0])
    return nib.affines.voxel_sizes(img.affine)[axes].round(6)


def _as_image(img, data):
    """Image of canonical `data` in the storage order and on the affine of `img`."""
    back = nib.orientations.ornt_transform(
        nib.orientations.axcodes2ornt("RAS"), nib.io_orientation(img.affine)
    )
    data = np.ascontiguousarray(nib.orientations.apply_orientation(data, back))
    return image_in_mm(data, img.affine)


def _working_grid(data, zooms, voxel=WORKING_VOXEL):
    """`data` on an isotropic grid with the same centre, smoothed first where that is coarser."""
    # Gaussian that takes a voxel of one size to a voxel of the other (full widths at half maximum).
    widths = np.sqrt(np.maximum((voxel / zooms) ** 2 - 1, 0)) / np.sqrt(8 * np.log(2))
    smooth = ndimage.gaussian_filter(data, widths)
    shape = np.ceil(np.array(data.shape) * zooms / voxel - 1e-3).astype(int)
    offset = (np.array(data.shape) - 1 - (shape - 1) * voxel / zooms) / 2
    work = ndimage.affine_transform(
        smooth, np.diag(voxel / zooms), offset, tuple(shape), order=1, mode="nearest"
    )
    return np.maximum(work, 0), np.full(3, voxel)


def _onto_image(mask, shape, zooms, voxel=WORKING_VOXEL):
    """A mask of the working grid on the image's grid, its border interpolated between voxels."""
    offset = (np.array(mask.shape) - 1 - (np.array(shape) - 1) * zooms / voxel) / 2
    distance = ndimage.affine_transform(
        _signed_distance(mask), np.diag(zooms / voxel), offset, shape, order=1, mode="nearest"
    )
    return distance > 0


def _seed(work, spacing):
    mask = brain_surface.grow(work, float(spacing[0]))
    if not _opened(mask).any():
        raise ValueError(
            "No brain was found: no surface grows in the bright part of this image. "
            "Give a T1w image of a whole head."
        )
    return mask


def _n4(
    data,
    zooms,
    mask,
    *,
    shrink_factor,
    spline_distance=SPLINE_DISTANCE,
    iterations=ITERATIONS,
    tol=TOL,
):
    """Bias field on the grid of `data`; N4 runs on every n-th voxel of the box around the mask."""
    ants = _ants()
    step = np.maximum(1, np.round(WORKING_VOXEL / zooms)).astype(int)
    inside = ndimage.find_objects(mask.astype(np.uint8))[0]
    box = tuple(
        slice(max(0, s.start - 4 * n), s.stop + 4 * n, n)
        for s, n in zip(inside, step.tolist(), strict=True)
    )
    # Voxels are left out, not averaged: averages mix tissues and blur the histogram N4 sharpens.
    spacing = tuple((zooms * step).tolist())
    sparse, where = (
        ants.from_numpy(np.ascontiguousarray(a[box], dtype=np.float32), spacing=spacing)
        for a in (data, mask)
    )
    field = ants.n4_bias_field_correction(
        sparse,
        mask=where,
        shrink_factor=int(shrink_factor),
        spline_param=float(spline_distance),
        convergence={"iters": list(iterations), "tol": tol},
        return_bias_field=True,
    ).numpy()
    offset = [-s.start / n for s, n in zip(box, step.tolist(), strict=True)]
    field = ndimage.affine_transform(
        field, np.diag(1 / step), offset, data.shape, order=1, mode="nearest"
    )
    return np.maximum(field, np.finfo(np.float32).tiny)


def _template_mask(brain, spacing):
    """The template's brain mask (0 to 1), its brain laid over `brain` by an affine."""
    from nilearn.datasets import load_mni152_brain_mask, load_mni152_template

    ants = _ants()
    fixed = ants.from_numpy(brain.astype(np.float32), spacing=tuple(spacing.tolist()))
    template, template_mask = (
        ants.from_numpy(_canonical(i), spacing=tuple(_canonical_zooms(i).tolist()))
        for i in (load_mni152_template(resolution=2), load_mni152_brain_mask(resolution=2))
    )
    with tempfile.TemporaryDirectory(prefix="mriworkbook-") as folder:
        # Half of the voxels, not ANTsPy's fifth: with so few, the sums of several threads, whose
        # order changes, moved the Dice of a real head between .963 and .970.
        moved = ants.registration(
            fixed,
            template,
            "Affine",
            outprefix=f"{folder}/template_",
            aff_random_sampling_rate=0.5,
            random_seed=1,
        )
        return ants.apply_transforms(fixed, template_mask, moved["fwdtransforms"]).numpy()


def _combine(seed, template):
    """Mask that follows `seed` within a band around the border of the template's mask."""
    template = template > 0.5
    agreement = dice(seed, template) if template.any() else 0.0
    if agreement < DOUBTFUL_DICE:
        warnings.warn(
            f"The brain mask is doubtful: surface and template overlap with a Dice of only "
            f"{agreement:.2f}. Look at the mask; is this a T1w image of a whole head?",
            stacklevel=3,
        )
    if not template.any():
        return _one_piece(_opened(seed))
    distance = _signed_distance(template) * WORKING_VOXEL
    return _one_piece(_opened((seed & (distance > -OUTWARD)) | (distance > INWARD)))


def _signed_distance(mask):
    """Distance to the border in voxels, positive inside."""
    inside = ndimage.distance_transform_edt(np.pad(mask, 1, mode="edge"))
    outside = ndimage.distance_transform_edt(np.pad(~mask, 1, mode="edge"))
    return (inside - outside).astype(np.float32)[1:-1, 1:-1, 1:-1]


def _ball(radius):
    grid = np.indices((2 * radius + 1,) * 3) - radius
    return (grid**2).sum(0) <= radius**2


def _opened(mask):
    """The mask without threads and bridges up to 4 voxels wide, such as optic nerves."""
    # Padding by the border's own value: a brain cut by the edge of the image is not eroded there.
    return ndimage.binary_opening(np.pad(mask, 4, mode="edge"), _ball(2))[4:-4, 4:-4, 4:-4]


def _one_piece(mask):
    """Largest piece of a mask, small clefts closed and holes filled."""
    closed = ndimage.binary_closing(np.pad(mask, 4), _ball(3))[4:-4, 4:-4, 4:-4]
    pieces, _ = ndimage.label(closed)
    largest = np.argmax(np.bincount(pieces.ravel())[1:]) + 1
    return ndimage.binary_fill_holes(pieces == largest)
