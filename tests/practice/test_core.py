"""The core as it is on disk: files, headers, truth against image, truth against truth."""

import json
import signal
import subprocess
import sys
import time
import warnings

import nibabel as nib
import numpy as np
import pytest
from bids.layout import BIDSLayout
from bids_validator import BIDSValidator
from nibabel.affines import apply_affine
from nilearn import datasets, image
from scipy import ndimage

from mriworkbook import practice
from mriworkbook.practice.parameters import FROZEN, PEOPLE, SPACE, value
from mriworkbook.practice.write import CORE

people = pytest.mark.parametrize("label", CORE)


def truth(core, label, what):
    return nib.load(practice.truth_path(core, label, what))


def data(img):
    return img.get_fdata(dtype=np.float32)


def raw(core, label):
    return nib.load(core / f"sub-{label}" / "anat" / f"sub-{label}_T1w.nii.gz")


def mgz(core, label, name):
    return nib.load(core / "derivatives" / "freesurfer" / f"sub-{label}" / "mri" / f"{name}.mgz")


def fmriprep(core, label, name):
    folder = core / "derivatives" / "fmriprep" / f"sub-{label}" / "anat"
    return nib.load(folder / f"sub-{label}_desc-{name}.nii.gz")


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def at_points(img, points):
    """Values of an image at world points (n, 3), nearest voxel, 0 outside."""
    voxels = apply_affine(np.linalg.inv(img.affine), points).T
    return ndimage.map_coordinates(data(img), voxels, order=0)


# ---------------------------------------------------------------- files


def test_every_text_says_that_it_is_simulated(core):
    assert "simulated" in (core / "README").read_text().splitlines()[0]
    descriptions = list(core.rglob("dataset_description.json"))
    assert len(descriptions) == 4
    for path in descriptions:
        about = json.loads(path.read_text())
        assert "simulated" in about["Name"] and about["GeneratedBy"][0]["Name"]
    images = list(core.rglob("*.nii.gz"))
    for path in images:
        assert json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text())[
            "Simulated"
        ]


def test_pybids_finds_raw_and_derivatives(core):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layout = BIDSLayout(core, derivatives=[core / "derivatives" / "fmriprep"])
    assert layout.get_subjects() == list(CORE)
    t1w = {"suffix": "T1w", "extension": ".nii.gz"}
    assert len(layout.get(scope="raw", **t1w)) == len(CORE)
    derived = {"scope": "derivatives", "datatype": "anat", "extension": ".nii.gz"}
    for space in (None, SPACE):
        assert len(layout.get(space=space, desc="preproc", suffix="T1w", **derived)) == len(CORE)
        assert len(layout.get(space=space, desc="brain", suffix="mask", **derived)) == len(CORE)
    metadata = layout.get(scope="raw", **t1w)[0].get_metadata()
    assert metadata["InversionTime"] == 0.9 and metadata["MagneticFieldStrength"] == 3


def test_raw_names_are_bids(core):
    validator = BIDSValidator()
    for path in core.rglob("*"):
        name = "/" + path.relative_to(core).as_posix()
        if path.is_file() and not name.startswith(("/derivatives", "/.")):
            assert validator.is_bids(name), name


def test_unknown_truth_is_refused(core):
    with pytest.raises(ValueError, match="choose one of brain_mask"):
        practice.truth_path(core, "01", "lesion")


def test_every_frozen_value_has_unit_and_source():
    assert all(v.unit and v.source for v in FROZEN.values())


def test_the_fingerprint_changes_with_the_table(monkeypatch):
    before = practice.fingerprint()
    monkeypatch.setitem(FROZEN, "noise_T1w", FROZEN["noise_T1w"]._replace(value=0.02))
    assert practice.fingerprint() != before


# ---------------------------------------------------------------- headers


