"""Settings become signals, curves and pictures: against the equations and the practice study."""

import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mriworkbook import acquisition_console
from mriworkbook.acquisition import (
    BRAIN,
    FIELD_STRENGTHS,
    HEAD,
    MEASURED,
    SEQUENCE_NAMES,
    SLICES,
    HeadSlices,
    head_slices,
    longitudinal,
    noise_at,
    preset,
    slice_image,
    tissue_signal,
    tissues_at,
)
from mriworkbook.acquisition_console import console_figure, widget_console
from mriworkbook.practice.contrast import signal
from mriworkbook.practice.parameters import SEQUENCES, TISSUES, value

POSSIBLE = st.fixed_dictionaries(
    {
        "sequence": st.sampled_from(SEQUENCE_NAMES),
        "repetition_time": st.floats(2000, 12000),
        "echo_time": st.floats(2, 300),
        "inversion_time": st.floats(620, 1300),
        "flip_angle": st.floats(1, 90),
        "field_strength": st.sampled_from(FIELD_STRENGTHS),
    }
).map(lambda times: times | ({"echo_time": 3.0} if times["sequence"] == "MPRAGE" else {}))


def test_at_3_tesla_the_table_is_that_of_the_practice_study():
    assert tissues_at(3.0) == TISSUES


@pytest.mark.parametrize("field", FIELD_STRENGTHS)
@pytest.mark.parametrize("tissue", ["GM", "WM"])
def test_t1_and_t2_star_are_as_measured(field, tissue):
    made, measured = tissues_at(field)[tissue], MEASURED[field][tissue]
    assert made.t1 == pytest.approx(measured["t1"])
    assert made.t2_star == pytest.approx(measured["t2_star"])


def test_with_the_field_t1_grows_and_t2_shrinks_in_every_part_of_the_brain_but_fluid():
    low, middle, high = map(tissues_at, FIELD_STRENGTHS)
    for name in (*BRAIN[1:], "lesion"):
        assert low[name].t1 < middle[name].t1 < high[name].t1, name
        assert low[name].t2 > middle[name].t2 > high[name].t2, name
        assert low[name].t2_star > middle[name].t2_star > high[name].t2_star, name
    assert low["CSF"] == high["CSF"]
    assert low["fat"] == high["fat"]


def test_an_unknown_field_strength_is_refused():
    with pytest.raises(ValueError, match=r"No relaxation times for 2 T: choose one of 1.5, 3, 7"):
        tissues_at(2)


@pytest.mark.parametrize("contrast", SEQUENCES)
@pytest.mark.parametrize("tissue", TISSUES)
def test_presets_give_the_signals_of_the_practice_study(contrast, tissue):
    expected = signal(TISSUES[tissue], SEQUENCES[contrast])
    assert tissue_signal(TISSUES[tissue], preset(contrast)) == pytest.approx(expected, abs=1e-12)


@given(POSSIBLE, st.sampled_from(["WM", "GM", "CSF", "fat"]))
def test_the_curve_at_its_mark_gives_the_signal(settings, name):
    tissue = tissues_at(settings["field_strength"])[name]
    times, mz, sampled = longitudinal(tissue, settings, points=50)
    gradient_echo = settings["sequence"] in ("MPRAGE", "gradient echo")
    tip = np.sin(np.radians(settings["flip_angle"])) if gradient_echo else 1
    decay = np.exp(-settings["echo_time"] / (tissue.t2_star if gradient_echo else tissue.t2))
    assert tissue.pd * tip * sampled * decay == pytest.approx(
        tissue_signal(tissue, settings), abs=1e-9
    )
    assert times[-1] == pytest.approx(settings["repetition_time"])
    assert (np.diff(times) >= 0).all()
    assert mz[-1] == pytest.approx(mz[0])  # a steady state
    assert np.abs(mz).max() <= 1 + 1e-12


def test_impossible_times_and_sequences_are_refused():
    with pytest.raises(ValueError, match="does not fit around TI"):
        longitudinal(TISSUES["WM"], preset("T1w") | {"inversion_time": 100})
    with pytest.raises(ValueError, match="No sequence is called 'EPI'"):
        tissue_signal(TISSUES["WM"], preset("T1w") | {"sequence": "EPI"})
    with pytest.raises(ValueError, match="TE 7 ms must be shorter than the 7 ms from pulse to"):
        tissue_signal(TISSUES["WM"], preset("T1w") | {"echo_time": 7})
    with pytest.raises(ValueError, match="TE 600 ms must be shorter than the 600 ms"):
        tissue_signal(TISSUES["WM"], preset("T2*w") | {"echo_time": 600})


