"""The signal equation against a brute-force simulation and against a real image."""

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_erosion

from mriworkbook.practice.contrast import mprage_signal, tissue_signals
from mriworkbook.practice.parameters import TISSUES


def bloch(t1, t2_star, pd, tr, ti, flip, spacing, te, n, repetitions):
    """Follow the longitudinal magnetisation pulse by pulse until nothing changes any more."""
    mz, signal = 1.0, None
    relax = lambda m, t: 1 + (m - 1) * np.exp(-t / t1)  # noqa: E731
    before = n // 2
    for _ in range(repetitions):
        mz = relax(-mz, ti - before * spacing)
        for pulse in range(n):
            if pulse == before:
                signal = pd * mz * np.sin(np.radians(flip)) * np.exp(-te / t2_star)
            mz = relax(mz * np.cos(np.radians(flip)), spacing)
        mz = relax(mz, tr - ti - (n - before) * spacing)
    return signal


@settings(max_examples=20, deadline=None)
@given(
    t1=st.floats(200, 5000),
    flip=st.floats(1, 20),
    ti=st.floats(700, 1100),
    tr=st.floats(1700, 3000),
    n=st.integers(1, 160),
)
def test_it_equals_the_pulse_by_pulse_simulation(t1, flip, ti, tr, n):
    brute = bloch(t1, 60.0, 0.8, tr, ti, flip, 6.0, 3.0, n, repetitions=40)
    formula = mprage_signal(
        t1,
        60.0,
        0.8,
        repetition_time=tr,
        inversion_time=ti,
        flip_angle=flip,
        echo_spacing=6.0,
        echo_time=3.0,
        train_length=n,
    )
    assert formula == pytest.approx(brute, abs=1e-7)


def test_a_tiny_flip_angle_leaves_plain_inversion_recovery():
    t1, ti, tr = 900.0, 800.0, 2500.0
    signal = mprage_signal(
        t1, 50.0, 1.0, repetition_time=tr, inversion_time=ti, flip_angle=1e-4, train_length=100
    )
    recovery = 1 - 2 * np.exp(-ti / t1) + np.exp(-tr / t1)
    recovery /= 1 + np.exp(-tr / t1)
    steady = (1 - np.exp(-tr / t1)) / (1 + np.exp(-tr / t1))
    expected = 1 - (1 + steady) * np.exp(-ti / t1)
    assert expected == pytest.approx(recovery)
    assert signal / np.sin(np.radians(1e-4)) * np.exp(3.0 / 50) == pytest.approx(expected, rel=1e-4)


def test_a_train_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="does not fit around TI 400"):
        mprage_signal(800, 50, 1, inversion_time=400)


def test_a_longer_t1_darkens_grey_matter():
    grey = TISSUES["GM"]
    longer = mprage_signal(grey.t1 * 1.2, grey.t2_star, grey.pd)
    assert longer < 0.9 * mprage_signal(grey.t1, grey.t2_star, grey.pd)


def test_contrast_is_that_of_a_real_image(real_data):
    """Medians in eroded labels of AOMIC sub-0001, N3-corrected."""
    mri = real_data / "aomic" / "derivatives" / "freesurfer" / "sub-0001" / "mri"
    nu, aseg = (np.asarray(nib.load(mri / f"{n}.mgz").dataobj) for n in ("nu", "aseg"))

    def median(*labels, erosions=2):
        inside = binary_erosion(np.isin(aseg, labels), iterations=erosions)
        return np.median(nu[inside])

    white, signals = median(2, 41), tissue_signals()
    for name, value in {
        "GM": median(3, 42, erosions=1),
        "CSF": median(4, 43),
        "thalamus": median(10, 49),
        "caudate": median(11, 50),
        "putamen": median(12, 51),
        "pallidum": median(13, 52),
    }.items():
        assert signals[name] == pytest.approx(value / white, abs=0.04), name
