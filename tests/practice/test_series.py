"""The series cohort: coupling as planted, cleaning as stated, honest comparisons honest."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from nilearn.interfaces.fmriprep.load_confounds_scrub import optimize_scrub
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from mriworkbook.practice import _coupling, _series_scan, series, truth_path
from mriworkbook.practice import _series_cleaning as cleaning
from mriworkbook.practice import _series_files as files
from mriworkbook.practice._motion import simulate_motion
from mriworkbook.practice._network_series import neural_series, slow_noise
from mriworkbook.practice.parameters import value
from mriworkbook.practice.regions import load_regions

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NOBODY = _coupling.mean_person()


@pytest.fixture(scope="module")
def benchmark_parts():
    """The benchmark's modules, which lie outside the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import group_strategies
        import group_studies

        yield group_strategies, group_studies
    for name in ("group_strategies", "group_studies"):
        del sys.modules[name]


@pytest.fixture(scope="module")
def few():
    """Four people, one of whom lies still for 60 volumes of the second scan only."""
    cohort = series.simulate_people(2, seed=3)
    restless = simulate_motion(0.05, 148, np.random.default_rng(0))
    restless.loc[60::2, "trans_y"] += 2.0
    cohort.motion[1, 1] = restless
    return cohort


@pytest.fixture(scope="module")
def written(few, tmp_path_factory):
    root = tmp_path_factory.mktemp("series")
    files.write_truth(root, few)
    files.write_files(root, few, lambda *news: None)
    return root


@pytest.fixture(scope="module")
def scan():
    rng = np.random.default_rng(1)
    coupling = _coupling.coupling_matrix(_coupling.draw_deviation(rng))
    return _series_scan.draw_scan(coupling, 0.35, rng)


def deviation(seed, size=1.0):
    drawn = _coupling.draw_deviation(np.random.default_rng(seed))
    return _coupling.Deviation(*(size * part for part in drawn))


# --- coupling


@settings(max_examples=25)
@given(
    seed=st.integers(0, 999), size=st.floats(0, 4), group=st.sampled_from(["control", "patient"])
)
def test_coupling_is_a_correlation_matrix_for_anybody(seed, size, group):
    coupling = _coupling.coupling_matrix(deviation(seed, size), group)
    assert np.allclose(coupling, coupling.T)
    assert (coupling.diagonal() == 1).all()
    assert np.linalg.eigvalsh(coupling).min() > 0


def test_group_effect_is_planted_in_the_default_mode_alone():
    control, patient = (_coupling.coupling_matrix(NOBODY, group) for group in _coupling.GROUPS)
    network = load_regions()["network"].to_numpy()
    inside = network == "DefaultMode"
    far = _coupling._layout()[2] > 100
    pairs = inside[:, None] & inside & far
    change = (patient - control)[pairs]
    assert change == pytest.approx(value("coupling_group_default_mode"), abs=1e-6)
    assert np.array_equal(control[~inside][:, ~inside], patient[~inside][:, ~inside])
    assert control[pairs] == pytest.approx(value("coupling_within"), abs=1e-6)


def test_rescans_share_the_persons_part():
    rng = np.random.default_rng(0)
    strength = []
    for _ in range(300):
        trait = _coupling.draw_deviation(rng)
        pair = [_coupling.coupling_matrix(_coupling.at_scan(trait, rng)) for _ in range(2)]
        strength.append(_coupling.within_network(np.array(pair)))
    again = np.corrcoef(np.transpose(strength))[0, 1]
    assert again == pytest.approx(value("coupling_rescan_share"), abs=0.1)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="control, patient"):
        _coupling.coupling_matrix(NOBODY, "patients")
    with pytest.raises(ValueError, match="DefaultMode"):
        _coupling.within_network(np.eye(187), "Default")
    with pytest.raises(ValueError, match="DefaultMode"):
        _series_scan.channels_of("Default")
    with pytest.raises(ValueError, match="motion_global"):
        cleaning.regressors("24P", None, None, None)


