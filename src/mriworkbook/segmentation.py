"""Split a brain into tissues: by intensity, by place, and by both with Atropos."""

import tempfile
from contextlib import contextmanager
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from mriworkbook.cleanup import _ants
from mriworkbook.images import check_same_grid, image_in_mm, load_mask, load_scan
from mriworkbook.normalization import Transform, register

TISSUES = ("CSF", "GM", "WM")  # dark to bright on a T1w image
# Registration with SyN misses landmarks by about 2.5 mm. Errors of that mean length have a standard
# deviation of 1.6 mm along each axis, which is a full width at half maximum of 4 mm.
PRIOR_FWHM = 4.0  # mm
# The weight of antsCorticalThickness.sh; strength of the field, iterations and Socrates[1] (below)
# as in antsAtroposN4.sh, which it calls and whose own weight is 0 (Tustison 2014,
# 10.1016/j.neuroimage.2014.05.044). Not taken: the first has a class for deep grey matter, the
# second takes turns with the bias correction.
PRIOR_WEIGHT, MRF, ITERATIONS = 0.25, 0.1, 5
# The scripts take normal distributions. Mixed voxels give each tissue a long tail on one side, so
# histograms, of 64 bins: with 32, the default of Atropos, the volume of GM can jump by 20 mL
# when the image or the priors change a little (benchmarks/segmentation_scores.py).
LIKELIHOOD = "HistogramParzenWindows[1,64]"
LIKELIHOODS = ("Gaussian", "HistogramParzenWindows")


def kmeans_classes(img, mask_img, n_classes=3):
    """Sort the voxels of a mask by intensity alone.

    Parameters
    ----------
    img : nibabel image, str or Path
        3D, corrected for shading.
    mask_img : nibabel image, str or Path
        On the grid of `img`.
    n_classes : int

    Returns
    -------
    Nifti1Image
        uint8: 1 (darkest class) to `n_classes` (brightest), 0 outside the mask.

    Raises
    ------
    ValueError
        If the grids differ, or the mask holds fewer intensities than classes.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.array([[[9.0, 10, 90, 0]]], np.float32), np.eye(4))
    >>> mask_img = nib.Nifti1Image(np.array([[[1, 1, 1, 0]]], np.uint8), np.eye(4))
    >>> kmeans_classes(img, mask_img, n_classes=2).get_fdata().ravel().tolist()
    [1.0, 1.0, 2.0, 0.0]
    """
    from sklearn.cluster import KMeans

    img = load_scan(img)
    inside = load_mask(mask_img, like=img)
    values = np.asarray(img.dataobj, dtype=np.float32)[inside][:, None]
    if len(np.unique(values)) < n_classes:
        raise ValueError(
            f"The mask holds {len(np.unique(values))} intensities, too few for {n_classes} "
            "classes. Does it lie on the brain?"
        )
    start = np.quantile(values, (np.arange(n_classes) + 0.5) / n_classes)[:, None]
    model = KMeans(n_classes, init=start, n_init=1).fit(values)
    rank = np.argsort(np.argsort(model.cluster_centers_[:, 0]))
    labels = np.zeros(inside.shape, np.uint8)
    labels[inside] = rank[model.labels_] + 1
    return image_in_mm(labels, img.affine)


def intensity_fractions(img, labels_img):
    """Share of each class in each voxel, from how far its intensity lies between two class means.

    Intensities mix in proportion, so a voxel halfway between the means of two neighbouring classes
    holds half of each; beyond the first and last mean it holds one class. The means are those of
    voxels inside a class, away from its edge, where tissues mix.

    Parameters
    ----------
    img : nibabel image, str or Path
        T1w, corrected for shading.
    labels_img : nibabel image, str or Path
        1 (CSF), 2 (GM), 3 (WM), as from `kmeans_classes`, on the grid of `img`.

    Returns
    -------
    dict of Nifti1Image
        "CSF", "GM", "WM": float32, together 1 where there is a label, 0 elsewhere.

    Raises
    ------
    ValueError
        If the grids differ, or the mean intensities of 1, 2 and 3 do not rise.

    References
    ----------
    Shattuck 2001, 10.1006/nimg.2000.0730 (mixing model).

    Examples
    --------
    >>> as_img = lambda *data: nib.Nifti1Image(np.array([[data]], np.float32), np.eye(4))
    >>> img, labels = as_img(10, 10, 60, 60, 100, 100, 90, 0), as_img(1, 1, 2, 2, 3, 3, 3, 0)
    >>> intensity_fractions(img, labels)["GM"].get_fdata().round(2)[0, 0, 4:].tolist()
    [0.0, 0.0, 0.18, 0.0]
    """
    img, labels_img = load_scan(img), load_scan(labels_img, name="labels")
    check_same_grid(labels_img, img, "labels", "image")
    data, labels = (np.asarray(one.dataobj, dtype=np.float32) for one in (img, labels_img))
    means = [_interior_mean(data, labels == code) for code in (1, 2, 3)]
    if not (np.diff(means) > 0).all():
        raise ValueError(
            f"The labels 1, 2, 3 have mean intensities {np.round(means, 1).tolist()}; for CSF, "
            "GM, WM of a T1w image they rise. Give the result of kmeans_classes."
        )
    inside = labels > 0
    # Position on the scale of the means: 0 is CSF, 1 GM, 2 WM.
    place = np.interp(data, means, [0.0, 1.0, 2.0])
    return {
        name: _as_map(np.clip(1 - np.abs(place - code), 0, 1) * inside, img)
        for code, name in enumerate(TISSUES)
    }


