"""Flows, inverses and interpolation on small grids."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial.transform import Rotation

from mriworkbook.practice import _fields as fields
from mriworkbook.practice._deformation import _invert, exponential, rotation


def velocity(seed=0, amplitude=0.6):
    rng = np.random.default_rng(seed)
    noise = [fields.smooth_noise(rng, (24, 24, 24), 2.0) for _ in range(3)]
    hat = np.sin(np.linspace(0, np.pi, 24)).astype(np.float32)
    hat = hat[:, None, None] * hat[:, None] * hat
    return np.stack(noise) * amplitude * hat


def test_exponential_follows_the_flow():
    """Against many short Euler steps along the velocity."""
    v = velocity()
    where = start = np.indices(v.shape[1:]).astype(float)
    steps = 400
    for _ in range(steps):
        speed = [ndimage.map_coordinates(c, where, order=3, mode="nearest") for c in v]
        where = where + np.stack(speed) / steps
    inner = np.s_[:, 3:-3, 3:-3, 3:-3]
    assert abs(exponential(v, 6) - (where - start))[inner].max() < 0.03


def test_inverse_undoes_the_flow():
    forward = exponential(velocity(1), 5)
    backward = _invert(forward, exponential(-velocity(1), 3, order=1))
    index = np.indices(forward.shape[1:])
    moved = np.stack([ndimage.map_coordinates(c, index + backward, order=3) for c in forward])
    assert abs(backward + moved)[:, 3:-3, 3:-3, 3:-3].max() < 0.01


def test_inverse_undoes_a_flow_that_widens_much():
    """There plain fixed-point steps would overshoot further each time."""
    bump = np.zeros((24, 24, 24), np.float32)
    bump[10:14, 10:14, 10:14] = 1
    flow = -np.stack(np.gradient(ndimage.gaussian_filter(bump, 2.0)))
    divergence = sum(np.gradient(flow[axis], axis=axis) for axis in range(3))
    flow *= np.float32(np.log(14) / divergence.max())
    forward = exponential(flow)
    backward = _invert(forward, exponential(-flow, order=1))
    index = np.indices(forward.shape[1:])
    moved = np.stack([ndimage.map_coordinates(c, index + backward, order=3) for c in forward])
    assert abs(backward + moved)[:, 3:-3, 3:-3, 3:-3].max() < 0.01


@settings(deadline=None)
@given(st.tuples(*[st.floats(-170, 170)] * 3))
def test_rotation_is_about_x_then_y_then_z(degrees):
    expected = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    assert np.allclose(rotation(degrees), expected)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_stacked_sampling_equals_scipy(seed):
    rng = np.random.default_rng(seed)
    stack = rng.standard_normal((5, 6, 7, 2)).astype(np.float32)
    affine = np.diag([2.0, -3.0, 1.0, 1.0])
    affine[:3, 3] = rng.uniform(-5, 5, 3)
    points = rng.uniform(-20, 20, (3, 50)).astype(np.float32)
    got = fields.sample_stack(stack, affine, points, block=16)
    # Beyond the last voxel the value is read a thousandth of a voxel before it.
    place = fields.transform(np.linalg.inv(affine), points).T
    before_last = (place < np.array(stack.shape[:3]) - 1.002).all(axis=1)
    for m in range(2):
        one = np.ascontiguousarray(stack[..., m])
        expected = fields.sample(one, affine, points)
        off_by = np.abs(got[m] - expected)
        steepest = sum(np.abs(np.diff(one, axis=axis)).max() for axis in range(3))
        assert off_by[before_last].max(initial=0) < 5e-6
        assert off_by.max() < 0.0011 * steepest


def test_refined_volumes_keep_their_corners_and_means():
    coarse = np.random.default_rng(0).standard_normal((3, 4, 5))
    fine = fields.refine(coarse)
    assert fine.shape == (5, 7, 9)
    assert np.array_equal(fine[::2, ::2, ::2], coarse)
    assert fine[1, 1, 1] == pytest.approx(coarse[:2, :2, :2].mean())


@pytest.mark.parametrize("sigma", [1.0, 3.0, 8.0])
def test_noise_is_as_smooth_as_asked(sigma):
    """Correlation of Gaussian-smoothed noise at a lag of sigma is exp(-1/4)."""
    field = fields.smooth_noise(np.random.default_rng(2), (96, 96, 96), sigma)
    lag = round(sigma)
    r = np.corrcoef(field[:-lag].ravel(), field[lag:].ravel())[0, 1]
    assert r == pytest.approx(np.exp(-0.25), abs=0.06)


def test_purposes_and_people_have_their_own_random_numbers():
    draws = {fields.generator(n, what).random() for n in (1, 2) for what in ("noise", "bias")}
    assert len(draws) == 4