# --- series


def test_neural_series_have_the_planted_correlation():
    coupling = _coupling.coupling_matrix(deviation(0))[:30, :30]
    long = neural_series(coupling, 20000, 2.0, np.random.default_rng(0))
    assert long.std() == pytest.approx(value("neural_sd"), rel=0.03)
    assert np.allclose(np.corrcoef(long.T), coupling, atol=0.06)


def test_slow_series_do_not_wrap_round():
    """The end of a run knows nothing of its beginning, but each volume of the next."""
    many = slow_noise(3000, 60, 2.0, np.random.default_rng(0))
    near = np.corrcoef(many[10], many[11])[0, 1]
    ends = np.corrcoef(many[0], many[-1])[0, 1]
    assert near > 0.6
    assert abs(ends) < 0.08


def test_merged_regions_have_the_law_of_their_mean():
    channels = _series_scan.channels_of("DefaultMode")
    regions = load_regions()
    others = (regions["network"] != "DefaultMode").to_numpy()
    coupling = _coupling.coupling_matrix(deviation(2))
    merged = _series_scan.merged_coupling(coupling, channels)
    assert merged[-1, -1] == pytest.approx(coupling[others][:, others].mean())
    assert np.allclose(merged[:-1, -1], coupling[~others][:, others].mean(axis=1))
    rng, full = np.random.default_rng(0), _series_scan.channels_of()
    # Differences: of the common drift, 200 runs have too few.
    one = [np.diff(_series_scan.background(channels, 148, rng)[:, 47]).var() for _ in range(200)]
    many = [
        np.diff(_series_scan.background(full, 148, rng)[:, :187][:, others].mean(axis=1)).var()
        for _ in range(200)
    ]
    assert np.mean(one) == pytest.approx(np.mean(many), rel=0.1)


def test_scan_is_the_sum_of_its_parts(scan):
    total = sum(scan.parts.values())
    assert np.allclose(total[:, :187], scan.series, atol=1e-5)
    assert np.allclose(total[:, 187:], scan.noise, atol=1e-5)
    assert not scan.parts["neural"][:, 187:].any()
    error = (scan.motion - scan.true_motion)["trans_x"].std()
    assert error == pytest.approx(value("motion_estimate_sd"), rel=0.3)


# --- cleaning


@given(bad=st.sets(st.integers(0, 59), min_size=1, max_size=20))
def test_kept_volumes_are_those_of_nilearn(bad):
    moved = np.zeros(60)
    moved[list(bad)] = 1.0
    dropped = optimize_scrub(np.array(sorted(bad)), 60, value("series_scrubbing")[1])
    assert np.array_equal(np.flatnonzero(~cleaning.kept_volumes(moved)), dropped)


@pytest.mark.parametrize("strategy", cleaning.STRATEGIES)
def test_cleaning_is_one_regression(scan, strategy):
    """nilearn's result is the residual on the volumes kept, and nothing of it is left in."""
    everywhere = scan.series.mean(axis=1)
    cleaned, kept = cleaning.clean_series(strategy, scan.series, scan.motion, scan.noise)
    confounds = cleaning.regressors(strategy, scan.motion, everywhere, scan.noise)
    columns = np.ones((148, 1))
    if confounds is not None:
        centred = confounds - confounds.mean(axis=0)
        columns = np.concatenate([cleaning.cosines(148, 2.0), centred], axis=1)
    basis = cleaning.removed_space(columns, kept)
    held = scan.series * kept[:, None]
    expected = (held - basis @ (basis.T @ held))[kept]
    assert np.allclose(cleaned, expected, atol=1e-5)
    assert kept.all() == (strategy != "scrubbing")
    continued = cleaning.removed_space(columns[:, 1:], kept, basis[:, :1])
    assert np.allclose(continued @ continued.T, basis @ basis.T, atol=1e-8)


