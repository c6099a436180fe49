"""Confounds: definitions that agree with real tables of fMRIPrep, and tables that nilearn reads."""

import itertools
import json
import re

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nilearn.interfaces.fmriprep import load_confounds, load_confounds_strategy
from scipy.optimize import least_squares
from threadpoolctl import threadpool_limits

from mriworkbook.practice import truth_path
from mriworkbook.practice._bold_grid import Voxels
from mriworkbook.practice._compcor import components, cosine_basis, without_drift
from mriworkbook.practice._confounds import (
    EXPANDED,
    FD_THRESHOLD,
    STD_DVARS_THRESHOLD,
    confounds_table,
    dvars,
    erring_tissue,
    expanded,
    noise_mask,
    relative_displacement,
    save_confounds,
)
from mriworkbook.practice._motion import PARAMETERS, framewise_displacement, simulate_motion
from mriworkbook.practice.parameters import BOLD_PEOPLE, SPACE, value

REAL = {
    f"sub-{n:04d}": (
        f"aomic/derivatives/fmriprep/sub-{n:04d}/func/"
        f"sub-{n:04d}_task-restingstate_acq-seq_desc-confounds_regressors.tsv",
        2.0,
    )
    for n in range(1, 7)
} | {"ni-edu": ("ni-edu/sub-03_task-flocBLOCKED_desc-confounds_regressors.tsv", 0.7)}
N_SCANS, N_DUMMIES, T_R = 120, 4, 2.0
SLICES = {"csf": np.s_[:3, :3], "wm": np.s_[6:, 6:]}


@pytest.fixture(params=REAL.values(), ids=list(REAL))
def real(request, real_data):
    path, t_r = request.param
    return pd.read_csv(real_data / path, sep="\t"), t_r


def test_framewise_displacement_is_that_of_real_tables(real):
    table, _ = real
    np.testing.assert_allclose(
        framewise_displacement(table), table["framewise_displacement"], atol=1e-9
    )


def test_expansions_are_those_of_real_tables(real):
    table, _ = real
    ours = expanded(table[list(EXPANDED)])
    assert {*ours} <= {*table}
    for name in ours:
        scale = table[name].abs().max()
        np.testing.assert_allclose(ours[name], table[name], atol=1e-6 * scale, err_msg=name)


def test_cosines_are_those_of_real_tables(real):
    table, t_r = real
    theirs = table.filter(regex=r"^cosine\d\d$").to_numpy()
    np.testing.assert_allclose(cosine_basis(len(table), t_r), theirs, atol=1e-9)


def test_outliers_are_those_of_real_tables(real):
    table, _ = real
    ours = (table["framewise_displacement"] > FD_THRESHOLD) | (
        table["std_dvars"] > STD_DVARS_THRESHOLD
    )
    theirs = table.filter(like="motion_outlier")
    np.testing.assert_array_equal(np.flatnonzero(ours), theirs.to_numpy().argmax(axis=0))


def test_rmsd_is_that_of_the_real_table(real_data):
    table = pd.read_csv(real_data / REAL["ni-edu"][0], sep="\t")

    def error(centre):
        # The tool turned the head about its centre of mass, which the table does not tell.
        return (relative_displacement(table, centre) - table["rmsd"])[1:]

    found = least_squares(error, (1.0, 1.0, 1.0))
    assert abs(found.fun).max() < 2e-6
    assert np.linalg.norm(found.x) < 10


def test_half_of_the_variance_is_kept_as_in_real_metadata(real_data):
    path = real_data / REAL["sub-0001"][0].replace(".tsv", ".json")
    entries = pd.DataFrame(json.loads(path.read_text())).T
    for _, mask in entries[entries["Method"] == "aCompCor"].groupby("Mask"):
        mask = mask.sort_values("SingularValue", ascending=False)
        singular = mask["SingularValue"].to_numpy(float)
        explained = singular**2 / (singular**2).sum()
        np.testing.assert_allclose(explained, mask["VarianceExplained"].astype(float), atol=1e-6)
        n_kept = np.searchsorted(np.cumsum(explained), 0.5) + 1
        assert n_kept == mask["Retained"].sum()


