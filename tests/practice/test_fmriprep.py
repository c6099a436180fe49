"""fMRIPrep-like derivatives: names, spaces, labels, transforms as two other tools read them."""

import functools
import json
import warnings

import ants
import nibabel as nib
import nitransforms
import numpy as np
import pandas as pd
import pytest
from nibabel.affines import apply_affine
from nilearn import datasets
from scipy import ndimage

from mriworkbook import practice
from mriworkbook.practice import _fmriprep, _masks, _n4, _registration
from mriworkbook.practice._fields import grid_points, sample
from mriworkbook.practice._registration import register, to_scanner, to_template
from mriworkbook.practice._tissue_classes import tissue_fractions
from mriworkbook.practice._transforms import write_composite
from mriworkbook.practice.parameters import PEOPLE, SPACE, value

people = pytest.mark.parametrize("label", ["01", "02"])
TO_TEMPLATE = f"from-T1w_to-{SPACE}_mode-image_xfm.h5"
TO_PERSON = f"from-{SPACE}_to-T1w_mode-image_xfm.h5"
LPS = np.array([-1.0, -1.0, 1.0])


def anat(root, label):
    return root / "derivatives" / "fmriprep" / f"sub-{label}" / "anat"


def path(root, label, name):
    return anat(root, label) / f"sub-{label}_{name}"


def load(root, label, name):
    return nib.load(path(root, label, f"{name}.nii.gz"))


def data(img):
    return img.get_fdata(dtype=np.float32)


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


@pytest.fixture(scope="module")
def registered(practice_core):
    """Label -> registration, each found once."""
    return functools.cache(functools.partial(register, practice_core))


def brain_points(count=400):
    """Template points in the brain, mm (count, 3), none of them on a grid."""
    mask = datasets.load_mni152_brain_mask(resolution=2)
    inside = np.argwhere(ndimage.binary_erosion(data(mask) > 0, iterations=2))
    rng = np.random.default_rng(0)
    voxels = inside[rng.choice(len(inside), count)] + rng.uniform(-0.5, 0.5, (count, 3))
    return apply_affine(mask.affine, voxels)


def true_scanner_points(root, label, points):
    img = nib.load(practice.truth_path(root, label, "warp_from_template"))
    parts = np.moveaxis(np.asarray(img.dataobj), -1, 0)
    return np.stack([sample(p, img.affine, points.T, order=3) for p in parts]).T


def by_ants(file, points):
    """Where ANTs takes points (n, 3), RAS+ mm."""
    table = pd.DataFrame(points * LPS, columns=["x", "y", "z"])
    return ants.apply_transforms_to_points(3, table, [str(file)])[["x", "y", "z"]].values * LPS


def by_nitransforms(file, points):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Reference space not set")  # points need none
        return nitransforms.manip.TransformChain.from_filename(str(file), fmt="itk").map(points)


# ---------------------------------------------------------------- files


def test_the_names_are_those_of_fmriprep(core):
    images = ["desc-preproc_T1w", "desc-brain_mask", "dseg"]
    images += [f"label-{tissue}_probseg" for tissue in ("CSF", "GM", "WM")]
    images += [f"space-{SPACE}_{name}" for name in images]
    expected = {f"{name}.{end}" for name in images for end in ("nii.gz", "json")} | {"dseg.tsv"}
    transforms = [name.removesuffix(".h5") for name in (TO_TEMPLATE, TO_PERSON)]
    expected |= {f"{name}.{end}" for name in transforms for end in ("h5", "json")}
    found = {file.name.removeprefix("sub-01_") for file in anat(core, "01").iterdir()}
    assert {name for name in found if not name.startswith("hemi-")} == expected


def test_sidecars_say_simulated_and_name_files_that_exist(core):
    for file in anat(core, "01").glob("*.json"):
        about = json.loads(file.read_text())
        assert about["Simulated"] and "imulated" in about["Description"]
        for source in about["Sources"]:
            folder = {"bids:raw": core, "bids:": core / "derivatives" / "fmriprep"}
            kind, _, name = source.rpartition(":")
            assert (folder[kind] / name).is_file(), source
    stripped = [
        json.loads(path(core, "01", f"{space}desc-preproc_T1w.json").read_text())["SkullStripped"]
        for space in ("", f"space-{SPACE}_")
    ]
    assert stripped == [False, True]


@people
def test_template_images_lie_on_nilearns_grid(core, label):
    grid = datasets.load_mni152_template(resolution=2)
    for file in anat(core, label).glob(f"*_space-{SPACE}_*.nii.gz"):
        img = nib.load(file)
        assert img.shape == grid.shape and np.array_equal(img.affine, grid.affine)
        assert int(img.header["sform_code"]) == int(img.header["qform_code"]) == 4


