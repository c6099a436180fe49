"""What FreeSurfer would leave: conformed images, a segmentation, an affine and tables.

The images are made from the raw image alone, but for the mask: the true brain with its surface
moved. The segmentation is the truth with a frozen error; tables are computed from it and from the
person's surfaces, which are to be written before.
"""

from typing import NamedTuple

import nibabel as nib
import numpy as np
from scipy import ndimage

from mriworkbook.practice import _mesh, _stats, truth_path
from mriworkbook.practice._aseg import segment
from mriworkbook.practice._fields import sample, transform
from mriworkbook.practice._files import raw_path
from mriworkbook.practice._freesurfer_files import cube_affine
from mriworkbook.practice._mapping import as_seen, load_mapping
from mriworkbook.practice._masks import erring_mask
from mriworkbook.practice._n4 import estimate_fields
from mriworkbook.practice._talairach import talairach, xfm_text
from mriworkbook.practice.parameters import PEOPLE, value
from mriworkbook.practice.regions import load_regions, surface_labels

# People whose folder holds images; the others have surfaces, tables and the affine.
WITH_IMAGES = ("01", "02", "03")


def conformed(img, grid_img, spacing):
    """An image on FreeSurfer's cube: LIA, 256 mm wide, centred on the field of view.

    FreeSurfer's own spacing is 1 mm; with `recon-all -cm` it keeps a finer one, and here the cube
    keeps the image's. Trilinear, zero outside.

    Parameters
    ----------
    img : Nifti1Image
    grid_img : Nifti1Image
        Its field of view says where the cube lies.
    spacing : float
        mm.

    Returns
    -------
    Nifti1Image
        float32.
    """
    n, affine = cube_affine(grid_img, spacing)
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


def _white_matter_peak(values):
    """Most frequent value among the brain's brighter half: white matter."""
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
        On the cube, uint8.
    spacing : float
        mm.

    Returns
    -------
    Cube
    """
    cube = conformed(raw_img, raw_img, spacing)
    data = np.asarray(cube.dataobj)
    orig = _to_bytes(data * 255 / np.quantile(data[data > 0], value("conform_quantile")))
    return Cube(nib.Nifti1Image(orig, cube.affine), brain_mask_img)


def _cube_mask(root, label, mapping):
    """The mask with the tool's error, on the cube of the T1w."""
    person, raw = PEOPLE[label], nib.load(raw_path(root, label))
    truth = as_seen(nib.load(truth_path(root, label, "brain_mask")), mapping)
    # The error is as smooth as 2 mm voxels can show; finer ones would only take time.
    step = max(1, round(2 / person.voxel_size))
    mask = erring_mask(truth.slicer[::step, ::step, ::step], person, "freesurfer")
    mask = conformed(mask, raw, person.voxel_size)
    return nib.Nifti1Image((np.asarray(mask.dataobj) > 0.5).astype(np.uint8), mask.affine)


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
    t1 = corrected * value("t1_white_matter") / _white_matter_peak(corrected[brain])
    images = {"orig": orig, "nu": nu, "T1": t1, "brainmask": t1 * brain}
    return {name: nib.MGHImage(_to_bytes(i), cube.orig.affine) for name, i in images.items()}


def write_freesurfer(root, label):
    """Write mri/ and stats/ of one person below `root`; surf/ must be there already."""
    person, mapping = PEOPLE[label], load_mapping(root, label)
    subject = root / "derivatives" / "freesurfer" / f"sub-{label}"
    for folder in ("mri/transforms", "stats"):
        (subject / folder).mkdir(parents=True)
    mask = _cube_mask(root, label, mapping)
    brain = np.asarray(mask.dataobj) > 0
    points = transform(mask.affine, np.array(np.nonzero(brain), np.float64))
    labels = segment(root, label, person, mapping, points)
    if label in WITH_IMAGES:
        t1 = _write_images(root, label, mask, subject / "mri")
        aseg = np.zeros(brain.shape, np.uint8)
        aseg[brain] = labels
        nib.save(nib.MGHImage(aseg, mask.affine), subject / "mri" / "aseg.mgz")
        values = t1[brain]
    else:
        values = _scaled_values(root, label, points)
    text = xfm_text(talairach(person, mapping))
    path = subject / "mri" / "transforms" / "talairach.xfm"
    path.write_text(text, encoding="utf-8")
    _write_tables(subject, label, labels, values, read_xfm(path))


def read_xfm(path):
    """The affine of an MNI transform file, (4, 4)."""
    numbers = path.read_text(encoding="utf-8").split("Linear_Transform =")[1].strip(" \n;").split()
    return np.vstack([np.array(numbers, float).reshape(3, 4), [0, 0, 0, 1]])


def _write_images(root, label, mask, folder):
    """Write orig, nu, T1 and brainmask; give T1's voxels."""
    cube = freesurfer_cube(nib.load(raw_path(root, label)), mask, PEOPLE[label].voxel_size)
    (field,) = estimate_fields([(cube.orig, cube.mask)])
    images = freesurfer_images(cube, field)
    for name, img in images.items():
        nib.save(img, folder / f"{name}.mgz")
    return np.asarray(images["T1"].dataobj)


def _scaled_values(root, label, points):
    """Intensity at points of the brain, corrected and scaled as T1.mgz (white matter at 110)."""
    anat = root / "derivatives" / "fmriprep" / f"sub-{label}" / "anat"
    img = nib.load(anat / f"sub-{label}_desc-preproc_T1w.nii.gz")
    values = sample(np.asarray(img.dataobj, np.float32), img.affine, points)
    return _to_bytes(values * value("t1_white_matter") / _white_matter_peak(values))


def _write_tables(subject, label, labels, values, xfm):
    """stats/ of one person, from the segmentation and the surfaces written before."""
    table, stats = load_regions(), subject / "stats"
    spacing = PEOPLE[label].voxel_size
    surfaces = {}
    for hemi in _mesh.HEMISPHERES:
        side, regions = f"{hemi.lower()}h", surface_labels(hemi).astype(int)
        inner, faces = nib.freesurfer.read_geometry(subject / "surf" / f"{side}.white")
        outer, _ = nib.freesurfer.read_geometry(subject / "surf" / f"{side}.pial")
        thickness = nib.freesurfer.read_morph_data(subject / "surf" / f"{side}.thickness")
        thickness = thickness.astype(np.float64)
        here = table[table["hemi"] == hemi]
        columns = _stats.regional_table(inner, outer, thickness, faces, regions, list(here.index))
        surfaces[side] = here["name"], columns, thickness[regions > 0].mean()
    counts = np.bincount(labels, minlength=256)
    measures = _stats.brain_measures(counts, spacing**3, len(labels), _stats.etiv(xfm))
    for side, (names, columns, thickness) in surfaces.items():
        text = _stats.surface_stats(label, side, names, columns, thickness, measures)
        (stats / f"{side}.practice.stats").write_text(text, encoding="utf-8")
    text = _stats.volume_stats(label, labels, values, spacing**3, measures)
    (stats / "aseg.stats").write_text(text, encoding="utf-8")