def test_cleaning_takes_what_it_should(scan):
    """The linear part goes, spin history does not; CompCor takes the physiological courses."""
    everywhere = scan.series.mean(axis=1)

    def left(strategy, wanted):
        confounds = cleaning.regressors(strategy, scan.motion, everywhere, scan.noise)
        columns = np.concatenate([cleaning.cosines(148, 2.0), confounds], axis=1)
        basis = cleaning.removed_space(columns)
        wanted = wanted.astype(float)
        return ((wanted - basis @ (basis.T @ wanted)) ** 2).sum() / (wanted**2).sum()

    assert left("motion", scan.parts["linear"][:, :187]) < 0.05
    assert left("motion", scan.parts["spin_history"][:, :187]) > 0.3
    assert left("motion", scan.parts["distance"][:, :187]) > 0.3
    noise = scan.parts["background"][:, 187:]
    assert left("compcor", noise) < 0.6 * left("motion", noise)


@pytest.mark.parametrize("regress", [False, True])
def test_effective_degrees_of_freedom(regress):
    """They predict how far correlations of uncoupled slow series stray."""
    rng, strayed, told = np.random.default_rng(0), [], []
    for _ in range(80):
        slow, columns = slow_noise(16, 148, 2.0, rng), np.ones((148, 1))
        kept = np.ones(148, bool)
        if regress:
            columns = np.concatenate([columns, slow_noise(30, 148, 2.0, rng)], axis=1)
            kept[40:60] = False
        basis = cleaning.removed_space(columns, kept)
        told.append(cleaning.effective_df(slow, basis, kept))
        cleaned = (slow * kept[:, None] - basis @ (basis.T @ (slow * kept[:, None])))[kept]
        strayed.append(np.corrcoef(cleaned.T)[np.tril_indices(16, -1)])
    assert np.mean(told) == pytest.approx(1 / np.mean(np.square(strayed)), rel=0.15)
    assert np.mean(told) < (30 if regress else 65)


# --- the cohort and its files


def test_same_people_every_time(few):
    again = series.simulate_people(2, seed=3)
    assert np.array_equal(again.series, few.series)
    assert not np.array_equal(series.simulate_people(2, seed=4).series, few.series)


def test_groups_are_matched_but_for_motion():
    people, n_scans, _ = value("series_people")
    table = series._participants(people, n_scans, np.random.default_rng(0))
    control, patient = (table[table["group"] == group] for group in ("control", "patient"))
    assert len(control) == len(patient) == people
    assert abs(control["age"].mean() - patient["age"].mean()) < 1
    assert (control["sex"] == "F").sum() == (patient["sex"] == "F").sum()
    assert patient["level_scan-1"].mean() > 1.2 * control["level_scan-1"].mean()
    # Labels do not tell the group.
    assert 20 < (table["group"].iloc[:60] == "patient").sum() < 40


def test_files_hold_what_was_drawn(few, written):
    people = pd.read_csv(written / "derivatives" / "series" / "participants.tsv", sep="\t")
    regions = pd.read_csv(written / "derivatives" / "series" / "regions.tsv", sep="\t")
    assert list(people["participant_id"]) == list(few.participants.index)
    assert list(regions["name"]) == list(load_regions()["name"])
    raw = series.read_series(written, "raw")
    expected = few.series - few.series.mean(axis=2, keepdims=True)
    assert np.abs(raw - expected).max() <= files.STEP * 0.51
    cleaned, _ = cleaning.clean_series(
        "compcor",
        few.series[0, 1].astype(float),
        series.as_table(few.motion[0, 1]),
        few.noise[0, 1],
    )
    stored = series.read_series(written, "compcor")[0, 1]
    assert np.abs(stored - cleaned).max() <= files.STEP * 0.51