@people
@pytest.mark.parametrize("space", ["", f"space-{SPACE}_"])
def test_fractions_fill_the_mask_and_give_the_labels(core, label, space):
    mask = data(load(core, label, f"{space}desc-brain_mask")) > 0
    maps = {t: load(core, label, f"{space}label-{t}_probseg") for t in ("GM", "WM", "CSF")}
    for img in maps.values():
        assert img.get_data_dtype() == np.uint8
        assert img.dataobj.slope == pytest.approx(1 / 255)
    total = sum(data(img) for img in maps.values())
    assert total[~mask].max() == 0
    # Resampling mixes in what lies outside the mask, and rounds thrice.
    assert total[mask].min() > (0.49 if space else 0.999) and total.max() < 1.007
    labels = np.asarray(load(core, label, f"{space}dseg").dataobj)
    assert np.array_equal(labels > 0, mask)
    best = np.argmax([data(img) for img in maps.values()], axis=0) + 1
    assert (best == labels)[mask].mean() > (0.93 if space else 0.9999)
    t1w = data(load(core, label, f"{space}desc-preproc_T1w"))
    grey, white, fluid = (t1w[labels == number].mean() for number in (1, 2, 3))
    assert fluid < 0.7 * grey < 0.7 * white
    table = pd.read_csv(path(core, label, "dseg.tsv"), sep="\t", index_col="index")
    assert table["name"].to_dict() == {1: "GM", 2: "WM", 3: "CSF"}
    if space:
        assert t1w[~mask].max() == 0


# ---------------------------------------------------------------- segmentation


def test_fractions_of_a_phantom():
    """Two edges between three tissues, blurred: the share of the brighter is known."""
    rng = np.random.default_rng(3)
    share = np.clip(np.linspace(-2, 4, 60_000), 0, 2)  # 0 fluid, 1 grey, 2 white
    signal = np.interp(share, [0, 1, 2], [350, 700, 1000]) + rng.normal(0, 15, share.size)
    img = np.round(signal).astype(np.int16).reshape(30, 40, 50)
    maps = tissue_fractions(img, np.ones(img.shape, bool))
    found = {name: levels.ravel() / 255 for name, levels in maps.items()}
    expected = {"CSF": 1 - share, "GM": 1 - abs(share - 1), "WM": share - 1}
    for name, levels in found.items():
        assert np.abs(levels - np.clip(expected[name], 0, 1)).mean() < 0.05, name
    assert np.array_equal(sum(maps.values()), np.full(img.shape, 255))


@people
def test_classes_agree_with_the_truth_they_never_saw(core, label):
    """Measured .95, .96 and .85; deep grey matter goes to white matter in part, as with FAST."""
    true = [data(nib.load(practice.truth_path(core, label, t))) for t in ("GM", "WM", "CSF")]
    best = np.where(sum(true) > 0.5, np.argmax(true, axis=0) + 1, 0)
    labels = np.asarray(load(core, label, "dseg").dataobj)
    for number, least in ((1, 0.85), (2, 0.85), (3, 0.6)):
        assert dice(labels == number, best == number) > least


# ---------------------------------------------------------------- registration


@people
def test_the_registration_errs_by_the_frozen_amount(core, registered, label):
    registration = registered(label)
    points = brain_points(2000)
    true = true_scanner_points(core, label, points)
    found = to_scanner(registration, points.T).T
    error = np.linalg.norm(found - true, axis=1)
    # Mean length of three normal components of equal SD, in millimetres of this head.
    size = np.linalg.det(registration.affine[:3, :3]) ** (1 / 3)
    expected = value("registration_error_sd") * np.sqrt(8 / np.pi) * size
    assert error.mean() == pytest.approx(expected, rel=0.2)
    assert np.abs((found - true).mean(axis=0)).max() < 0.5


@people
def test_the_registration_can_be_undone_and_folds_nothing(registered, label):
    registration = registered(label)
    points = brain_points(4000).T
    again = to_template(registration, to_scanner(registration, points))
    distance = np.linalg.norm(again - points, axis=0)
    assert distance.mean() < 0.1 and np.percentile(distance, 99) < 0.4
    shape, spacing = registration.forward.shape[1:], 4.0
    error = _registration.registration_error(PEOPLE[label].number, shape, spacing)
    for field in (error, registration.forward):
        slopes = np.stack([np.stack(np.gradient(part, spacing)) for part in field])
        jacobian = np.linalg.det(np.moveaxis(slopes, (0, 1), (-2, -1)) + np.eye(3))
        assert jacobian.min() > 0


