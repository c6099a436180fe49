"""What fMRIPrep would leave of a T1w image, in the image's own space and in the template's.

Real steps on the raw image: N4, tissue classes of its histogram, resampling. Truth plus a frozen
error, because the real steps would take hours: the brain mask and the registration. Names,
labels (1 GM, 2 WM, 3 CSF) and contents follow fMRIPrep 23 (Esteban 2019,
10.1038/s41592-018-0235-4). With two T1w images fMRIPrep leaves the run out of the names; here only
the first is used, and `Sources` says so.
"""

import nibabel as nib
import numpy as np
from nilearn import datasets
from scipy import ndimage

from mriworkbook.practice import truth_path
from mriworkbook.practice._fields import grid_points, refine, sample, transform
from mriworkbook.practice._files import raw_path, save, sidecar, write_json
from mriworkbook.practice._masks import erring_mask
from mriworkbook.practice._n4 import estimate_fields
from mriworkbook.practice._registration import left_right_axis, register
from mriworkbook.practice._tissue_classes import labels_of, tissue_fractions
from mriworkbook.practice._transforms import write_composite
from mriworkbook.practice.parameters import PEOPLE, SPACE

LABELS = "index\tname\n1\tGM\n2\tWM\n3\tCSF\n"

_TEXTS = {
    "T1w": "Simulated raw image after real N4 bias-field correction.",
    "mask": "Simulated: the true mask with its surface moved as real tools' masks err.",
    "dseg": "Simulated: the tissue with the largest fraction (1 grey matter, 2 white matter, "
    "3 cerebrospinal fluid).",
    "probseg": "Simulated: fraction of one tissue, found from the histogram of the corrected image "
    "in the mask.",
    "xfm": "Simulated: the true map between person and template with a smooth error, as an affine "
    "and displacements (ITK composite transform).",
}
_PLACES = {False: "", True: " Resampled to the template through a registration that errs."}


def write_fmriprep(root, label):
    """Write the fMRIPrep-like folder of one person below `root`.

    Parameters
    ----------
    root : Path
        Folder of the practice study; the person's raw image and truth must be there.
    label : str
    """
    native = native_images(root, label)
    registration = register(root, label)
    folder = root / "derivatives" / "fmriprep" / f"sub-{label}" / "anat"
    folder.mkdir(parents=True)
    source = f"bids:raw:{raw_path(root, label).relative_to(root).as_posix()}"
    _write_images(folder / f"sub-{label}", native, [source])
    transform_path = _write_transforms(folder / f"sub-{label}", registration, source)
    sources = [source, f"bids::sub-{label}/anat/{transform_path.name}"]
    there = template_images(native, registration)
    _write_images(folder / f"sub-{label}_space-{SPACE}", there, sources)
    # One table for both spaces: what has fewer entities in its name holds for the more special.
    (folder / f"sub-{label}_dseg.tsv").write_text(LABELS, encoding="utf-8")


def native_images(root, label):
    """Corrected image, mask, tissue labels and fractions on the raw grid.

    Parameters
    ----------
    root : Path
    label : str

    Returns
    -------
    dict
        End of the file's name, such as "dseg", -> Nifti1Image of integers; fractions times 255.
    """
    person, raw = PEOPLE[label], nib.load(raw_path(root, label))
    mask_img = erring_mask(nib.load(truth_path(root, label, "brain_mask")), person, "fmriprep")
    mask = np.asarray(mask_img.dataobj)
    if person.fault == "flip":
        # A tool finds the brain where the image shows it.
        mask = np.ascontiguousarray(np.flip(mask, left_right_axis(raw)))
    (field,) = estimate_fields([(raw, nib.Nifti1Image(mask, raw.affine))])
    corrected = np.round(np.divide(np.asarray(raw.dataobj), field, out=field), out=field)
    corrected = np.clip(corrected, 0, 32767, out=field).astype(np.int16)
    maps = tissue_fractions(corrected, mask > 0)
    data = {"desc-preproc_T1w": corrected, "desc-brain_mask": mask, "dseg": labels_of(maps)}
    data |= {f"label-{tissue}_probseg": levels for tissue, levels in maps.items()}
    return {name: nib.Nifti1Image(values, raw.affine) for name, values in data.items()}


