"""BOLD runs hold what was planted, where and when the truth says so."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nilearn import image
from nilearn.glm.first_level import FirstLevelModel
from scipy import ndimage

from mriworkbook.practice import _bold_raw, truth_path
from mriworkbook.practice._bold_grid import Voxels, person_shift
from mriworkbook.practice._bold_noise import smooth_volumes
from mriworkbook.practice._bold_percent import percent, planted_changes
from mriworkbook.practice._bold_person import planted_run
from mriworkbook.practice._bold_task import block_events, hand_regions
from mriworkbook.practice._bold_tissue import dropout, epi_signal
from mriworkbook.practice._people import pose_matrix
from mriworkbook.practice.parameters import BOLD_PEOPLE, SPACE, value

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
DUMMIES = value("bold_n_dummies")
AGAIN = """
from pathlib import Path
from mriworkbook.practice._bold import write_bold
write_bold(Path({root!r}), "13")
"""


def run_of(root, label, task="rest", space=SPACE):
    folder = root / "derivatives" / "fmriprep" / f"sub-{label}" / "func"
    return folder / f"sub-{label}_task-{task}_space-{space}_desc-preproc_bold.nii.gz"


def mask_of(path):
    return path.with_name(path.name.replace("preproc_bold", "brain_mask"))


def percent_of(path):
    """Steady volumes in percent of the mean, (t, n), the mask and the 24 true parameters out."""
    mask = np.asarray(nib.load(mask_of(path)).dataobj) > 0
    series = np.asarray(nib.load(path).dataobj)[mask][:, DUMMIES:].T.astype(np.float32)
    mean = series.mean(axis=0)
    return 100 * (series / np.maximum(mean, 1) - 1), mask


def test_another_process_with_other_threads_writes_the_same_files(practice_functional, tmp_path):
    environment = os.environ | {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    subprocess.run(
        [sys.executable, "-c", AGAIN.format(root=str(tmp_path))], check=True, env=environment
    )
    found = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert len(found) == 17
    for path in found:
        first, second = (folder / path for folder in (practice_functional, tmp_path))
        assert first.read_bytes() == second.read_bytes(), path


@pytest.mark.parametrize("label", ["01", "03", "24"])
def test_activity_lies_where_the_truth_has_it(practice_functional, label):
    root = practice_functional
    series, mask = percent_of(run_of(root, label))
    regions = np.asarray(nib.load(truth_path(root, label, "activity")).dataobj)
    neural = pd.read_csv(truth_path(root, label, "network_series"), sep="\t").to_numpy()[DUMMIES:]
    series = series - series.mean(axis=1, keepdims=True)  # what the whole brain shares

    def agreement(labels):
        found = []
        for number in np.unique(labels[labels > 0]):
            here = labels[mask] == number
            if here.sum() > 30:
                seen = series[:, here].mean(axis=1)
                found.append(np.corrcoef(seen, neural[:, number - 1])[0, 1])
        return np.median(found)

    there, beside = agreement(regions), agreement(np.roll(regions, 4, axis=1))
    assert there > 0.35
    assert there > beside + 0.2


def test_activity_is_shifted_against_the_parcellation():
    points = np.random.default_rng(0).uniform(-60, 60, (3, 2000)).astype(np.float32)
    shift = person_shift(13, points)
    size = np.linalg.norm(shift, axis=0)
    assert 2 < size.mean() < 6
    near = person_shift(13, points + 2)
    assert np.linalg.norm(near - shift, axis=0).max() < 2
    assert abs(np.corrcoef(shift.ravel(), person_shift(14, points).ravel())[0, 1]) < 0.5


def fractions(root, label):
    """What fMRIPrep says of the tissue, on the BOLD grid: every second voxel of 2 mm."""
    stem = (
        root / "derivatives" / "fmriprep" / f"sub-{label}" / "anat" / f"sub-{label}_space-{SPACE}"
    )
    return {
        name: nib.load(f"{stem}_label-{name}_probseg.nii.gz").get_fdata()[::2, ::2, ::2]
        for name in ("CSF", "GM", "WM")
    }


def test_first_volumes_are_not_steady_and_fluid_is_brightest_in_them(practice_functional):
    path = run_of(practice_functional, "03")
    mask = np.asarray(nib.load(mask_of(path)).dataobj) > 0
    run = np.asarray(nib.load(path).dataobj)[mask].astype(float)
    mean = run.mean(axis=0)
    steady = mean[DUMMIES:]
    assert mean[0] > 1.15 * steady.mean()
    assert abs(steady / steady.mean() - 1).max() < 0.02
    ratio = run[:, 0] / run[:, DUMMIES:].mean(axis=1)
    shares = fractions(practice_functional, "03").items()
    by_tissue = {name: np.median(ratio[share[mask] > 0.9]) for name, share in shares}
    assert by_tissue["CSF"] > by_tissue["GM"] > by_tissue["WM"] > 1


def test_files_are_integers_in_a_mask_with_the_repetition_time(practice_functional):
    for label in ("02", "20"):
        path = run_of(practice_functional, label)
        img, mask = nib.load(path), np.asarray(nib.load(mask_of(path)).dataobj)
        assert img.shape == (50, 59, 48, value("bold_n_scans"))
        assert img.get_data_dtype() == np.int16
        assert img.header.get_zooms()[3] == value("bold_t_r")
        data = np.asarray(img.dataobj)
        assert not data[mask == 0].any()
        assert data[mask == 1].mean(axis=1).min() > 30
        about = json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text())
        assert about["Simulated"]
        assert about["RepetitionTime"] == value("bold_t_r")
        assert path.stat().st_size < 7.5e6


def in_place(volume, affine, matrix):
    """A volume as it looks after its content has moved by a rigid matrix."""
    back = np.linalg.inv(affine) @ np.linalg.inv(matrix) @ affine
    return ndimage.affine_transform(volume, back[:3, :3], back[:3, 3], order=3, mode="nearest")


def test_head_of_the_raw_run_moves_as_the_truth_says(practice_functional):
    """Parameters by a linear fit to small differences: no registration of ours takes part."""
    root = practice_functional
    img = nib.load(root / "sub-02" / "func" / "sub-02_task-rest_bold.nii.gz")
    run = np.asarray(img.dataobj)[..., DUMMIES:].astype(np.float32)
    motion = pd.read_csv(truth_path(root, "02", "motion"), sep="\t")[DUMMIES:]
    step = 0.2  # mm and degrees
    first = run.mean(axis=3)
    brain = ndimage.binary_dilation(first > 200)
    slopes = []
    for number in range(6):
        pose = np.zeros(6)
        pose[number] = step
        ways = [
            in_place(first, img.affine, pose_matrix(img.affine, first.shape, (p[3:], p[:3])))
            for p in (pose, -pose)
        ]
        slopes.append(((ways[0] - ways[1]) / (2 * step))[brain])
    design = np.stack([*slopes, first[brain]], axis=1)
    found = np.linalg.lstsq(design, run[brain], rcond=None)[0][:6].T
    found[:, 3:] = np.radians(found[:, 3:])
    for number, name in enumerate(motion):
        true = motion[name] - motion[name].mean()
        assert np.corrcoef(found[:, number], true)[0, 1] > 0.99, name
        assert 0.85 < np.polyfit(true, found[:, number], 1)[0] < 1.1, name


def fluid(root, label):
    return nib.load(truth_path(root, label, "CSF"))


def likeness(first, other, mask):
    return np.corrcoef(first[mask], other[mask])[0, 1]


def test_t1w_space_is_that_of_the_anatomical_image(practice_functional):
    path = run_of(practice_functional, "01", space="T1w")
    mask = np.asarray(nib.load(mask_of(path)).dataobj) > 0
    bright = image.index_img(str(path), 0)
    csf = image.resample_to_img(fluid(practice_functional, "01"), bright, interpolation="linear")
    seen, true = image.get_data(bright).astype(float), image.get_data(csf)
    mask = ndimage.binary_erosion(mask, iterations=2)
    there = likeness(seen, true, mask)
    assert there > 0.8
    for axis in range(3):
        assert there > likeness(np.roll(seen, 1, axis), true, mask) + 0.1


def test_written_map_takes_the_anatomical_image_to_the_raw_run(practice_functional):
    root = practice_functional
    (path,) = (root / "derivatives" / "fmriprep" / "sub-01" / "func").glob("*coreg_xfm.txt")
    numbers = path.read_text().split("\nParameters:")[1].split("\n")[0].split()
    lps = np.eye(4)
    lps[:3, :3] = np.reshape(np.array(numbers[:9], float), (3, 3))
    lps[:3, 3] = np.array(numbers[9:], float)
    flip = np.diag([-1.0, -1, 1, 1])
    to_run = flip @ lps @ flip
    csf = fluid(root, "01")
    moved = nib.Nifti1Image(csf.get_fdata(), to_run @ csf.affine)
    raw = image.index_img(str(root / "sub-01" / "func" / "sub-01_task-rest_bold.nii.gz"), 0)
    brain = [nib.load(truth_path(root, "01", name)).get_fdata() for name in ("GM", "WM", "CSF")]
    inside = nib.Nifti1Image(np.sum(brain, axis=0), moved.affine)
    both = [image.get_data(image.resample_to_img(i, raw)) for i in (moved, inside)]
    mask = ndimage.binary_erosion(both[1] > 0.95, iterations=2)
    there = likeness(image.get_data(raw).astype(float), both[0], mask)
    assert there > 0.8
    unmoved = image.get_data(image.resample_to_img(csf, raw))
    assert there > likeness(image.get_data(raw).astype(float), unmoved, mask) + 0.03


def test_raw_slices_are_excited_one_after_the_other():
    times = np.array(_bold_raw.slice_times())
    assert len(np.unique(times)) == value("bold_slices")
    assert times.min() == 0
    assert times.max() < value("bold_t_r")


def test_slices_of_one_moment_come_out_of_slices_of_many():
    n, t_r = 60, value("bold_t_r")
    times = np.array(_bold_raw.slice_times())

    def course(t):
        return 500 + 20 * np.sin(0.35 * t) + 10 * np.cos(0.6 * t + 1)

    when = np.arange(n)[:, None] * t_r + times
    raw = np.repeat(course(when)[:, :, None, None], 2, axis=2)
    equal = _bold_raw._equal_times(raw.astype(np.float32))[DUMMIES:, :, 0, 0]
    wanted = course((np.arange(n) + 0.5) * t_r)[DUMMIES:, None]
    inner = slice(5, -5)
    assert abs(equal - wanted)[inner].max() < 0.5
    assert abs(raw[DUMMIES:, :, 0, 0] - wanted)[inner].max() > 5


@given(st.floats(0, 1))
def test_weights_of_splines_reproduce_straight_lines(u):
    weights = _bold_raw._spline_weights(u).astype(float)
    assert np.isclose(weights.sum(), 1)
    assert np.isclose(weights @ [-1, 0, 1, 2], u, atol=1e-6)


def some_voxels(n):
    rng = np.random.default_rng(5)
    grey = rng.uniform(0, 1, n).astype(np.float32)
    shares = {"GM": grey, "WM": 0.6 * (1 - grey), "CSF": 0.4 * (1 - grey)}
    points = rng.uniform(-50, 50, (3, n)).astype(np.float32)
    mask = np.ones((n, 1, 1), bool)
    regions = rng.integers(0, 188, n).astype(np.int16)
    return Voxels(mask.shape, np.eye(4), mask, points, shares, np.zeros(n), regions, np.ones(n))


def test_changes_are_the_sum_of_their_parts():
    voxels, planted = some_voxels(400), planted_run("24")
    changes = planted_changes(voxels, planted, 24, "rest", np.zeros(400), 41)
    some = np.arange(0, 400, 7)
    parts = ["neural", *changes.factors]
    single = sum(percent(changes, here=some, parts=[part]) for part in parts)
    np.testing.assert_allclose(percent(changes, here=some), single, atol=1e-4)
    neural = percent(changes, parts=["neural"])
    assert not neural[:, voxels.regions == 0].any()
    active = voxels.regions > 0
    wanted = planted.series[:, voxels.regions[active] - 1] * voxels.shares["GM"][active]
    np.testing.assert_allclose(neural[:, active], wanted, atol=1e-5)
    later = percent(changes, here=some, parts=["neural"], delay=1.0)
    np.testing.assert_allclose(later[8:-9], neural[9:-8, some], atol=1e-3)


def test_voxels_change_alike_on_any_grid():
    """The runs in template space, T1w space and raw are of one event."""
    planted, voxels, slices = planted_run("24"), some_voxels(400), np.arange(400) % 41
    whole = percent(planted_changes(voxels, planted, 24, "rest", slices, 41))
    part = voxels._replace(
        points=voxels.points[:, 100:110],
        shares={name: share[100:110] for name, share in voxels.shares.items()},
        regions=voxels.regions[100:110],
    )
    some = percent(planted_changes(part, planted, 24, "rest", slices[100:110], 41))
    np.testing.assert_allclose(some, whole[:, 100:110], atol=1e-4)


def test_thermal_noise_has_unit_variance_and_like_neighbours():
    mask = np.zeros((24, 24, 24), bool)
    mask[2:22, 2:22, 2:22] = True
    noise = smooth_volumes(99, "rest", mask, 60).reshape(60, 20, 20, 20)
    assert np.isclose(noise.std(), 1, atol=0.02)
    neighbours = (noise[:, 1:] * noise[:, :-1]).mean()
    assert 0.08 < neighbours < 0.4


def test_signal_is_lost_above_the_sinuses_only():
    frontal, occipital = np.array([[0.0, 36, -22]]).T, np.array([[0.0, -90, 10]]).T
    assert dropout(frontal)[0] < 0.75
    assert dropout(occipital)[0] > 0.97
    assert epi_signal("fat") < 0.5 * epi_signal("GM") < epi_signal("CSF")


def test_the_task_is_found_where_it_was_planted(practice_functional):
    path = run_of(practice_functional, "01", task="motor")
    events_path = practice_functional / "sub-01" / "func" / "sub-01_task-motor_events.tsv"
    events = pd.read_csv(events_path, sep="\t")
    pd.testing.assert_frame_equal(events, block_events())
    model = FirstLevelModel(
        t_r=value("bold_t_r"),
        slice_time_ref=0.5,
        hrf_model="glover",
        mask_img=str(mask_of(path)),
        smoothing_fwhm=None,
        noise_model="ols",
        minimize_memory=False,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Given mask will be used|.*Generation of a mask")
        model.fit(str(path), events, sample_masks=np.arange(DUMMIES, value("bold_n_scans")))
    regions = image.get_data(str(truth_path(practice_functional, "01", "activity", task="motor")))
    grey = fractions(practice_functional, "01")["GM"]
    hands = hand_regions()
    effect = model.compute_contrast("left - right", output_type="effect_size")
    share = image.get_data(effect) / np.maximum(grey, 0.25)  # nilearn scales to percent
    planted = value("task_effect") - value("task_deactivation")
    for hemi, sign in (("R", 1), ("L", -1)):
        here = np.isin(regions, hands[hemi])
        assert here.sum() > 20
        assert np.isclose(sign * share[here].mean(), planted, rtol=0.25)
    elsewhere = (regions > 0) & ~np.isin(regions, hands["L"] + hands["R"])
    assert abs(share[elsewhere].mean()) < 0.2


def test_truth_tables_fit_the_planted_run(practice_functional):
    root, planted = practice_functional, planted_run("22")
    coupling = pd.read_csv(truth_path(root, "22", "coupling"), sep="\t")
    np.testing.assert_allclose(coupling, planted.coupling, atol=1e-4)
    assert np.linalg.eigvalsh(planted.coupling).min() > 0
    motion = pd.read_csv(truth_path(root, "22", "motion"), sep="\t")
    np.testing.assert_allclose(motion, planted.motion, atol=1e-6)
    assert not np.allclose(planted.estimated, planted.motion)
    courses = pd.read_csv(truth_path(root, "22", "artefacts"), sep="\t")
    assert list(courses) == ["linear", "spin_history", "respiratory", "distance"]
    facts = json.loads(truth_path(root, "22", "bold_facts").read_text())
    assert facts["Group"] == BOLD_PEOPLE["22"].group == "patient"


def test_planted_runs_are_of_known_people_and_tasks():
    with pytest.raises(KeyError, match="No person with BOLD is called '04'"):
        planted_run("04")
    with pytest.raises(ValueError, match="sub-02 has no run of 'motor'"):
        planted_run("02", "motor")


@pytest.fixture(scope="module")
def recovery():
    """The benchmark's module, which lies outside the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import coupling_recovery

        yield coupling_recovery
    del sys.modules["coupling_recovery"]


