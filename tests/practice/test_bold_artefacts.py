"""Motion and the four parts of the artefact: each has the property that makes it that part."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mriworkbook.practice._bold_artefacts import (
    PARTS,
    artefact_parts,
    respiration_response,
    smooth_maps,
)
from mriworkbook.practice._motion import (
    PARAMETERS,
    draw_level,
    estimated_motion,
    framewise_displacement,
    friston24,
    rescan_level,
    simulate_motion,
)
from mriworkbook.practice.parameters import value

N_SLICES = 40


def grid(n=400, seed=0):
    """Points inside a brain-sized box and the slices they lie in."""
    points = np.random.default_rng(seed).uniform(-70, 70, (n, 3))
    return points, (points[:, 2] + 75) / 4


def draw(seed, level=0.2, n_scans=148, **options):
    rng = np.random.default_rng(seed)
    motion = simulate_motion(level, n_scans, rng)
    points, slices = grid()
    return motion, artefact_parts(motion, points, slices, rng, n_slices=N_SLICES, **options)


def outside(series, motion):
    """Share of the variance that the 24 parameters leave."""
    columns = friston24(motion)
    columns = np.column_stack([np.ones(len(columns)), columns / columns.std(axis=0)])
    rest = series - columns @ np.linalg.lstsq(columns, series, rcond=None)[0]
    return (rest**2).sum() / (series**2).sum()


@given(level=st.floats(0.02, 2), n_scans=st.integers(5, 300), seed=st.integers(0, 99))
def test_level_is_the_mean_displacement(level, n_scans, seed):
    motion = simulate_motion(level, n_scans, np.random.default_rng(seed))
    moved = framewise_displacement(motion)
    assert np.isnan(moved[0])
    assert moved[1:].mean() == pytest.approx(level)
    assert (motion.iloc[0] == 0).all()


def test_displacement_does_not_care_for_the_order_of_columns():
    motion = simulate_motion(0.2, 50, np.random.default_rng(0))
    turned = motion[motion.columns[::-1]].assign(other=1.0)
    assert np.array_equal(
        framewise_displacement(turned), framewise_displacement(motion), equal_nan=True
    )


def test_24_parameters_are_those_of_fmriprep():
    motion = simulate_motion(0.2, 50, np.random.default_rng(0))
    steps = motion.diff().fillna(0.0)
    expected = pd.concat([motion, steps, motion**2, steps**2], axis=1)
    assert np.allclose(friston24(motion), expected)


def test_people_move_as_frozen():
    rng = np.random.default_rng(0)
    median, spread = value("motion_level")
    level = draw_level("control", rng, 4000)
    again = rescan_level(level, "control", rng)
    more = draw_level("patient", rng, 4000)
    for sample in (level, again):
        assert np.median(sample) == pytest.approx(median, rel=0.04)
        assert np.log(sample).std() == pytest.approx(spread, rel=0.05)
    assert np.log(more).mean() - np.log(level).mean() == pytest.approx(
        value("motion_group"), abs=0.04
    )
    correlation = np.corrcoef(np.log(level), np.log(again))[0, 1]
    assert correlation == pytest.approx(value("motion_rescan"), abs=0.03)


def test_estimate_errs_by_what_is_frozen():
    rng = np.random.default_rng(0)
    motion = simulate_motion(0.2, 2000, rng)
    error = (estimated_motion(motion, rng) - motion) * ([1] * 3 + [50] * 3)
    assert np.allclose(error.std(), value("motion_estimate_sd"), rtol=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_only_the_linear_part_lies_in_the_span(seed):
    motion, parts = draw(seed)
    assert tuple(parts) == PARTS
    assert outside(parts["linear"], motion) < 1e-6
    for part in ("spin_history", "respiratory", "distance"):
        assert outside(parts[part], motion) > 0.4, part


def test_parts_grow_with_motion():
    """From four times the motion; only breathing has a part of its own."""
    sizes = {
        level: {part: series.std() for part, series in draw(3, level)[1].items()}
        for level in (0.05, 0.2)
    }
    for part in PARTS:
        growth = sizes[0.2][part] / sizes[0.05][part]
        assert growth > (1.02 if part == "respiratory" else 3), part


def test_distance_part_is_alike_in_near_places_only():
    """The correlation over many draws is the frozen mixture of two Gaussians."""
    away = np.array([0.0, 4, 12, 30, 120])
    points = np.zeros((5, 3))
    points[:, 0] = away
    rng = np.random.default_rng(0)
    products = []
    for _ in range(60):
        motion = simulate_motion(0.3, 100, rng)
        series = artefact_parts(motion, points, np.zeros(5), rng, n_slices=5)["distance"]
        products.append(series.T @ series / (series**2).sum(axis=0).mean())
    found = np.mean(products, axis=0)[0]
    (share, fine), (_, length, _) = value("artefact_fine"), value("artefact_distance")
    kernels = (np.exp(-((away / size) ** 2) / 2) for size in (length, fine))
    expected = np.average(list(kernels), axis=0, weights=[1 - share, share])
    assert np.allclose(found, expected, atol=0.06)
    assert (np.diff(found[:4]) < -0.05).all()


def test_near_regions_go_together_in_people_who_move():
    """Noise of neighbours, on top of equal white noise, correlates by motion and nearness."""
    points, _ = grid(150)
    near = np.linalg.norm(points[:, None] - points, axis=-1)[np.tril_indices(150, -1)]
    change = []
    for level in (0.05, 0.4):
        rng = np.random.default_rng(1)
        motion = simulate_motion(level, 148, rng)
        series = artefact_parts(motion, points, np.zeros(150), rng, n_slices=1, blur=7.0)
        noisy = series["distance"] + 0.5 * rng.standard_normal((148, 150))
        r = np.corrcoef(noisy.T)[np.tril_indices(150, -1)]
        change.append((r[near < 20].mean(), r[near > 100].mean()))
    assert change[1][0] - change[0][0] > 0.1
    assert abs(change[1][1] - change[0][1]) < 0.1


def test_spin_history_follows_a_jump_and_recovers():
    motion = pd.DataFrame(np.zeros((12, 6)), columns=list(PARAMETERS))
    motion.loc[5:, "trans_z"] = 1.0
    rng = np.random.default_rng(0)
    parts = artefact_parts(motion, np.zeros((6, 3)), np.arange(6), rng, n_slices=6, t_r=2.0)
    course = parts["spin_history"] - parts["spin_history"][0]
    assert not course[:5].any()
    assert np.abs(course[5]).min() > 0
    again = np.exp(-2.0 / value("artefact_spin_history")[2])
    assert np.allclose(course[6] / course[5], again, rtol=1e-4)
    assert np.allclose(course[8:], 0, atol=1e-6)
    # Each slice has its own course, and sliding along the slices does nothing.
    assert np.unique(course[5].round(4)).size == 6
    still = motion.assign(trans_x=motion["trans_z"], trans_z=0.0)
    assert not artefact_parts(still, np.zeros((6, 3)), np.arange(6), rng, n_slices=6)[
        "spin_history"
    ].any()


def test_breathing_acts_on_grey_matter_late():
    points, _ = grid()
    grey = np.where(points[:, 0] > 0, 0.8, 0.0)
    _, parts = draw(0, grey=grey)
    breath = parts["respiratory"]
    assert not breath[:, grey == 0].any()
    assert np.linalg.matrix_rank(breath, tol=1e-3) == 1
    response = respiration_response(2.0)
    assert (response**2).sum() == pytest.approx(1)
    assert 2.0 * response.argmin() == pytest.approx(16, abs=1)


def test_a_blurred_point_is_the_mean_of_its_surroundings():
    centre, blur = np.array([[10.0, -20, 5]]), 7.0
    cloud = centre + blur * np.random.default_rng(0).standard_normal((20000, 3))
    lengths = np.array([20.0, 5.0] * 8)
    one, many = (
        smooth_maps(points, lengths, 16, np.random.default_rng(1), size)
        for points, size in ((centre, blur), (cloud, 0.0))
    )
    assert np.allclose(one[:, 0], many.mean(axis=1), atol=0.01)


def test_same_values_every_time():
    for one, two in zip(draw(5)[1].values(), draw(5)[1].values(), strict=True):
        assert np.array_equal(one, two)
        assert one.dtype == np.float32
    assert not np.array_equal(draw(5)[1]["distance"], draw(6)[1]["distance"])


@settings(max_examples=20)
@given(low=st.floats(-3, 3), high=st.floats(30, 45))
def test_slices_outside_the_stack_are_refused(low, high):
    motion = simulate_motion(0.2, 10, np.random.default_rng(0))
    points, rng = np.zeros((2, 3)), np.random.default_rng(0)
    if low >= 0 and high <= N_SLICES - 1:
        artefact_parts(motion, points, [low, high], rng, n_slices=N_SLICES)
    else:
        with pytest.raises(ValueError, match="0 to 39"):
            artefact_parts(motion, points, [low, high], rng, n_slices=N_SLICES)


def test_errors_say_what_to_give():
    rng = np.random.default_rng(0)
    motion = simulate_motion(0.2, 10, rng)
    with pytest.raises(ValueError, match="3 points but 2 slices"):
        artefact_parts(motion, np.zeros((3, 3)), [0, 1], rng, n_slices=4)
    with pytest.raises(ValueError, match="above 0 mm"):
        simulate_motion(0.0, 10, rng)