def made_up(rng, n_scans=N_SCANS):
    """A run of 8 x 8 x 8 voxels in which CSF and white matter have a course of their own."""
    courses = rng.standard_normal((2, n_scans))
    data = rng.normal(600, 3, (8, 8, 8, n_scans))
    data[SLICES["csf"]] += 12 * courses[0]
    data[SLICES["wm"]] += 8 * courses[1]
    data[..., :N_DUMMIES] += 200 * 0.3 ** np.arange(N_DUMMIES)
    masks = {"mask": np.ones((8, 8, 8), np.uint8)}
    for name, place in SLICES.items():
        masks[name] = np.zeros((8, 8, 8), np.uint8)
        masks[name][place] = 1
    images = {name: nib.Nifti1Image(mask, np.eye(4)) for name, mask in masks.items()}
    return nib.Nifti1Image(data, np.eye(4)), images, courses


@pytest.fixture(scope="module")
def run():
    rng = np.random.default_rng(5)
    bold, images, courses = made_up(rng)
    motion = simulate_motion(0.2, N_SCANS, rng)
    motion.loc[60:, "trans_z"] += 0.8
    table, metadata = confounds_table(bold, **images, motion=motion, t_r=T_R, n_dummies=N_DUMMIES)
    return bold, table, metadata, courses, motion


def slow_dvars(series):
    """DVARS voxel by voxel, in the words of nipype's documentation."""
    series = series / np.median(series) * 1000
    expected = []
    for voxel in series:
        low, high = (np.sort(voxel)[int(share * (len(voxel) - 1))] for share in (0.25, 0.75))
        centred = voxel - voxel.mean()
        ar1 = (centred[1:] * centred[:-1]).sum() / (centred**2).sum()
        expected.append(np.sqrt(2 * (1 - ar1)) * (high - low) / 1.349)
    change = [np.sqrt(((b - a) ** 2).mean()) for a, b in itertools.pairwise(series.T)]
    return np.array(change), np.array(change) / np.mean(expected)


def test_dvars_is_what_its_words_say():
    rng = np.random.default_rng(1)
    series = 500 + np.cumsum(rng.normal(size=(50, 40)), axis=1)
    for ours, theirs in zip(dvars(series), slow_dvars(series), strict=True):
        assert np.isnan(ours[0])
        np.testing.assert_allclose(ours[1:], theirs)


@given(st.floats(0.01, 100.0), st.integers(2, 38))
def test_dvars_does_not_care_for_units_and_shows_a_spike_twice(scale, when):
    series = np.random.default_rng(2).normal(500, 5, (300, 40))
    series[:, when] += 40
    ours = dvars(scale * series)
    np.testing.assert_allclose(ours[0], dvars(series)[0])
    assert {*np.argsort(-ours[1][1:])[:2] + 1} == {when, min(when + 1, 39)} or when == 39
    assert ours[1][when] > 3


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=3), st.floats(-0.3, 0.3))
def test_rmsd_of_a_shift_is_its_length_and_of_a_turn_grows_with_the_sphere(shift, angle):
    motion = pd.DataFrame(np.zeros((3, 6)), columns=list(PARAMETERS))
    motion.loc[1:, list(PARAMETERS[:3])] = shift
    motion.loc[2, "rot_y"] = angle
    found = relative_displacement(motion)
    assert found[1] == pytest.approx(np.linalg.norm(shift), abs=1e-9)
    turned = motion.assign(trans_x=0.0, trans_y=0.0, trans_z=0.0)
    # A turn by a moves a point at distance d from the axis by 2 d sin(a / 2); the mean of d^2 over
    # a ball is 2/5 r^2.
    expected = 2 * abs(np.sin(angle / 2)) * np.sqrt(2 / 5) * 80
    assert relative_displacement(turned)[2] == pytest.approx(expected, abs=1e-9)


