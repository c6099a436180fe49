"""Bias field and noise."""

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import polynomial
from scipy import special

from mriworkbook.practice.artefacts import add_rician_noise, bias_field


def head(spacing=4.0, axes=(1, 1, 1)):
    """An ellipsoid in a field of view of about 20 cm."""
    shape = tuple(int(s / spacing) for s in (184, 220, 200))
    affine = np.diag([*(spacing * np.array(axes)), 1.0])
    grid = np.indices(shape).T / (np.array(shape) - 1) * 2 - 1
    mask = ((grid**2).sum(axis=-1).T < 0.5).astype(np.uint8)
    return nib.Nifti1Image(mask, affine)


@settings(max_examples=10, deadline=None)
@given(percent=st.floats(0.5, 100), seed=st.integers(0, 10**6))
def test_its_range_in_the_mask_is_exact_and_it_is_positive(percent, seed):
    mask = head(8.0)
    field = np.asarray(bias_field(mask, mask, percent, seed).dataobj)
    inside = field[np.asarray(mask.dataobj) > 0]
    assert inside.min() == pytest.approx(1 - percent / 200, abs=1e-6)
    assert inside.max() == pytest.approx(1 + percent / 200, abs=1e-6)
    assert field.min() > 0


def test_zero_percent_is_no_field():
    assert np.all(np.asarray(bias_field(head(8.0), head(8.0), 0, 1).dataobj) == 1)


def test_it_is_smooth_over_centimetres():
    mask = head(4.0)
    field = np.asarray(bias_field(mask, mask, 40, 3).dataobj)
    for axis in range(3):
        slope = np.gradient(field, 4.0, axis=axis)
        curve = np.gradient(slope, 4.0, axis=axis)
        assert abs(slope).max() < 0.025  # per mm: no jump
        assert abs(curve[np.asarray(mask.dataobj) > 0]).max() < 0.0015


def test_its_logarithm_is_no_low_degree_polynomial():
    """Else a polynomial fit would be perfect by construction."""
    mask = head(8.0)
    inside = np.asarray(mask.dataobj) > 0
    logs = np.log(np.asarray(bias_field(mask, mask, 40, 5).dataobj)[inside])
    x, y, z = (np.argwhere(inside) / 12.0 - 1).T
    basis = polynomial.polyvander3d(x, y, z, [3, 3, 3])
    residual = logs - basis @ np.linalg.lstsq(basis, logs, rcond=None)[0]
    assert 0.01 < residual.std() / logs.std() < 0.5


def test_the_field_belongs_to_the_scanner_not_to_the_storage_order():
    mask = head(8.0)
    turned = nib.as_closest_canonical(mask).as_reoriented([[2, 1], [0, -1], [1, 1]])
    plain = bias_field(mask, mask, 30, 9)
    back = nib.as_closest_canonical(bias_field(turned, turned, 30, 9))
    assert np.allclose(back.affine, plain.affine)
    difference = np.asarray(back.dataobj) - np.asarray(plain.dataobj)
    assert abs(difference).max() < 0.01


def test_same_seed_same_field_other_seed_other_field():
    mask = head(8.0)
    first, again, other = (np.asarray(bias_field(mask, mask, 20, s).dataobj) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert abs(first - other).max() > 0.02


@pytest.mark.parametrize("percent", [-1, 101])
def test_an_impossible_percentage_is_refused(percent):
    with pytest.raises(ValueError, match="expected 0 to 100"):
        bias_field(head(8.0), head(8.0), percent, 0)


def test_masks_that_cannot_be_used_are_refused():
    mask = head(8.0)
    with pytest.raises(ValueError, match="different grids"):
        bias_field(mask, head(4.0), 20, 0)
    with pytest.raises(ValueError, match="mask is empty"):
        bias_field(mask, nib.Nifti1Image(np.zeros(mask.shape, np.uint8), mask.affine), 20, 0)


@pytest.mark.parametrize("snr", [0, 0.5, 1, 2, 5, 30])
def test_noise_has_the_moments_of_rice(snr):
    sd = 3.0
    noisy = add_rician_noise(np.full(200_000, snr * sd), sd, np.random.default_rng(4))
    half = snr**2 / 2
    # Laguerre polynomial L_1/2(-x) with exponentially scaled Bessel functions.
    laguerre = (1 + half) * special.ive(0, half / 2) + half * special.ive(1, half / 2)
    mean = sd * np.sqrt(np.pi / 2) * laguerre
    assert noisy.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(200_000))
    assert (noisy.astype(float) ** 2).mean() == pytest.approx(sd**2 * (2 + snr**2), rel=0.02)
