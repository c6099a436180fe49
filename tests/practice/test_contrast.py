"""The signal equation against a brute-force simulation and against a real image."""

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_erosion

from mriworkbook.practice.contrast import (
    inversion_recovery_signal,
    mprage_signal,
    spin_echo_signal,
    tissue_signals,
)
from mriworkbook.practice.parameters import SEQUENCES, TISSUES


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


def spin_echoes(t1, t2, pd, tr, ti, te, repetitions=60):
    """Follow the longitudinal magnetisation through 180 - 90 - 180 pulses until it is steady."""
    mz, signal = 1.0, None
    relax = lambda m, t: 1 + (m - 1) * np.exp(-t / t1)  # noqa: E731
    for _ in range(repetitions):
        if ti is not None:
            mz = relax(-mz, ti)
        signal = pd * mz * np.exp(-te / t2)
        # The excitation leaves nothing; the refocusing pulse turns over what has regrown.
        mz = -relax(0.0, te / 2)
        mz = relax(mz, tr - te / 2 - (ti or 0))
    return signal


@settings(max_examples=20, deadline=None)
@given(
    t1=st.floats(200, 5000),
    te=st.floats(5, 300),
    ti=st.none() | st.floats(50, 2600),
    tr=st.floats(3000, 12000),
)
def test_spin_echoes_equal_the_pulse_by_pulse_simulation(t1, te, ti, tr):
    times = {"repetition_time": tr, "echo_time": te}
    brute = spin_echoes(t1, 90.0, 0.8, tr, ti, te)
    assert inversion_recovery_signal(t1, 90.0, 0.8, inversion_time=ti, **times) == pytest.approx(
        brute, abs=1e-6
    )
    if ti is None:
        assert spin_echo_signal(t1, 90.0, 0.8, **times) == pytest.approx(brute, abs=1e-6)


def test_the_frozen_flair_leaves_no_fluid_and_shows_lesions():
    flair, t2w, t1w = (tissue_signals(contrast) for contrast in ("FLAIR", "T2w", "T1w"))
    assert flair["CSF"] < 0.001
    # An inversion time that is off by a twentieth is seen at once.
    other = tissue_signals("FLAIR", inversion_time=SEQUENCES["FLAIR"].inversion_time * 1.05)
    assert other["CSF"] > 0.05
    assert flair["lesion"] > 1.5 and t2w["lesion"] > 1.5
    assert t1w["GM"] < t1w["lesion"] < t1w["WM"]
    assert t2w["CSF"] > t2w["GM"] > t2w["WM"] > t2w["pallidum"]


def test_times_that_do_not_fit_and_unknown_names_are_refused():
    with pytest.raises(ValueError, match="do not fit into TR 1000 ms"):
        inversion_recovery_signal(
            800, 80, 1, repetition_time=1000, inversion_time=950, echo_time=90
        )
    with pytest.raises(ValueError, match="choose one of T1w, T2w"):
        tissue_signals("T2")
    with pytest.raises(ValueError, match="Unknown tissue grey"):
        tissue_signals(tissues={"grey": TISSUES["GM"]})


def test_changing_white_matter_shows():
    """All is relative to the frozen white matter, not to the reader's."""
    shorter = {"WM": TISSUES["WM"]._replace(t1=600)}
    assert tissue_signals(tissues=shorter)["WM"] > 1.1
    assert tissue_signals(tissues=shorter)["GM"] == tissue_signals()["GM"]


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
        "hippocampus": median(17, 53),
        "putamen": median(12, 51),
        "pallidum": median(13, 52),
    }.items():
        assert signals[name] == pytest.approx(value / white, abs=0.04), name