def test_planted_noise_is_the_first_component_of_its_mask(run):
    _, table, metadata, courses, _ = run
    basis = cosine_basis(N_SCANS - N_DUMMIES, T_R)
    clean = without_drift(courses[:, N_DUMMIES:], basis)
    for name, course in zip(("c_comp_cor_00", "w_comp_cor_00"), clean, strict=True):
        component = table[name].to_numpy()[N_DUMMIES:]
        assert abs(np.corrcoef(component, course)[0, 1]) > 0.98
    masks = [metadata[f"{kind}_comp_cor_00"].get("Mask") for kind in "cwat"]
    assert masks == ["CSF", "WM", "combined", None]


def test_components_are_orthonormal_without_drift_and_silent_before_the_steady_state(run):
    _, table, metadata, _, _ = run
    cosines = table.filter(like="cosine").to_numpy()
    assert cosines.shape[1] == 2
    for kind in "cwat":
        names = [name for name in table if name.startswith(f"{kind}_comp_cor")]
        kept = table[names].to_numpy()
        np.testing.assert_allclose(kept.T @ kept, np.eye(len(names)), atol=1e-9)
        np.testing.assert_allclose(cosines.T @ kept, 0, atol=1e-9)
        assert not kept[:N_DUMMIES].any()
        explained = [metadata[name]["CumulativeVarianceExplained"] for name in names]
        assert explained[-1] >= 0.5 > ([0, *explained])[-2]


def test_components_do_not_depend_on_the_order_and_the_units_of_voxels():
    rng = np.random.default_rng(3)
    series, basis = rng.standard_normal((60, 50)), cosine_basis(50, 2.0)
    first = components(series, basis)
    mixed = components(rng.permutation(series) * rng.uniform(1, 9, (60, 1)), basis)
    np.testing.assert_allclose(first.kept, mixed.kept, atol=1e-9)
    assert (first.kept.max(axis=0) == abs(first.kept).max(axis=0)).all()
    np.testing.assert_allclose(first.singular, mixed.singular, atol=1e-9)


def test_numbers_do_not_depend_on_threads(run):
    bold, table, _, _, motion = run
    images = made_up(np.random.default_rng(5))[1]
    for limit in (1, 2):
        with threadpool_limits(limit):
            again, _ = confounds_table(bold, **images, motion=motion, t_r=T_R, n_dummies=N_DUMMIES)
        pd.testing.assert_frame_equal(table, again, check_exact=True)


def test_signals_are_means_and_nothing_is_missing_but_first_differences(run):
    bold, table, _, _, motion = run
    data = bold.get_fdata()
    np.testing.assert_allclose(table["global_signal"], data.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(table["csf"], data[SLICES["csf"]].mean(axis=(0, 1)).mean(axis=0))
    np.testing.assert_array_equal(table[list(PARAMETERS)], motion)
    missing = {name for name in table if table[name].isna().any()}
    differences = {name for name in table if "derivative1" in name}
    assert missing == differences | {"dvars", "std_dvars", "framewise_displacement", "rmsd"}
    assert not table.iloc[1:].isna().any(axis=None)


def test_dummies_and_moved_volumes_have_a_column_each(run):
    _, table, _, _, _ = run
    dummies = table.filter(like="non_steady_state_outlier")
    np.testing.assert_array_equal(dummies.to_numpy()[:N_DUMMIES], np.eye(N_DUMMIES))
    assert dummies.to_numpy().sum() == N_DUMMIES
    moved = table.filter(like="motion_outlier")
    volumes = moved.to_numpy().argmax(axis=0)
    assert list(moved) == [f"motion_outlier{i:02d}" for i in range(len(volumes))]
    assert (moved.sum() == 1).all()
    assert 60 in volumes
    unusual = table["framewise_displacement"].gt(0.5) | table["std_dvars"].gt(1.5)
    assert {*volumes} == {*np.flatnonzero(unusual)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"motion": slice(0, 9)}, "9 rows.*120 volumes"),
        ({"csf": np.zeros((8, 8, 8), np.uint8)}, "empty"),
        ({"wm": np.ones((7, 8, 8), np.uint8)}, "resample the mask"),
        ({"n_dummies": 118}, "118 of 120"),
    ],
)
def test_misfits_are_told(run, change, words):
    bold, _, _, _, motion = run
    _, images, _ = made_up(np.random.default_rng(5))
    given = images | {"motion": motion, "t_r": T_R, "n_dummies": N_DUMMIES}
    for name, new in change.items():
        if name == "motion":
            new = motion[new]
        elif name in images:
            new = nib.Nifti1Image(new, np.eye(4))
        given[name] = new
    with pytest.raises(ValueError, match=words):
        confounds_table(bold, **given)