def template_images(native, registration):
    """The native images on nilearn's 2 mm template grid, resampled through the erring map.

    As in fMRIPrep the T1w image is skull-stripped and smoothly interpolated (here by cubic
    splines), fractions linearly, and a voxel gets the label of the largest interpolated weight.

    Parameters
    ----------
    native : dict
        See `native_images`.
    registration : Registration

    Returns
    -------
    dict
        As `native`.
    """
    grid = datasets.load_mni152_template(resolution=2)
    # Halving the spacing by linear interpolation is how ITK reads the displacements.
    moved = grid_points(grid.shape, grid.affine)
    moved += np.stack([refine(part) for part in registration.forward])
    points = transform(registration.affine, moved).reshape(3, -1)
    mask = native["desc-brain_mask"]
    inside = np.flatnonzero(_within(mask, points) & (_at(mask, points) > 0.5))
    points = points[:, inside]
    labels = native["dseg"]
    weights = [_at(_equal(labels, number), points) for number in (1, 2, 3)]
    values = {
        "desc-preproc_T1w": np.clip(_at(native["desc-preproc_T1w"], points, order=3), 0, 32767),
        "desc-brain_mask": np.ones(inside.size),
        "dseg": np.argmax(weights, axis=0) + 1,
    }
    values |= {name: _at(img, points) for name, img in native.items() if "probseg" in name}
    images = {}
    for name, inner in values.items():
        data = np.zeros(grid.shape, native[name].get_data_dtype())
        data.reshape(-1)[inside] = np.round(inner)
        images[name] = nib.Nifti1Image(data, grid.affine)
    return images


def _at(img, points, order=1):
    """Values of an image of integers at world points."""
    data = np.asarray(img.dataobj)
    if order > 1:
        data = ndimage.spline_filter(data, order, output=np.float32)
    return sample(data, img.affine, points, order=order, prefilter=False)


def _within(img, points):
    """Which world points lie in a voxel of the image."""
    voxels = transform(np.linalg.inv(img.affine), points)
    size = np.array(img.shape).reshape(3, 1)
    return np.all((voxels > -0.5) & (voxels < size - 0.5), axis=0)


def _equal(img, number):
    return nib.Nifti1Image((np.asarray(img.dataobj) == number).astype(np.uint8), img.affine)


def _write_images(stem, images, sources):
    """Save images with their sidecars; `stem` is the path up to the varying part of the name."""
    stripped = f"space-{SPACE}" in stem.name
    extra = {
        "T1w": {"SkullStripped": stripped},
        "mask": {"Type": "Brain"},
    }
    for name, img in images.items():
        path, suffix = stem.with_name(f"{stem.name}_{name}.nii.gz"), name.split("_")[-1]
        if suffix == "probseg":
            img = nib.Nifti1Image(np.asarray(img.dataobj) / np.float32(255), img.affine)
        save(img, path, np.int16 if suffix == "T1w" else np.uint8)
        fields = extra.get(suffix, {}) | {"Sources": sources}
        if suffix != "T1w" and not stripped:
            fields["SpatialReference"] = sources[0]
        write_json(path, sidecar(_TEXTS[suffix] + _PLACES[stripped], **fields))


def _write_transforms(stem, registration, source):
    """Write both directions; return the path of the one that takes images to the template."""
    forward = [(registration.forward, registration.grid_affine), registration.affine]
    inverse = np.linalg.inv(registration.affine)
    backward = [inverse, (registration.backward, registration.grid_affine)]
    names = f"from-T1w_to-{SPACE}", f"from-{SPACE}_to-T1w"
    # Images go one way, points the other: the first file holds the map template -> T1w.
    paths = [stem.with_name(f"{stem.name}_{name}_mode-image_xfm.h5") for name in names]
    for path, parts in zip(paths, (forward, backward), strict=True):
        write_composite(path, parts)
        write_json(path.with_suffix(".json"), sidecar(_TEXTS["xfm"], Sources=[source]))
    return paths[0]
