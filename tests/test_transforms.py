"""transforms: points and images agree on every grid, known Jacobians, bad input refused."""

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.affines import apply_affine
from registration_phantom import (
    FIXED,
    GRIDS,
    PLANTED,
    POINTS,
    SHAPE,
    UPRIGHT,
    VOXEL,
    affines,
    bends,
    centres_of,
    grids,
    linear,
    moving_on,
)

from mriworkbook.transforms import Transform

directions = st.sampled_from(["fixed_to_moving", "moving_to_fixed"])

# ---------------------------------------------------------------- points and images


@settings(max_examples=25)
@given(affines(), bends(), grids(), grids(reach=200), st.integers(0, 99))
def test_images_are_read_where_points_are_sent(affine, bend, fixed, moving, seed):
    """An image of a slope: its value tells the place, and linear interpolation is exact on it."""
    slope = np.random.default_rng(seed).normal(size=3)
    img = nib.Nifti1Image((centres_of(*moving) @ slope).astype(np.float32), moving[0])
    transform = Transform("syn", [bend, affine], fixed=fixed[::-1])
    moved = transform.apply(img).get_fdata()
    points = transform.map_points(centres_of(*fixed).reshape(-1, 3), "fixed_to_moving")
    voxels = apply_affine(np.linalg.inv(moving[0]), points)
    inside = np.all((voxels >= 0) & (voxels <= np.array(moving[1]) - 1), axis=1)
    outside = np.any((voxels < -0.51) | (voxels > np.array(moving[1]) - 0.49), axis=1)
    assert inside.mean() > 0.5
    np.testing.assert_allclose(moved.ravel()[inside], (points @ slope)[inside], atol=1e-3)
    assert not moved.ravel()[outside].any()


@settings(max_examples=25)
@given(affines(), directions)
def test_there_and_back(affine, direction):
    other = {"fixed_to_moving": "moving_to_fixed", "moving_to_fixed": "fixed_to_moving"}[direction]
    transform = linear(affine)
    there = transform.map_points(POINTS, direction)
    np.testing.assert_allclose(transform.map_points(there, other), POINTS, atol=1e-9)
    np.testing.assert_array_equal(transform.inverse().map_points(POINTS, other), there)
    again = transform.inverse().inverse()
    np.testing.assert_array_equal(again.map_points(POINTS, direction), there)
    assert (again.fixed, again.moving) == (transform.fixed, transform.moving)


@pytest.mark.parametrize("interpolation", ["nearest", "linear", "continuous"])
def test_a_shift_of_whole_voxels_moves_them(interpolation):
    img = moving_on("upright")
    shift = np.eye(4)
    shift[:3, 3] = VOXEL * np.array([2, -1, 3])
    moved = linear(shift).apply(img, interpolation).get_fdata()
    expected = np.roll(img.get_fdata(), (-2, 1, -3), (0, 1, 2))[5:-5, 5:-5, 5:-5]
    np.testing.assert_allclose(moved[5:-5, 5:-5, 5:-5], expected, atol=0.05)


def test_labels_beyond_255_survive_with_their_type():
    labels = nib.Nifti1Image((FIXED.get_fdata() > 500).astype(np.int32) * 11175, UPRIGHT)
    moved = linear(PLANTED).apply(labels, "nearest")
    assert moved.get_data_dtype() == np.int32
    assert set(np.unique(moved.dataobj)) == {0, 11175}


def test_an_image_elsewhere_is_a_warning():
    far = np.eye(4)
    far[0, 3] = 900
    with pytest.warns(UserWarning, match="Nothing of image(.|\n)*inverse"):
        moved = linear(far).apply(FIXED)
    assert not moved.get_fdata().any()


# ---------------------------------------------------------------- Jacobian determinants


@pytest.mark.parametrize("name", GRIDS)
def test_jacobian_of_a_known_map_on_every_grid(name):
    jacobian = linear(PLANTED, fixed=name).jacobian()
    np.testing.assert_allclose(jacobian.get_fdata(), np.linalg.det(PLANTED[:3, :3]), rtol=1e-3)
    np.testing.assert_allclose(jacobian.affine, GRIDS[name][0])