def test_scrubbing_that_leaves_too_little_drops_the_scan(written):
    scrubbed = series.read_series(written, "scrubbing")
    people = pd.read_csv(written / "derivatives" / "series" / "participants.tsv", sep="\t")
    volumes = people.filter(like="volumes_").to_numpy()
    assert volumes[1, 1] == 60 < value("series_scrubbing")[2] <= volumes[0, 0]
    assert np.isnan(scrubbed[1, 1]).all()
    counted = (~np.isnan(scrubbed[0, 0, :, 0])).sum()
    assert counted == volumes[0, 0]
    assert np.isnan(series.read_series(written, "motion")).sum() == 0


def test_files_are_the_same_every_time(few, written, tmp_path):
    files.write_truth(tmp_path, few)
    files.write_files(tmp_path, few, lambda *news: None)
    paths = [path for path in written.rglob("*") if path.is_file()]
    assert len(paths) > 15
    for path in paths:
        assert path.read_bytes() == (tmp_path / path.relative_to(written)).read_bytes(), path


def test_truth_is_what_was_planted(few, written):
    told = json.loads(truth_path(written, "series", "effects").read_text())
    strength = _coupling.within_network(few.coupling.astype(float)).mean(axis=1)
    ill = (few.participants["group"] == "patient").to_numpy()
    difference = strength[ill].mean() - strength[~ill].mean()
    assert told["SampleDifference"] == pytest.approx(difference)
    assert told["MeanPersonDifference"] < 0
    assert told["Simulated"]
    with np.load(truth_path(written, "series", "coupling")) as held:
        pairs, rows, columns = held["coupling"], held["rows"], held["columns"]
    pair = few.coupling[2, 1, rows[700] - 1, columns[700] - 1]
    assert pairs[2, 1, 700] == pytest.approx(pair, abs=1e-3)


def test_missing_study_says_what_to_type(tmp_path):
    with pytest.raises(FileNotFoundError, match="data get practice --stage functional"):
        series.read_series(tmp_path, "raw")
    with pytest.raises(ValueError, match="raw, motion"):
        series.read_series(tmp_path, "aroma")
    with pytest.raises(ValueError, match="1 person or more"):
        series.simulate_people(0)


# --- comparisons of groups


def confounded(seed, n=60, effect=0.0):
    """Outcomes that motion lowers, in groups that differ in motion: (1, 2 n)."""
    rng = np.random.default_rng(seed)
    patient = np.arange(2 * n) >= n
    fd = 0.13 * np.exp(0.4 * rng.standard_normal(2 * n) + 0.4 * patient)
    z = 0.4 - 0.6 * fd + 0.1 * rng.standard_normal(2 * n) + effect * patient
    return z[None], patient, fd


def test_tests_agree_with_their_libraries(benchmark_parts):
    strategies, studies = benchmark_parts
    z, patient, fd = confounded(0)
    found = studies.compare(z, patient, fd, "t test")[:, 0]
    expected = stats.ttest_ind(z[0, patient], z[0, ~patient], equal_var=False)
    assert found[0] / found[1] == pytest.approx(expected.statistic)
    assert found[2] == pytest.approx(expected.pvalue)
    found = studies.compare(z, patient, fd, "FD covariate")[:, 0]
    fit = sm.OLS(z[0], sm.add_constant(np.column_stack([patient, fd]).astype(float))).fit()
    assert np.allclose(found[:3], [fit.params[1], fit.bse[1], fit.pvalues[1]])
    found = studies.compare(z, patient, fd, "FD matching")[:, 0]
    ill, well = studies.matched(fd, patient).T
    expected = stats.ttest_rel(z[0, ill], z[0, well])
    assert found[0] / found[1] == pytest.approx(expected.statistic)
    assert found[2] == pytest.approx(expected.pvalue)
    assert (found[3:] == len(ill)).all()
    for hits, n in ((0, 30), (50, 1000)):
        limits = proportion_confint(hits, n, method="wilson")
        assert np.allclose(strategies.wilson(hits, n), limits, atol=1e-9)