def test_a_twin_is_registered_with_the_same_error():
    twins = [PEOPLE[label] for label in ("05", "06")]
    one, other = (_registration.registration_error(t.number, (9, 9, 9), 4.0) for t in twins)
    assert np.array_equal(one, other)


def test_a_mirrored_image_is_registered_as_it_looks(core, registered, tmp_path, monkeypatch):
    """Array turned over, header left: mask and map follow the image."""
    for part in ("sub-01", "derivatives/truth/sub-01"):
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / part).symlink_to(core / part)
    (tmp_path / "sub-01").unlink()
    raw = core / "sub-01" / "anat" / "sub-01_T1w.nii.gz"
    img = nib.load(raw)
    assert nib.aff2axcodes(img.affine)[0] == "R"
    turned = tmp_path / raw.relative_to(core)
    turned.parent.mkdir(parents=True)
    nib.Nifti1Image(np.asarray(img.dataobj)[::-1], img.affine).to_filename(turned)
    straight = registered("01")
    monkeypatch.setitem(PEOPLE, "01", PEOPLE["01"]._replace(fault="flip"))
    monkeypatch.setattr(
        _fmriprep, "estimate_fields", lambda pairs: [np.ones(i.shape, np.float32) for i, _ in pairs]
    )
    native = _fmriprep.native_images(tmp_path, "01")
    mask = np.asarray(native["desc-brain_mask"].dataobj)
    assert np.array_equal(mask[::-1], np.asarray(load(core, "01", "desc-brain_mask").dataobj))
    registration = register(tmp_path, "01")
    assert np.linalg.det(registration.affine[:3, :3]) > 0
    # A point of the template lands on the mirror image of where its mirror image landed.
    points = brain_points()
    found = apply_affine(np.linalg.inv(img.affine), to_scanner(registration, points.T).T)
    other = to_scanner(straight, (points * [-1, 1, 1]).T).T
    other = apply_affine(np.linalg.inv(img.affine), other)
    other[:, 0] = img.shape[0] - 1 - other[:, 0]
    # Both err, each in its own way: in voxels of 2 mm.
    assert np.linalg.norm(found - other, axis=1).mean() < 1.5
    there = _fmriprep.template_images(native, registration)
    brain = data(datasets.load_mni152_brain_mask(resolution=2)) > 0
    assert dice(data(there["desc-brain_mask"]) > 0, brain) > 0.95


# ---------------------------------------------------------------- transform files


@people
@pytest.mark.parametrize("name", [TO_TEMPLATE, TO_PERSON])
def test_two_tools_read_the_same_map(core, registered, label, name):
    """ANTs reads linearly, as we do; nitransforms by cubic splines, equal on the grid's points."""
    registration = registered(label)
    points = brain_points()
    go = to_scanner
    if name == TO_PERSON:
        points, go = to_scanner(registration, points.T).T, to_template
    expected = go(registration, points.T).T
    assert by_ants(path(core, label, name), points) == pytest.approx(expected, abs=1e-3)
    near = np.abs(by_nitransforms(path(core, label, name), points) - expected)
    assert near.max() < 0.7 and near.mean() < 0.1
    nodes = grid_points(registration.forward.shape[1:], registration.grid_affine)
    nodes = nodes[:, 8:-8:7, 8:-8:7, 8:-8:7].reshape(3, -1)
    if name == TO_PERSON:
        nodes = apply_affine(registration.affine, nodes.T).T
    expected = go(registration, nodes).T
    found = by_nitransforms(path(core, label, name), nodes.T)
    assert found == pytest.approx(expected, abs=2e-3)


@people
def test_points_move_against_images(core, label):
    """The file named after image T1w -> template takes template points to the person."""
    points = brain_points(100)
    true = true_scanner_points(core, label, points)
    right = np.linalg.norm(by_ants(path(core, label, TO_TEMPLATE), points) - true, axis=1)
    wrong = np.linalg.norm(by_ants(path(core, label, TO_PERSON), points) - true, axis=1)
    assert right.mean() < 3 and wrong.mean() > 8
    back = by_ants(path(core, label, TO_PERSON), true)
    assert np.linalg.norm(back - points, axis=1).mean() < 3


