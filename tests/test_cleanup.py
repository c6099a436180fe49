"""cleanup on small phantoms: what it promises, every storage order, and what it refuses."""

import subprocess
import sys
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from mriworkbook import cleanup
from mriworkbook.cleanup import correct_bias, extract_brain
from mriworkbook.images import dice


def phantom(zooms=(4.0, 4.0, 4.0)):
    """Head of shells (scalp, skull, CSF, GM, WM, ventricle) and its brain mask."""
    zooms = np.array(zooms)
    shape = (np.array([200, 240, 220]) // zooms).astype(int)
    mm = (np.moveaxis(np.indices(shape), 0, -1) - (shape - 1) / 2) * zooms
    radius = np.sqrt((mm**2 / np.array([68, 84, 66]) ** 2).sum(axis=-1))
    data = np.zeros(shape)
    for limit, level in [(1.24, 800), (1.14, 60), (1.03, 250), (1, 600), (0.8, 900), (0.25, 250)]:
        data[radius < limit] = level
    data = np.abs(data + np.random.default_rng(0).normal(0, 20, shape)).astype(np.float32)
    affine = np.diag([*zooms, 1.0])
    affine[:3, 3] = -30, 12, 5
    return nib.Nifti1Image(data, affine), nib.Nifti1Image((radius < 1).astype(np.uint8), affine)


HEAD, BRAIN = phantom()
ORDERS = [
    [[axis, flip] for axis, flip in zip(axes, flips, strict=True)]
    for axes in [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    for flips in np.array(np.meshgrid([1, -1], [1, -1], [1, -1])).T.reshape(-1, 3)
]


def shading(img, percent=40):
    """Smooth field, 1 - percent/200 to 1 + percent/200 along a slant."""
    i, j, k = (np.linspace(-1, 1, n) for n in img.shape)
    slant = (i[:, None, None] + j[:, None] - k) / 3
    return (1 + percent / 200 * slant).astype(np.float32)


def test_all_48_orders_are_tried():
    orders = {tuple(nib.aff2axcodes(HEAD.as_reoriented(order).affine)) for order in ORDERS}
    assert len(orders) == 48


def test_correction_times_field_is_the_image_and_the_field_is_centred():
    img = nib.Nifti1Image(HEAD.get_fdata(dtype=np.float32) * shading(HEAD), HEAD.affine)
    corrected, field = correct_bias(img, BRAIN)
    for out in (corrected, field):
        assert out.get_data_dtype() == np.float32
        np.testing.assert_array_equal(out.affine, img.affine)
    f, inside = field.get_fdata(), BRAIN.get_fdata() > 0
    np.testing.assert_allclose(corrected.get_fdata() * f, img.get_fdata(), rtol=1e-6)
    assert abs(np.log(f[inside]).mean()) < 1e-6
    assert f.min() > 0.4 and f.max() < 2.5


def test_planted_shading_is_found():
    true = shading(HEAD)
    img = nib.Nifti1Image(HEAD.get_fdata(dtype=np.float32) * true, HEAD.affine)
    inside = BRAIN.get_fdata() > 0
    _, field = correct_bias(img, BRAIN)
    log_true, log_found = np.log(true[inside]), np.log(field.get_fdata()[inside])
    assert np.corrcoef(log_true, log_found)[0, 1] > 0.95
    assert np.std(log_found - log_true) < np.std(log_true) / 2


def test_without_shading_the_field_stays_flat_and_the_mask_is_made_if_not_given():
    _, field = correct_bias(HEAD)
    assert np.log(field.get_fdata()[BRAIN.get_fdata() > 0]).std() < 0.02


@settings(max_examples=6, deadline=None)
@given(st.sampled_from(ORDERS))
def test_storage_order_does_not_change_the_field(order):
    _, field = correct_bias(HEAD, BRAIN)
    _, turned = correct_bias(HEAD.as_reoriented(order), BRAIN.as_reoriented(order))
    assert nib.aff2axcodes(turned.affine) == nib.aff2axcodes(HEAD.as_reoriented(order).affine)
    back = nib.as_closest_canonical(turned)
    np.testing.assert_allclose(back.affine, HEAD.affine, atol=1e-9)
    np.testing.assert_allclose(back.get_fdata(), field.get_fdata(), rtol=1e-6)


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_working_grid_is_the_same_for_every_storage_order(order):
    img, _ = phantom((5.0, 4.0, 7.0))
    turned = img.as_reoriented(order)
    work, _ = cleanup._working_grid(cleanup._canonical(img), cleanup._canonical_zooms(img))
    same, _ = cleanup._working_grid(cleanup._canonical(turned), cleanup._canonical_zooms(turned))
    np.testing.assert_array_equal(same, work)
    back = cleanup._as_image(turned, cleanup._canonical(turned))
    np.testing.assert_array_equal(back.get_fdata(), turned.get_fdata())


@pytest.mark.parametrize("zooms", [(4.0, 4.0, 4.0), (3.0, 1.5, 2.5)], ids=str)
def test_a_mask_survives_the_way_to_the_working_grid_and_back(zooms):
    _, brain = phantom(zooms)
    zooms, data = np.array(zooms), brain.get_fdata(dtype=np.float32)
    work, _ = cleanup._working_grid(data, zooms)
    back = cleanup._onto_image(work > 0.5, data.shape, zooms)
    assert dice(back, data) > 0.985


def test_the_phantoms_brain_is_found_whatever_order_and_scale():
    order = [[2, -1], [0, 1], [1, -1]]
    turned = HEAD.as_reoriented(order)
    scaled = nib.Nifti1Image(turned.get_fdata(dtype=np.float32) * 1e-4, turned.affine)
    mask_img = extract_brain(scaled)
    assert mask_img.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(mask_img.affine, turned.affine)
    mask = np.asarray(mask_img.dataobj)
    assert set(np.unique(mask)) == {0, 1}
    assert ndimage.label(mask)[1] == 1
    assert (ndimage.binary_fill_holes(mask) == mask).all()
    # Not more: at 4 mm one layer of voxels is an eighth of the brain.
    assert dice(mask_img, BRAIN.as_reoriented(order)) > 0.92


BAD = {
    "4D": (np.ones((4, 4, 4, 2), np.float32), "expected 3 axes"),
    "zero": (np.zeros((9, 9, 9), np.float32), "every voxel is 0"),
    "constant": (np.full((9, 9, 9), 3.0, np.float32), "every voxel is 3"),
    "NaN": (np.where(np.eye(9)[None] > 0, np.nan, np.ones((9, 9, 9))), "NaN or infinite"),
}


@pytest.mark.parametrize("function", [correct_bias, extract_brain])
@pytest.mark.parametrize("kind", BAD)
def test_bad_images_are_refused_by_name(function, kind, tmp_path):
    data, problem = BAD[kind]
    path = tmp_path / "bad.nii.gz"
    nib.Nifti1Image(data, np.eye(4)).to_filename(path)
    with pytest.raises(ValueError, match=rf"bad\.nii\.gz: .*{problem}"):
        function(path)


@pytest.mark.parametrize("function", [correct_bias, extract_brain])
def test_a_missing_file_is_named(function):
    with pytest.raises(FileNotFoundError, match=r"no-such\.nii\.gz"):
        function("no-such.nii.gz")


@pytest.mark.parametrize("function", [correct_bias, extract_brain])
def test_an_image_with_a_single_bright_voxel_is_no_head(function):
    data = np.zeros((20, 20, 20), np.float32)
    data[10, 10, 10] = 1
    with pytest.raises(ValueError, match="no head"):
        function(nib.Nifti1Image(data, np.diag([4.0, 4, 4, 1])))


def test_bad_masks_are_refused():
    shifted = BRAIN.affine.copy()
    shifted[0, 3] += 4
    with pytest.raises(ValueError, match="different grids"):
        correct_bias(HEAD, nib.Nifti1Image(BRAIN.get_fdata(dtype=np.float32), shifted))
    with pytest.raises(ValueError, match="different grids"):
        correct_bias(HEAD, BRAIN.slicer[1:])
    with pytest.raises(ValueError, match="empty"):
        correct_bias(HEAD, nib.Nifti1Image(np.zeros(HEAD.shape, np.uint8), HEAD.affine))
    with pytest.raises(ValueError, match="N4 works on logarithms"):
        correct_bias(nib.Nifti1Image(-HEAD.get_fdata(dtype=np.float32), HEAD.affine), BRAIN)


def test_disagreement_with_the_template_is_a_warning():
    seed = np.zeros((40, 40, 40), bool)
    seed[5:20, 5:30, 5:30] = True
    template = np.roll(seed, 10, axis=0).astype(np.float32)
    with pytest.warns(UserWarning, match="doubtful"):
        cleanup._combine(seed, template)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_nothing_is_left_behind_when_registration_stops(error, tmp_path, monkeypatch):
    ants = pytest.importorskip("ants")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def stop(*_args, outprefix, **_kwargs):
        Path(f"{outprefix}0GenericAffine.mat").write_text("half")
        assert list(tmp_path.iterdir())
        raise error

    monkeypatch.setattr(ants, "registration", stop)
    with pytest.raises(error):
        cleanup._template_mask(np.ones((9, 9, 9), np.float32), np.full(3, 2.0))
    assert not list(tmp_path.iterdir())


def test_without_ants_the_error_says_where_there_are_wheels(monkeypatch):
    monkeypatch.setitem(sys.modules, "ants", None)
    with pytest.raises(ImportError, match=r"Linux on Arm(.|\n)*pip install antspyx"):
        correct_bias(HEAD, BRAIN)


def test_importing_cleanup_does_not_import_ants():
    code = "import sys, mriworkbook.cleanup; sys.exit('ants' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