@pytest.fixture(scope="module")
def written(run, tmp_path_factory):
    bold, table, metadata, _, _ = run
    folder = tmp_path_factory.mktemp("func")
    path = folder / "sub-01_task-rest_space-X_desc-preproc_bold.nii.gz"
    bold.to_filename(path)
    save_confounds(folder / "sub-01_task-rest_desc-confounds_timeseries.tsv", table, metadata)
    return path


# What the functional episodes ask for, and what it must give.
NINE = ["motion", "wm_csf", "global_signal"]
STRATEGIES = {
    "nine": ({"strategy": NINE, "motion": "basic"}, 9),
    "eighteen": ({"strategy": NINE, **dict.fromkeys(NINE, "derivatives")}, 18),
    "drift": ({"strategy": ["high_pass"]}, 2),
    "thirty-six": ({"strategy": NINE, **dict.fromkeys(NINE, "full")}, 36),
    "scrub": ({"strategy": ["motion", "scrub"], "motion": "full", "scrub": 5}, 24),
}


@pytest.mark.parametrize("name", STRATEGIES)
def test_nilearn_loads_strategies(written, name):
    options, n_columns = STRATEGIES[name]
    confounds, sample_mask = load_confounds(str(written), **options)
    assert confounds.shape == (N_SCANS, n_columns)
    assert not confounds.isna().any(axis=None)
    assert not {*range(N_DUMMIES)} & {*sample_mask}
    assert (60 in sample_mask) == (name != "scrub")


@pytest.mark.parametrize("name", ["simple", "scrubbing", "compcor"])
@pytest.mark.parametrize("global_signal", [None, "basic", "full"])
def test_nilearn_loads_presets_with_and_without_global_signal(written, name, global_signal):
    options = {} if global_signal is None else {"global_signal": global_signal}
    confounds, sample_mask = load_confounds_strategy(str(written), name, **options)
    found = [column for column in confounds if column.startswith("global_signal")]
    assert len(found) == {None: 0, "basic": 1, "full": 4}[global_signal]
    assert len(sample_mask) < N_SCANS


@pytest.mark.parametrize("kind", ["anat_combined", "anat_separated", "temporal"])
def test_nilearn_finds_components_by_their_mask(written, run, kind):
    confounds, _ = load_confounds(str(written), ["high_pass", "compcor"], compcor=kind, n_compcor=2)
    letters = {"anat_combined": "a", "anat_separated": "cw", "temporal": "t"}[kind]
    assert {name[0] for name in confounds if "comp_cor" in name} == {*letters}
    file = written.parent / "sub-01_task-rest_desc-confounds_timeseries.tsv"
    saved = pd.read_csv(file, sep="\t")
    assert {*confounds} <= {*saved}
    pd.testing.assert_frame_equal(saved, run[1], rtol=1e-7, check_dtype=False)


@pytest.fixture(scope="module")
def func(practice_core):
    return practice_core / "derivatives" / "fmriprep" / "sub-01" / "func"


RUNS = ("task-rest_space-{}", "task-motor_space-{}", "task-rest_space-T1w")


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("preset", ["simple", "scrubbing", "compcor"])
@pytest.mark.parametrize("options", [{}, {"global_signal": "basic"}])
def test_study_runs_have_confounds_for_every_preset(func, run, preset, options):
    path = func / f"sub-01_{run.format(SPACE)}_desc-preproc_bold.nii.gz"
    confounds, sample_mask = load_confounds_strategy(str(path), preset, **options)
    assert len(confounds) == 152
    assert ("global_signal" in confounds) == bool(options)
    assert {"cosine00", "trans_x_derivative1_power2"} <= {*confounds}
    assert not {*range(4)} & {*sample_mask}
    assert len(sample_mask) == 148 or (preset == "scrubbing" and len(sample_mask) > 100)