@people
def test_headers_are_honest(core, label):
    img = raw(core, label)
    header = img.header
    assert header.get_data_dtype() == np.int16
    assert "".join(nib.aff2axcodes(img.affine)) == PEOPLE[label].orientation
    assert np.allclose(header.get_zooms(), PEOPLE[label].voxel_size)
    assert header.get_xyzt_units()[0] == "mm"
    assert int(header["sform_code"]) == int(header["qform_code"]) == 1
    assert np.allclose(img.get_sform(), img.get_qform(), atol=1e-3)
    # Oblique on purpose.
    assert 1 < np.degrees(nib.affines.obliquity(img.affine)).max() < 5


@people
def test_truth_and_derivatives_lie_on_the_raw_grid(core, label):
    img = raw(core, label)
    same = [truth(core, label, w) for w in ("brain_mask", "bias_field", "GM", "WM", "CSF")]
    same += [fmriprep(core, label, n) for n in ("preproc_T1w", "brain_mask")]
    for other in same:
        assert other.shape == img.shape
        assert np.allclose(other.affine, img.affine, atol=1e-5)


@people
def test_freesurfer_images_are_conformed(core, label):
    images = {n: mgz(core, label, n) for n in ("orig", "nu", "T1", "brainmask")}
    for img in images.values():
        assert img.shape == (128, 128, 128) and img.get_data_dtype() == np.uint8
        assert "".join(nib.aff2axcodes(img.affine)) == "LIA"
        assert np.allclose(img.affine, images["orig"].affine)
    t1, brain = data(images["T1"]), data(images["brainmask"])
    assert np.array_equal(brain[brain > 0], t1[brain > 0])
    assert data(images["orig"]).max() == 255


@people
def test_the_conformed_image_shows_the_same_head(core, label):
    orig = mgz(core, label, "orig")
    float_raw = image.new_img_like(raw(core, label), data(raw(core, label)))
    there = image.resample_to_img(float_raw, orig, force_resample=True, copy_header=True)
    assert np.corrcoef(data(there).ravel(), data(orig).ravel())[0, 1] > 0.99


# ---------------------------------------------------------------- truth


@people
def test_fractions_sum_to_one_inside_and_make_the_mask(core, label):
    mask = data(truth(core, label, "brain_mask")) > 0
    total = sum(data(truth(core, label, t)) for t in ("GM", "WM", "CSF"))
    assert np.array_equal(total > 0.5, mask)
    inner = ndimage.binary_erosion(mask, iterations=2)
    assert total[inner] == pytest.approx(1, abs=1e-5)
    assert total.max() < 1 + 1e-5 and total[ndimage.binary_dilation(mask) == 0].max() < 0.5
    _, pieces = ndimage.label(mask)
    assert pieces == 1
    # Smooth surface without holes.
    assert np.array_equal(ndimage.binary_fill_holes(mask), mask)
    assert dice(ndimage.binary_opening(mask), mask) > 0.995


@people
def test_volumes_are_those_of_a_person(core, label):
    litre = PEOPLE[label].voxel_size ** 3 / 1e6
    volume = {t: float(data(truth(core, label, t)).sum()) * litre for t in ("GM", "WM", "CSF")}
    assert sum(volume.values()) == pytest.approx(PEOPLE[label].brain_volume_ml / 1000, rel=0.02)
    # AOMIC sub-0001, aseg: 0.69 and 0.54 l in a mask of 1.44 l.
    assert 0.43 < volume["GM"] / sum(volume.values()) < 0.55
    assert 0.32 < volume["WM"] / sum(volume.values()) < 0.42


def test_people_differ_in_folding_and_ventricles(core):
    """Grey matter of two people at the same template points agrees little more than by chance."""
    grids = [truth(core, label, "warp_from_template") for label in CORE]
    points = [data(g).reshape(-1, 3) for g in grids]
    grey = [at_points(truth(core, k, "GM"), p) for k, p in zip(CORE, points, strict=True)]
    inside = [at_points(truth(core, k, "brain_mask"), p) for k, p in zip(CORE, points, strict=True)]
    brain = np.all(np.array(inside) > 0, axis=0)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert 0.3 < np.corrcoef(grey[a][brain], grey[b][brain])[0, 1] < 0.9