def test_cleaning_finds_more_of_the_planted_coupling(practice_functional, recovery, monkeypatch):
    few = {name: recovery.STRATEGIES[name] for name in ("raw", "36P")}
    monkeypatch.setattr(recovery, "STRATEGIES", few)
    labels = ("03", "22")
    rows = [row for label in labels for row in recovery.score_person(practice_functional, label)]
    table = recovery.summary(pd.DataFrame(rows)).set_index("strategy")
    assert list(table.index) == ["raw", "36P", "neural"]
    assert table.loc["raw", "r"] > 0.05
    assert table.loc["36P", "r gain"] > 0.1
    assert table.loc["neural", "r gain"] > table.loc["36P", "r gain"]
    assert abs(table.loc["neural", "bias"]) < 0.1
    # Another person's coupling is found less well: the score sees what is a person's own.
    other = truth_path(practice_functional, "22", "coupling")
    monkeypatch.setattr(
        recovery,
        "truth_path",
        lambda root, label, what: other if what == "coupling" else truth_path(root, label, what),
    )
    monkeypatch.setattr(recovery, "STRATEGIES", {"36P": few["36P"]})
    (cleaned, _) = recovery.score_person(practice_functional, "03")
    own = next(r for r in rows if (r["subject"], r["strategy"]) == ("03", "36P"))
    assert own["r"] > cleaned["r"] + 0.03


def test_committed_table_has_every_strategy_and_the_right_direction(recovery):
    table = pd.read_csv(recovery.RESULT, sep="\t").set_index("strategy")
    assert list(table.index) == [*recovery.STRATEGIES, "neural"]
    assert (table["people"] == len(BOLD_PEOPLE)).all()
    cleaned = table.drop("raw")
    assert (cleaned["r low"] > 0).all()
    assert (table["r"].drop("neural") < table.loc["neural", "r"]).all()