def test_study_run_gives_the_confound_matrix_of_the_episode(func):
    path = func / f"sub-01_task-rest_space-{SPACE}_desc-preproc_bold.nii.gz"
    confounds, sample_mask = load_confounds(str(path), **STRATEGIES["eighteen"][0])
    assert confounds.iloc[sample_mask].shape == (148, 18)
    np.testing.assert_array_equal(sample_mask, np.arange(4, 152))


def test_study_table_has_the_columns_and_metadata_of_fmriprep(func, real_data):
    stem = func / "sub-01_task-rest_desc-confounds_timeseries"
    ours = pd.read_csv(stem.with_suffix(".tsv"), sep="\t")
    theirs = pd.concat([pd.read_csv(real_data / path, sep="\t") for path, _ in REAL.values()])
    real_names, our_names = ({re.sub(r"\d+$", "", name) for name in t} for t in (theirs, ours))
    assert real_names <= our_names
    path = real_data / REAL["sub-0001"][0].replace(".tsv", ".json")
    real, metadata = (json.loads(p.read_text()) for p in (path, stem.with_suffix(".json")))
    assert metadata.pop("Simulated") is True
    assert "fMRIPrep" in metadata.pop("Description")
    for name in ("a_comp_cor_00", "t_comp_cor_00"):
        assert {*metadata[name]} == {*real[name]}
    kept = {name for name, entry in metadata.items() if entry.get("Retained")}
    assert kept == {name for name in ours if "comp_cor" in name}


def test_study_motion_is_estimated_not_known(practice_core, func):
    table = pd.read_csv(func / "sub-01_task-rest_desc-confounds_timeseries.tsv", sep="\t")
    truth = pd.read_csv(truth_path(practice_core, "01", "motion"), sep="\t")
    error = (table[list(PARAMETERS)] - truth[list(PARAMETERS)]) * ([1] * 3 + [50] * 3)
    np.testing.assert_allclose(error.std(), value("motion_estimate_sd"), rtol=0.25)
    level = BOLD_PEOPLE["01"].motion_level
    # Errors add to the displacement, they do not cancel.
    assert level < table["framewise_displacement"].mean() < 1.3 * level


def test_study_masks_hold_their_tissue(func):
    table = pd.read_csv(func / "sub-01_task-rest_desc-confounds_timeseries.tsv", sep="\t")[4:]
    mean = table[["csf", "white_matter", "global_signal"]].mean()
    # Fluid is brightest at this echo time; no grey matter lies in white.
    assert mean["csf"] > 1.35 * mean["white_matter"]
    assert mean["white_matter"] < mean["global_signal"] < mean["csf"]


def test_noise_masks_err_by_a_shift_of_the_tissue():
    distance = np.linalg.norm(np.indices((20, 20, 20)) - 10, axis=0)
    share = np.clip(8 - distance, 0, 1).astype(np.float32)
    mask = distance < 9
    voxels = Voxels(
        **dict.fromkeys(Voxels._fields)
        | {"shape": mask.shape, "affine": np.diag([4.0, 4, 4, 1]), "mask": mask}
        | {"shares": {"WM": share[mask], "CSF": 1 - share[mask]}}
    )
    errs = [erring_tissue(voxels, number)["WM"] for number in (1, 1, 2)]
    found = [np.asarray(noise_mask(img, img, 0.8).dataobj) > 0 for img in errs]
    np.testing.assert_array_equal(found[0], found[1])
    for other in (found[2], share > 0.8):
        assert 0 < (found[0] != other).sum() < 0.2 * other.sum()
    nowhere = nib.Nifti1Image(np.zeros(mask.shape, np.uint8), np.eye(4))
    assert not np.asarray(noise_mask(errs[0], nowhere, 0.8).dataobj).any()