def wave(height, length):
    """A map that shifts x by ``height * sin(x / length)``, and x on its grid."""
    displacement = np.zeros((3, *SHAPE), np.float32)
    x = centres_of(UPRIGHT, SHAPE)[..., 0]
    displacement[0] = height * np.sin(x / length)
    return Transform("syn", [(displacement, UPRIGHT)], None, (SHAPE, UPRIGHT)), x


def test_jacobian_of_a_bent_map():
    transform, x = wave(15, 45)
    found, expected = transform.jacobian().get_fdata(), 1 + np.cos(x / 45) / 3
    assert np.abs(found - expected)[3:-3, 3:-3, 3:-3].max() < 0.02
    log = transform.jacobian(log=True).get_fdata()
    np.testing.assert_allclose(np.exp(log), found, rtol=1e-5)


def test_a_fold_has_no_logarithm():
    with pytest.warns(UserWarning, match="folds in"):
        assert np.isnan(wave(40, 15)[0].jacobian(log=True).get_fdata()).any()


@settings(max_examples=15)
@given(affines(), bends(amount=1.0), st.booleans(), st.lists(st.integers(1, 5), min_size=3))
def test_a_jacobian_says_how_volumes_change(affine, bend, affine_first, node):
    """Against a small box that is sent through the map, as wide as the bend's own voxels."""
    parts = [affine, bend] if affine_first else [bend, affine]
    before = np.linalg.inv(affine) if affine_first else np.eye(4)
    step, centre = bend[1][:3, :3], apply_affine(bend[1], node[:3])
    transform = Transform("syn", parts)
    ends = [
        transform.map_points(apply_affine(before, centre + sign * step.T), "fixed_to_moving")
        for sign in (1, -1)
    ]
    edges = before[:3, :3] @ step
    expected = np.linalg.det((ends[0] - ends[1]).T / 2) / np.linalg.det(edges)
    place = np.eye(4)
    place[:3, 3] = apply_affine(before, centre)
    on = nib.Nifti1Image(np.ones((1, 1, 1), np.float32), place)
    found = transform.jacobian(reference=on).get_fdata().item()
    assert found == pytest.approx(expected, rel=1e-3)


# ---------------------------------------------------------------- what is refused


def test_a_direction_must_be_said():
    transform = linear(PLANTED)
    with pytest.raises(TypeError, match="direction"):
        transform.map_points([0, 0, 0])
    with pytest.raises(ValueError, match="fixed_to_moving"):
        transform.map_points([0, 0, 0], "forward")


@pytest.mark.parametrize(
    "points", [[0, 0], np.zeros((3, 5)), [0, np.nan, 0], 5.0, "x", [[1, 2, 3], [4]]]
)
def test_points_without_three_coordinates_are_refused(points):
    with pytest.raises(ValueError, match="Each row is one point"):
        linear(PLANTED).map_points(points, "fixed_to_moving")


def test_an_unknown_interpolation_is_refused():
    with pytest.raises(ValueError, match="nearest"):
        linear(PLANTED).apply(FIXED, "cubic")


def bad_images():
    headless = nib.Nifti1Image(FIXED.get_fdata(dtype=np.float32), UPRIGHT)
    headless.set_sform(None, 0)
    headless.set_qform(None, 0)
    return {
        "neither qform nor sform": headless,
        "expected 3 axes": nib.Nifti1Image(np.ones((4, 4, 4, 2), np.float32), np.eye(4)),
        "NaN or infinite": nib.Nifti1Image(np.full((4, 4, 4), np.nan), np.eye(4)),
    }


@pytest.mark.parametrize("problem", bad_images())
def test_images_that_lie_nowhere_are_refused(problem):
    img, transform = bad_images()[problem], linear(PLANTED)
    with pytest.raises(ValueError, match=f"image: .*{problem}"):
        transform.apply(img)
    for use in (lambda **grid: transform.apply(FIXED, **grid), transform.jacobian):
        with pytest.raises(ValueError, match=f"reference: .*{problem}"):
            use(reference=img)
