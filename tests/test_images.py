"""images: inputs are opened or refused with a reason; masks are compared on one grid only."""

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mriworkbook.images import check_same_grid, dice, load_3d, load_mask, load_scan


def image(data, affine=None):
    return nib.Nifti1Image(np.asarray(data), np.eye(4) if affine is None else affine)


RAMP = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def test_a_path_and_an_image_give_the_same(tmp_path):
    path = tmp_path / "head.nii.gz"
    image(RAMP).to_filename(path)
    for given_as in (path, str(path), nib.load(path)):
        np.testing.assert_array_equal(load_3d(given_as).dataobj, RAMP)


def test_a_single_volume_loses_its_fourth_axis():
    assert load_3d(image(RAMP[..., None])).shape == (2, 3, 4)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"T1w image .*no-such\.nii\.gz: there is no such"):
        load_3d(tmp_path / "no-such.nii.gz", name="T1w image")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (np.ones((2, 2, 2, 3), np.float32), r"expected 3 axes, got shape \(2, 2, 2, 3\)"),
        (np.ones((2, 2), np.float32), "expected 3 axes"),
        (np.ones((0, 2, 2), np.float32), "no voxels"),
        (np.where(RAMP == 5, np.nan, RAMP), "1 of 24 voxels are NaN or infinite"),
        (np.where(RAMP < 2, np.inf, RAMP), "2 of 24 voxels are NaN or infinite"),
        (RAMP.astype(np.complex64), "real numbers"),
    ],
)
def test_voxels_that_cannot_be_used_are_refused(data, problem):
    with pytest.raises(ValueError, match=problem):
        load_3d(image(data))


@pytest.mark.parametrize("value", [0, 7])
def test_an_image_without_contrast_is_no_scan_and_its_file_is_named(tmp_path, value):
    path = tmp_path / "flat.nii.gz"
    image(np.full((2, 2, 2), value, np.uint8)).to_filename(path)
    assert load_3d(path).shape == (2, 2, 2)
    with pytest.raises(ValueError, match=rf"flat\.nii\.gz: every voxel is {value}\."):
        load_scan(path)


def test_a_file_that_is_no_image_and_one_cut_short_are_refused(tmp_path):
    text = tmp_path / "text.nii.gz"
    text.write_text("not found")
    with pytest.raises(ValueError, match=r"text\.nii\.gz: it cannot be read"):
        load_3d(text)
    cut = tmp_path / "cut.nii.gz"
    image(np.random.default_rng(0).random((20, 20, 20))).to_filename(cut)
    cut.write_bytes(cut.read_bytes()[:20_000])
    with pytest.raises(ValueError, match=r"cut\.nii\.gz: its voxels cannot be read"):
        load_3d(cut)


def test_an_affine_without_inverse_is_refused():
    img = nib.spatialimages.SpatialImage(RAMP, np.diag([1.0, 1.0, 0.0, 1.0]))
    with pytest.raises(ValueError, match="cannot be inverted"):
        load_3d(img)


def test_an_array_is_refused_with_the_way_to_make_an_image():
    with pytest.raises(TypeError, match=r"nibabel\.Nifti1Image\(array, affine\)"):
        load_3d(RAMP)


def test_a_mask_must_hold_something_and_lie_on_the_image():
    with pytest.raises(ValueError, match="mask: it is empty"):
        load_mask(image(np.zeros((2, 3, 4), np.uint8)))
    with pytest.raises(ValueError, match=r"different grids: shapes \(2, 3, 4\) and \(4, 3, 2\)"):
        load_mask(image(RAMP), like=image(RAMP.T))
    with pytest.raises(ValueError, match="affines differ by up to 1 mm"):
        load_mask(image(RAMP), like=image(RAMP, np.diag([2.0, 1, 1, 1])))


def test_affines_may_differ_by_rounding_only():
    near, far = np.eye(4), np.eye(4)
    near[0, 3], far[0, 3] = 5e-4, 5e-3
    check_same_grid(image(RAMP), image(RAMP, near))
    with pytest.raises(ValueError, match="different grids"):
        check_same_grid(image(RAMP), image(RAMP, far))


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 12))
def test_dice_is_twice_the_shared_over_the_sum(only_a, both, only_b):
    a = np.repeat([1, 1, 0, 0], [only_a, both, only_b, 3])
    b = np.repeat([0, 1, 1, 0], [only_a, both, only_b, 3])
    if only_a + both + only_b == 0:
        with pytest.warns(UserWarning, match="two empty masks"):
            assert np.isnan(dice(a, b))
    else:
        assert dice(a, b) == pytest.approx(2 * both / (only_a + 2 * both + only_b))
        assert dice(a, b) == dice(b, a)


def test_dice_refuses_what_cannot_be_compared():
    with pytest.raises(ValueError, match="different grids"):
        dice(image(RAMP), image(RAMP, np.diag([2.0, 1, 1, 1])))
    with pytest.raises(TypeError, match="two images or two arrays"):
        dice(image(RAMP), RAMP)
    with pytest.raises(ValueError, match="shapes"):
        dice(RAMP, RAMP.T)