@people
def test_the_truth_lies_where_the_image_says(core, label):
    """Tissue maps explain the image, and explain it worse when moved by one voxel."""
    mask = data(truth(core, label, "brain_mask")) > 0
    flat = data(raw(core, label)) / data(truth(core, label, "bias_field"))
    maps = [data(truth(core, label, t)) for t in ("GM", "WM", "CSF")]

    def unexplained(shift):
        design = np.stack([np.roll(m, shift, axis=0)[mask] for m in maps], axis=1)
        residual = flat[mask] - design @ np.linalg.lstsq(design, flat[mask], rcond=None)[0]
        return residual.var() / flat[mask].var()

    assert unexplained(0) < 0.06
    assert min(unexplained(1), unexplained(-1)) > 3 * unexplained(0)


@people
def test_noise_and_bias_are_the_frozen_ones(core, label):
    mask = data(truth(core, label, "brain_mask")) > 0
    field = data(truth(core, label, "bias_field"))
    half = PEOPLE[label].bias_percent / 200
    # Stored in steps of 0.0005.
    assert field[mask].min() == pytest.approx(1 - half, abs=2.6e-4)
    assert field[mask].max() == pytest.approx(1 + half, abs=2.6e-4)
    img = np.asarray(raw(core, label).dataobj).astype(float)
    corner = np.ones(img.shape, bool)
    corner[8:-8, 8:-8, 8:-8] = False
    air = img[corner & (img < 100)]
    # Whole numbers: spread over their steps, or the median would be one of them.
    air = air + np.random.default_rng(0).uniform(-0.5, 0.5, air.size)
    expected = value("noise_T1w") * value("white_matter_units_T1w") * np.sqrt(np.pi / 2)
    assert np.median(air) == pytest.approx(expected * np.sqrt(np.log(4) * 2 / np.pi), rel=0.06)
    white = data(truth(core, label, "WM")) > 0.95
    flat = (img / field)[white & mask]
    assert np.median(flat) == pytest.approx(value("white_matter_units_T1w"), rel=0.02)


@people
def test_jacobians_are_positive_with_the_frozen_spread(core, label):
    img = truth(core, label, "jacobian")
    jacobian = data(img)
    sidecar = practice.truth_path(core, label, "jacobian").with_suffix("").with_suffix(".json")
    affine = json.loads(sidecar.read_text())["AffineDeterminant"]
    brain = image.resample_to_img(
        datasets.load_mni152_brain_mask(resolution=2),
        img,
        interpolation="nearest",
        force_resample=True,
        copy_header=True,
    )
    inside = data(brain) > 0.5
    assert jacobian.min() > 0
    # AOMIC sub-0001 to 0003 have .249, .236, .280 in this mask.
    assert 0.22 < (jacobian[inside] / affine).std() < 0.29
    volume = jacobian[inside].sum() * 4**3 / 1000
    mask = truth(core, label, "brain_mask")
    assert volume == pytest.approx(
        data(mask).sum() * PEOPLE[label].voxel_size ** 3 / 1000, rel=0.02
    )


@people
def test_point_maps_are_inverse_and_lead_to_the_brain(core, label):
    out, back = (truth(core, label, f"warp_{way}_template") for way in ("from", "to"))
    template = apply_affine(out.affine, np.indices(out.shape[:3]).reshape(3, -1).T)
    scanner = data(out).reshape(-1, 3)
    voxels = apply_affine(np.linalg.inv(back.affine), scanner).T
    again = np.stack(
        [ndimage.map_coordinates(c, voxels, order=3) for c in np.moveaxis(data(back), -1, 0)]
    ).T
    error = np.linalg.norm(again - template, axis=1)
    mask = at_points(truth(core, label, "brain_mask"), scanner) > 0.5
    # mm: maps of 4 mm are read by splines, which the sharpest bends of the flow strain.
    assert np.quantile(error[mask], 0.99) < 0.1
    assert error[mask].max() < 0.3
    inner = np.all((voxels > 3) & (voxels < np.array(back.shape[:3])[:, None] - 4), axis=0)
    assert error[inner].max() < 0.4
    brain = datasets.load_mni152_brain_mask(resolution=1)
    expected = at_points(brain, template) > 0.5
    assert dice(mask, expected) > 0.96
    # The template's brain, carried over, has its middle where the image's brain has it.
    weight = expected * data(truth(core, label, "jacobian")).ravel()
    there = truth(core, label, "brain_mask")
    middle = apply_affine(there.affine, np.argwhere(data(there) > 0)).mean(axis=0)
    assert np.average(scanner, axis=0, weights=weight) == pytest.approx(middle, abs=0.4)