def test_ants_resamples_to_the_template_as_we_do(core, tmp_path):
    grid = tmp_path / "grid.nii.gz"
    datasets.load_mni152_template(resolution=2).to_filename(grid)
    fixed = ants.image_read(str(grid))
    mask = data(load(core, "01", f"space-{SPACE}_desc-brain_mask")) > 0

    def resampled(name, file=TO_TEMPLATE):
        moving = ants.image_read(str(path(core, "01", f"{name}.nii.gz")))
        out = ants.apply_transforms(fixed, moving, [str(path(core, "01", file))], "linear")
        return out.numpy()[mask]

    grey = data(load(core, "01", f"space-{SPACE}_label-GM_probseg"))[mask]
    assert resampled("label-GM_probseg") == pytest.approx(grey, abs=0.003)
    t1w = data(load(core, "01", f"space-{SPACE}_desc-preproc_T1w"))[mask]
    assert np.corrcoef(resampled("desc-preproc_T1w"), t1w)[0, 1] > 0.985
    # The wrong file still finds a head of about the same place.
    assert np.corrcoef(resampled("desc-preproc_T1w", TO_PERSON), t1w)[0, 1] < 0.7


def test_a_composite_keeps_the_order_of_its_parts(tmp_path):
    """Scaling and then shifting is not shifting and then scaling; an oblique sign would show."""
    scale, shift = np.diag([2.0, 3.0, 0.5, 1.0]), np.eye(4)
    shift[:3, 3] = 1, -2, 3
    grid = np.diag([2.0, 3.0, 4.0, 1.0])
    grid[:3, 3] = -40, -60, -80
    bend = np.array([0.5, -0.25, 0.125], np.float32)
    file, points = tmp_path / "parts.h5", np.array([[1.0, 2.0, 3.0], [-4.0, 5.0, -6.0]])
    everywhere = np.broadcast_to(bend.reshape(3, 1, 1, 1), (3, 41, 40, 42))
    write_composite(file, [shift, (everywhere, grid), scale])
    expected = apply_affine(scale, apply_affine(shift, points) + bend)
    for tool in (by_ants, by_nitransforms):
        assert tool(file, points) == pytest.approx(expected, abs=1e-4), tool.__name__


def test_beyond_the_field_of_view_there_is_nothing(core, registered):
    """A brain cut off by the edge of the image is cut off in the template, too, not smeared out."""
    native = {}
    for name in ("desc-preproc_T1w", "desc-brain_mask", "dseg"):
        img = load(core, "01", name)
        middle = img.shape[1] // 2
        native[name] = img.slicer[:, middle:]
    registration = registered("01")
    mask = _fmriprep.template_images(native, registration)["desc-brain_mask"]
    points = apply_affine(mask.affine, np.argwhere(np.asarray(mask.dataobj) > 0))
    voxels = apply_affine(
        np.linalg.inv(native["dseg"].affine), to_scanner(registration, points.T).T
    )
    assert len(points) > 50_000 and -0.51 < voxels[:, 1].min() < 0


# ---------------------------------------------------------------- fine images


def test_a_fine_field_is_found_on_averaged_voxels():
    """Averaged and enlarged again, a smooth field is what it was, also where the size is odd."""
    shape = (21, 24, 27)
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    x, y, z = grid_points(shape, affine)
    field = np.exp(0.01 * x - 0.02 * y + 0.015 * z)
    mask = np.zeros(shape, np.uint8)
    mask[4:-4, 4:-4, 4:-4] = 1
    img, mask_img = nib.Nifti1Image(field, affine), nib.Nifti1Image(mask, affine)
    small = _n4._average(img, 2)
    assert small.shape == (11, 12, 14)
    assert apply_affine(small.affine, [1, 1, 1]) == pytest.approx([2.5, 2.5, 2.5])
    found = _n4._enlarge(np.asarray(small.dataobj), (img, mask_img), 2)
    expected = field / np.exp(np.log(field[mask > 0]).mean())
    assert found.shape == shape
    assert found[2:-2, 2:-2, 2:-2] == pytest.approx(expected[2:-2, 2:-2, 2:-2], rel=2e-3)


def test_masks_do_not_depend_on_the_box_they_are_made_in(core, monkeypatch):
    """Distances are measured in a box around the brain; the whole grid gives the same mask."""
    monkeypatch.setattr(_masks, "MARGIN", 500.0)
    img = nib.load(practice.truth_path(core, "01", "brain_mask"))
    wide = _masks.erring_mask(img, PEOPLE["01"], "fmriprep")
    here = load(core, "01", "desc-brain_mask")
    assert np.array_equal(np.asarray(wide.dataobj), np.asarray(here.dataobj))