@pytest.mark.parametrize("name", BRAIN)
def test_a_gradient_echo_is_largest_at_the_ernst_angle(name):
    tissue, settings = TISSUES[name], preset("T2*w")
    ernst = np.degrees(np.arccos(np.exp(-settings["repetition_time"] / tissue.t1)))
    best = tissue_signal(tissue, settings | {"flip_angle": ernst})
    for off in (-3, 3):
        assert tissue_signal(tissue, settings | {"flip_angle": ernst + off}) < best
    # After 90 degrees nothing is left, so that Mz regrows from zero.
    regrown = 1 - np.exp(-settings["repetition_time"] / tissue.t1)
    expected = tissue.pd * regrown * np.exp(-settings["echo_time"] / tissue.t2_star)
    assert tissue_signal(tissue, settings | {"flip_angle": 90}) == pytest.approx(expected)


@pytest.fixture(scope="module")
def slices():
    return head_slices()


@pytest.mark.parametrize("contrast", SEQUENCES)
def test_the_slices_look_like_the_files_of_the_study(slices, practice_core, contrast):
    path = practice_core / "sub-01" / "anat" / f"sub-01_{contrast}.nii.gz"
    scan = nib.load(path).get_fdata(dtype="float32")
    for shares, (axis, index) in zip(slices.shares, SLICES.values(), strict=True):
        made = slice_image(shares, slices.tissues, preset(contrast))
        # The files have shading, noise and texture besides.
        assert np.corrcoef(made.ravel(), np.take(scan, index, axis).T.ravel())[0, 1] > 0.93


def test_shares_add_up_to_the_head(slices):
    assert slices.tissues == BRAIN + HEAD
    for shares in slices.shares:
        total = shares.sum(axis=0, dtype=int)
        assert total.max() <= 255 + 8  # rounding
        inside = total > 0
        assert 0.25 < inside.mean() < 0.75
        assert not total[:, 0].any()  # air beside the head


@pytest.mark.parametrize("sequence", SEQUENCE_NAMES)
def test_noise_is_rician_in_air_and_grows_with_lower_field(sequence):
    air, sd = np.zeros((1, 300, 300), np.uint8), noise_at(1.5, sequence)
    made = slice_image(air, ["WM"], preset("T1w"), sd)
    assert made.mean() == pytest.approx(sd * np.sqrt(np.pi / 2), rel=0.02)
    assert sd > noise_at(3, sequence) > noise_at(7, sequence)


@pytest.mark.parametrize("contrast", ["T1w", "T2w", "FLAIR"])
def test_noise_is_that_of_the_practice_study(contrast):
    settings = preset(contrast)
    white = abs(tissue_signal(TISSUES["WM"], settings))
    assert noise_at(3, settings["sequence"]) / white == pytest.approx(value(f"noise_{contrast}"))


TOY = HeadSlices(("toy",) * 4, BRAIN[:3], [np.full((3, 4, 5), 85, np.uint8) for _ in range(4)], 2.0)


@pytest.mark.parametrize(
    ("contrast", "moment", "name"),
    [("T1w", 900, "TI"), ("T2w", 5726, "TR"), ("FLAIR", 2470, "TI"), ("T2*w", 600, "TR")],
)
def test_the_figure_marks_the_moments_of_sampling(contrast, moment, name):
    figure = console_figure(TOY, 0, preset(contrast))
    _, regrowth, decay = figure.axes
    mark = regrowth.lines[-1]
    assert mark.get_xdata()[0] == pytest.approx(moment)
    assert mark.get_label() == f"sampled at {name}"
    assert decay.lines[-1].get_xdata()[0] == preset(contrast)["echo_time"]
    plt.close(figure)


def test_widgets_draw_anew_and_say_what_does_not_fit(monkeypatch, capsys):
    drawn = []
    original = acquisition_console.console_figure

    def record(slices, number, settings):
        drawn.append(settings)
        return original(slices, number, settings)

    monkeypatch.setattr(acquisition_console, "console_figure", record)
    by_name = {w.description: w for w in widget_console(TOY).children if hasattr(w, "description")}
    assert drawn == [preset("T1w")]
    by_name["B0 (T)"].value = 7.0
    assert drawn[-1] == preset("T1w") | {"field_strength": 7.0}
    capsys.readouterr()
    by_name["TR"].value = 100
    with pytest.raises(ValueError) as error:
        tissue_signal(TISSUES["WM"], preset("T1w") | {"repetition_time": 100})
    assert str(error.value) in capsys.readouterr().out