@people
def test_left_stays_left(core, label):
    out = truth(core, label, "warp_from_template")
    points = at = apply_affine(np.linalg.inv(out.affine), [[-40, -20, 10], [40, -20, 10]])
    left, right = (data(out)[tuple(np.round(p).astype(int))] for p in points)
    assert left[0] < right[0] - 50, at


# ---------------------------------------------------------------- derivatives


@people
def test_masks_err_as_real_tools_do(core, label):
    mask = data(truth(core, label, "brain_mask")) > 0
    prep = data(fmriprep(core, label, "brain_mask")) > 0
    assert 0.97 < dice(mask, prep) < 0.998
    # AOMIC sub-0001: FreeSurfer's brainmask is 1.107 times fMRIPrep's, and their Dice is .949.
    larger = (data(mgz(core, label, "brainmask")) > 0).sum() / prep.sum()
    assert 1.06 < larger < 1.15


@people
def test_correction_flattens_white_matter(core, label):
    white = data(truth(core, label, "WM")) > 0.95
    before, after = data(raw(core, label))[white], data(fmriprep(core, label, "preproc_T1w"))[white]
    assert after.std() / after.mean() < 0.85 * before.std() / before.mean()
    # No seam where the mask ends: the field reaches over the whole head.
    prep = data(fmriprep(core, label, "brain_mask")) > 0
    ratio = data(raw(core, label)) / np.maximum(data(fmriprep(core, label, "preproc_T1w")), 1)
    rim = (
        ndimage.binary_dilation(prep, iterations=3)
        & ~prep
        & (data(raw(core, label)) > 0.2 * value("white_matter_units_T1w"))
    )
    edge = prep & ~ndimage.binary_erosion(prep, iterations=3)
    assert np.median(ratio[rim]) == pytest.approx(np.median(ratio[edge]), rel=0.08)


@people
def test_t1_puts_white_matter_at_110(core, label):
    t1, orig = mgz(core, label, "T1"), mgz(core, label, "orig")
    white = image.resample_to_img(
        truth(core, label, "WM"), t1, interpolation="linear", force_resample=True, copy_header=True
    )
    white = data(white) > 0.95
    assert np.median(data(t1)[white]) == pytest.approx(110, abs=2)
    assert 180 < np.median(data(orig)[white]) < 230  # 201 in AOMIC sub-0001


# ---------------------------------------------------------------- stopping

INTERRUPTED = """
import sys, time, psutil
from mriworkbook import practice
try:
    practice.make_core(sys.argv[1], n_jobs=2, progress=lambda *r: print("begun", flush=True))
except KeyboardInterrupt:
    left = [" ".join(p.cmdline()) for p in psutil.Process().children(recursive=True)]
    # joblib's bookkeeper of temporary files lives as long as the interpreter.
    print("left:", *[line for line in left if "resource_tracker" not in line])
"""


def test_an_interrupt_stops_it_and_its_workers(tmp_path):
    """As in a notebook, whose kernel lives on."""
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, tmp_path], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "begun\n"
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    begin = time.monotonic()
    output, _ = process.communicate(timeout=60)
    assert output.split("\n")[-2].strip() == "left:"
    assert time.monotonic() - begin < 5  # it does not wait for the work to end


def test_importing_the_package_loads_no_simulation():
    code = "import sys, mriworkbook.practice as p; p.fingerprint(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert not {"numpy", "nibabel", "nilearn", "ants"} & set(loaded.split())