@given(seed=st.integers(0, 999))
def test_matched_people_move_alike(benchmark_parts, seed):
    _, patient, fd = confounded(seed, n=20)
    pairs = benchmark_parts[1].matched(fd, patient)
    ill, well = pairs.T
    assert patient[ill].all()
    assert not patient[well].any()
    assert len(np.unique(pairs)) == pairs.size
    limit = value("series_caliper") * np.log(fd).std(ddof=1)
    assert np.abs(np.log(fd[ill] / fd[well])).max(initial=0) <= limit + 1e-9


def test_honest_tests_hold_their_level_and_the_naive_one_does_not(benchmark_parts):
    p = {test: [] for test in benchmark_parts[1].TESTS}
    for seed in range(400):
        for test, found in p.items():
            found.append(benchmark_parts[1].compare(*confounded(seed), test)[2, 0])
    share = {test: np.mean(np.array(found) < 0.05) for test, found in p.items()}
    assert share["t test"] > 0.3
    for test in ("FD covariate", "FD matching"):
        low, high = benchmark_parts[0].wilson(400 * share[test], 400)
        assert low < 0.05 < high + 0.01, (test, share)


def test_committed_validation_says_who_is_honest(benchmark_parts):
    """2,000 studies; whoever accounts for motion holds .05, whoever does not finds motion."""
    strategies, studies = benchmark_parts
    table = pd.read_csv(strategies.RESULT, sep="\t")
    names = ["design", "cleaning", "test"]
    expected = pd.MultiIndex.from_product([studies.DESIGNS, studies.CLEANING, studies.TESTS])
    assert list(table[names].itertuples(index=False, name=None)) == list(expected)
    table = table.set_index(names).loc["60 per group"]
    assert (table["studies"] >= 2000).all()
    honest = table.drop("t test", level="test")
    # Of fourteen 95 % intervals one or two may miss; none by more than three standard errors.
    held = (honest["false_positives_low"] <= 0.05) & (honest["false_positives_high"] >= 0.05)
    assert (~held).sum() <= 2, honest.index[~held]
    assert (honest["false_positives"] - 0.05).abs().max() < 3 * np.sqrt(0.05 * 0.95 / 2000)
    assert (honest["bias"].abs() < 0.005).all()
    for cleaning_ in ("raw", "motion", "motion_global", "scrubbing", "compcor"):
        assert table.loc[(cleaning_, "t test"), "false_positives_low"] > 0.1


def test_motion_biases_the_naive_comparison(benchmark_parts):
    """A small version of the validation: the same people with and without artefact, no effect."""
    strategies, studies = benchmark_parts
    found, costs, planted = strategies.run(range(2), n_jobs=1)
    quiet, raw = (studies.CLEANING.index(name) for name in ("no artefact", "raw"))
    naive, covariate, _ = found[:, 0, raw, :, 0, 0].mean(axis=0)
    unmoved = found[:, 0, quiet, :, 0, 0].mean(axis=0)
    assert naive - unmoved[0] < -0.02
    assert abs(covariate - unmoved[1]) < abs(naive - unmoved[0]) / 2
    # The planted effect is found by all that can be done with all people, and in its direction.
    assert planted < 0
    assert (found[:, 0, :, :2, 0, 1] < found[:, 0, :, :2, 0, 0]).all()
    table = strategies.summary(found, costs, planted).set_index(["design", "cleaning", "test"])
    large = table.loc["60 per group"]
    volumes, taken, worth = (
        large.xs("t test", level="test")[name] for name in ("volumes", "df_taken", "worth")
    )
    assert taken["motion"] == 29
    assert taken["compcor"] == 34
    assert volumes[f"scrubbing at {studies.STRICT} mm"] < volumes["scrubbing"] < 148
    assert worth["motion"] < worth["raw"] < 100
    people = large["people"].unstack()
    assert people.loc[f"scrubbing at {studies.STRICT} mm", "t test"] < 40
    assert people.loc["raw", "FD matching"] < 45
    apart = table.loc["60, no overlap of motion"]
    assert apart.loc[("raw", "FD matching"), "people"] < 6