def warp_priors(img, mask_img, *, transform=None):
    """Bring the tissue maps of nilearn's template over to one person.

    Parameters
    ----------
    img : nibabel image, str or Path
        T1w, corrected for shading.
    mask_img : nibabel image, str or Path
        The brain, on the grid of `img`.
    transform : normalization.Transform, str or Path, optional
        From the template (moving) to `img` (fixed), or its file, such as fMRIPrep's
        from-MNI..._to-T1w_mode-image_xfm.h5. By default `normalization.register` finds it.

    Returns
    -------
    dict of Nifti1Image
        "CSF", "GM", "WM": float32, 0 to 1, together 1 inside the mask and 0 outside.

    References
    ----------
    Fonov 2011, 10.1016/j.neuroimage.2010.07.033 (template).

    Examples
    --------
    >>> priors = warp_priors("sub-01_T1w.nii.gz", "sub-01_mask.nii.gz")  # doctest: +SKIP
    """
    from nilearn import datasets

    img = load_scan(img)
    inside = load_mask(mask_img, like=img)
    if transform is None:
        brain = _as_map(np.asarray(img.dataobj, dtype=np.float32) * inside, img)
        transform = register(datasets.load_mni152_template(resolution=2), brain, "syn")
    elif isinstance(transform, str | Path):
        transform = Transform.load(transform)
    loaders = datasets.load_mni152_gm_template, datasets.load_mni152_wm_template
    grey, white = (
        np.clip(transform.apply(load(resolution=2), reference=img).get_fdata(), 0, 1)
        for load in loaders
    )
    total = np.maximum(grey + white, 1)  # what is neither is fluid
    grey, white = grey / total, white / total
    maps = (1 - grey - white, grey, white)
    return {name: _as_map(m * inside, img) for name, m in zip(TISSUES, maps, strict=True)}


def blur_priors(priors, mask_img, fwhm=PRIOR_FWHM):
    """Smooth priors inside a mask, by as much as the registration is uncertain.

    Parameters
    ----------
    priors : dict of Nifti1Image
    mask_img : nibabel image, str or Path
    fwhm : float
        mm; the default fits a registration error of about 2.5 mm.

    Returns
    -------
    dict of Nifti1Image
        Again together 1 inside the mask: what the blur carried out of it is not missing.

    Examples
    --------
    >>> edge = np.zeros((1, 1, 8), np.float32)
    >>> edge[..., 4:] = 1
    >>> as_img = lambda data: nib.Nifti1Image(data.astype(np.float32), np.eye(4))
    >>> blurred = blur_priors({"GM": as_img(edge), "WM": as_img(1 - edge)}, as_img(edge + 1))
    >>> bool(0.5 < blurred["GM"].get_fdata()[0, 0, 4] < 0.7)
    True
    """
    if fwhm < 0:
        raise ValueError(f"fwhm is {fwhm} mm; give 0 (no blur) or more.")
    first = next(iter(_named(priors).values()))
    inside = load_mask(mask_img, like=first, like_name="priors")
    sigma = fwhm / np.sqrt(8 * np.log(2)) / nib.affines.voxel_sizes(first.affine)
    maps = {
        name: ndimage.gaussian_filter(img.get_fdata(dtype=np.float32) * inside, sigma) * inside
        for name, img in priors.items()
    }
    total = np.maximum(sum(maps.values()), np.finfo(np.float32).tiny)
    return {name: _as_map(blurred / total, first) for name, blurred in maps.items()}


def segment(
    img,
    mask_img,
    priors,
    *,
    likelihood=LIKELIHOOD,
    prior_weight=PRIOR_WEIGHT,
    mrf=MRF,
    iterations=ITERATIONS,
):
    r"""Probability of each tissue in each voxel, by Atropos.

    In every voxel the probability of tissue k is proportional to

    .. math:: \left[p(v \mid k) \, e^{\beta n_k}\right]^{1-w} \; (\pi_k p_k)^{w}

    with the likelihood of intensity v, estimated along the way; a Markov random field of strength
    beta, n_k being the neighbours that are k, each divided by its distance; and the prior p_k times
    the overall share pi_k of the tissue. Bayes' rule has no exponents: the weight w moves trust
    from the image (0) to the priors (1). Atropos calls this form Socrates[1].

    Parameters
    ----------
    img : nibabel image, str or Path
        T1w, corrected for shading.
    mask_img : nibabel image, str or Path
        The brain, on the grid of `img`.
    priors : dict of nibabel image
        One image for each class on the grid of `img`; decides the order of the classes.
    likelihood : str
        As in Atropos: "Gaussian", or "HistogramParzenWindows[1,64]", a histogram of any shape
        (smoothed by a bin, 64 bins).
    prior_weight : float
        0 (priors only start the estimation) to 1 (the image is ignored).
    mrf : float
        How strongly a voxel follows its 26 neighbours.
    iterations : int

    Returns
    -------
    dict of Nifti1Image
        For each name in `priors` a map, float32, 0 to 1; 0 outside the mask.

    Raises
    ------
    ValueError
        If the grids differ, the priors are empty inside the mask, or a setting is unknown.
    TypeError
        If `priors` is no dictionary.

    References
    ----------
    Avants 2011, 10.1007/s12021-011-9109-y.

    Examples
    --------
    >>> maps = segment("T1w.nii.gz", "mask.nii.gz", priors)  # doctest: +SKIP
    """
    if likelihood.split("[")[0] not in LIKELIHOODS:
        raise ValueError(
            f"likelihood={likelihood!r}: choose one of {', '.join(LIKELIHOODS)}, with options in "
            f"brackets, such as {LIKELIHOOD!r}."
        )
    if not 0 <= prior_weight <= 1:
        raise ValueError(f"prior_weight is {prior_weight}; give a number from 0 to 1.")
    ants = _ants()
    img = load_scan(img)
    inside = load_mask(mask_img, like=img)
    maps = []
    for name, prior in _named(priors).items():
        check_same_grid(prior, img, f"prior {name}", "image")
        maps.append(prior.get_fdata(dtype=np.float32) * inside)
        if not maps[-1].any():
            raise ValueError(
                f"The prior of {name} is 0 all over the mask. Was it brought to this person's "
                "space first (warp_priors)?"
            )
    # Atropos counts voxels: neither their place nor their size matters, only fewer are faster.
    box = ndimage.find_objects(inside.astype(np.uint8))[0]
    brain, mask, *maps = (
        ants.from_numpy(np.ascontiguousarray(data[box], dtype=np.float32))
        for data in (np.asarray(img.dataobj, dtype=np.float32) * inside, inside, *maps)
    )
    with _own_temporary_folder():
        found = ants.atropos(
            a=brain,
            x=mask,
            i=maps,
            k=likelihood,
            priorweight=prior_weight,
            m=f"[{mrf},1x1x1]",
            c=f"[{iterations},0]",
            p="Socrates[1]",
            r=0,  # the same seed each time: otherwise runs differ, a few by more than 1 %
        )
    images = {}
    for name, cropped in zip(priors, found["probabilityimages"], strict=True):
        data = np.zeros(inside.shape, np.float32)
        data[box] = cropped.numpy() * inside[box]
        images[name] = _as_map(data, img)
    return images


def _named(priors):
    if not isinstance(priors, dict):
        raise TypeError(
            f"priors is a {type(priors).__name__}; give a dictionary name -> image, such as the "
            "result of warp_priors, so that each class has a name."
        )
    return priors


@contextmanager
def _own_temporary_folder():
    """ANTsPy leaves files in the temporary folder; give it one that goes away."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="mriworkbook-") as folder:
        try:
            tempfile.tempdir = folder
            yield
        finally:
            tempfile.tempdir = before


def _interior_mean(data, region):
    """Mean where all neighbours are of the region too: at its edge voxels hold other tissue."""
    interior = ndimage.binary_erosion(region)
    chosen = interior if interior.any() else region
    return float(data[chosen].mean()) if chosen.any() else float("nan")


def _as_map(data, like):
    return image_in_mm(data.astype(np.float32), like.affine)
