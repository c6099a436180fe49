"""The cohort: what is planted is found, tables and maps agree, files have the tools' form."""

import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from sklearn.metrics import cohen_kappa_score

from mriworkbook.morphometry import read_freesurfer_table, regional_regression
from mriworkbook.practice import _cohort_maps as maps
from mriworkbook.practice import _cohort_regions as regions
from mriworkbook.practice import _cohort_tables as tables
from mriworkbook.practice.cohort import MODEL, TERMS, _design, _draw, planted_effects, simulate
from mriworkbook.practice.parameters import value
from mriworkbook.practice.regions import load_regions

SEEDS, CHOSEN = range(60), 12


@pytest.fixture(scope="module")
def cohort():
    return simulate()


@pytest.fixture(scope="module")
def stats(cohort, tmp_path_factory):
    """Folder of the cohort's tables."""
    folder = tmp_path_factory.mktemp("fs_stats")
    tables.write_tables(folder, cohort)
    return folder


@pytest.fixture(scope="module")
def coverage(repository):
    """The validation's own module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(repository / "benchmarks"))
        import interval_coverage

        yield interval_coverage


@pytest.fixture(scope="module")
def columns():
    """A few regions of each measure, those with planted group effects among them."""
    effects = planted_effects()
    group = effects.query("term == 'group[T.patient]' and coefficient != 0")["region"]
    others = effects.groupby("measure")["region"].unique().map(lambda names: list(names[:CHOSEN]))
    return list(dict.fromkeys([*group, *others.sum()]))


def covered(found):
    return found["covered"].mean()


def test_same_cohort_every_time_and_another_for_every_seed(cohort):
    for one, two in zip(cohort, simulate(), strict=True):
        pd.testing.assert_frame_equal(one, two)
    assert not simulate(seed=0).thickness.equals(simulate(seed=1).thickness)


def test_planted_terms_are_the_columns_of_the_formula(cohort):
    people = cohort.participants.assign(y=0.0)
    model = smf.ols(f"y ~ {MODEL}", people)
    assert tuple(model.exog_names) == TERMS
    planted = regions.thickness()
    quiet = planted._replace(sd=np.zeros_like(planted.sd))
    coded = people.astype(
        {
            "sex": pd.CategoricalDtype(["F", "M"]),
            "group": pd.CategoricalDtype(list(regions.GROUPS)),
            "site": pd.CategoricalDtype(list(regions.SITES)),
        }
    )
    drawn = _draw(np.random.default_rng(0), quiet, _design(coded))
    assert np.allclose(drawn, model.exog @ planted.coefficients.to_numpy())


def test_intervals_hold_what_is_planted(coverage, columns):
    found = coverage.count(SEEDS, columns=columns)
    rows = coverage.summary(found)
    overall = rows.query("term == 'planted'").iloc[0]
    assert 0.94 - 3 * overall["monte_carlo_error"] < overall["coverage"] < 0.97
    assert abs(rows["bias_over_se"]).max() < 0.35
    assert rows.query("term == 'all'")["false_positives"].item() == pytest.approx(0.05, abs=0.015)


def test_coverage_sees_wrong_degrees_of_freedom(coverage, columns):
    """Few people, and residual variance divided by n."""

    def careless(*arguments):
        fit = regional_regression(*arguments)
        shrink = np.sqrt(fit["df"] / fit["n"])
        return fit.assign(
            ci_low=fit["coefficient"] - shrink * (fit["coefficient"] - fit["ci_low"]),
            ci_high=fit["coefficient"] + shrink * (fit["ci_high"] - fit["coefficient"]),
        )

    assert covered(coverage.count(SEEDS, n=30, columns=columns)) > 0.935
    assert covered(coverage.count(SEEDS, n=30, columns=columns, regression=careless)) < 0.92


def test_coverage_sees_an_omitted_term(coverage, columns):
    """Volumes without head size: men's larger heads are taken for an effect of sex."""
    volumes = [name for name in columns if name in regions.volumes().coefficients]
    j = coverage.EFFECTS.index("sex[T.M]")

    def naive(values, people, formula, terms):
        kept = [term for term in terms if term != "np.log(eTIV)"]
        formula = formula.replace(" + np.log(eTIV)", "")
        fit = regional_regression(values, people, formula, kept)
        return fit.reindex(pd.MultiIndex.from_product([terms, values.columns]))

    right = coverage.count(SEEDS, columns=volumes)["covered"][:, j].mean()
    wrong = coverage.count(SEEDS, columns=volumes, regression=naive)["covered"][:, j].mean()
    assert right > 0.92 > 0.6 > wrong


def test_residuals_correlate_as_in_aomic():
    """Mean .19, SD of true correlations .10 there; near and opposite regions more."""
    table = load_regions()
    r, distance = regions.residual_correlation(table), regions._mirrored_distance(table)
    pairs = np.triu_indices(len(table), 1)
    assert r[pairs].mean() == pytest.approx(0.19, abs=0.02)
    assert r[pairs].std() == pytest.approx(0.10, abs=0.02)
    near, far = distance[pairs] < 20, distance[pairs] > 80
    assert r[pairs][near].mean() > r[pairs][far].mean() + 0.1
    hemi = table["hemi"].to_numpy(object)
    opposite = (hemi[:, None] != hemi)[pairs] & (distance[pairs] < 8)
    assert r[pairs][opposite].mean() == pytest.approx(0.47, abs=0.1)


def test_drawn_residuals_have_the_planted_correlation():
    draws = [simulate(seed=seed) for seed in range(20)]
    residuals = []
    for draw in draws:
        design = smf.ols(f"y ~ {MODEL}", draw.participants.assign(y=0.0)).exog
        y = draw.thickness.to_numpy()
        residuals.append(y - design @ np.linalg.lstsq(design, y, rcond=None)[0])
    found = np.corrcoef(np.concatenate(residuals), rowvar=False)
    planted = regions.residual_correlation(load_regions())
    assert abs(found - planted).max() < 0.09
    assert np.corrcoef(found.ravel(), planted.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("side", ["lh", "rh"])
def test_thickness_tables_have_the_form_of_aomic(stats, cohort, real_data, side):
    name = "data-cortical_type-{}_measure-thickness_hemi-{}.tsv"
    real = read_freesurfer_table(
        real_data / "aomic" / "derivatives" / "fs_stats" / name.format("aparc", side)
    )
    ours = read_freesurfer_table(stats / name.format("practice", side))
    assert ours.attrs["measure"] == real.attrs["measure"].replace("aparc", "practice")
    assert list(ours.columns[-3:]) == list(real.columns[-3:])
    assert ours.columns[:-2].str.fullmatch(rf"{side}_\w+_thickness").all()
    regional = ours.iloc[:, :-3]
    assert np.allclose(regional, cohort.thickness.loc[ours.index, regional.columns], atol=6e-4)
    young = cohort.participants.loc[ours.index, "age"] < 26
    mean = f"{side}_MeanThickness_thickness"
    assert ours.loc[young, mean].mean() == pytest.approx(real[mean].mean(), abs=0.06)
    brain = cohort.participants["eTIV"].groupby(cohort.participants["sex"]).mean()
    assert brain["F"] < real["eTIV"].mean() < brain["M"]


def test_structures_add_up(stats, real_data):
    table = read_freesurfer_table(stats / "data-subcortical_type-aseg_measure-volume_hemi-both.tsv")
    assert table.attrs["measure"] == "Measure:volume"
    assert np.allclose(table["CortexVol"], table["lhCortexVol"] + table["rhCortexVol"])
    fluid = table["BrainSegVol"] - table["BrainSegVolNotVent"]
    assert np.allclose(fluid, table[list(tables.FLUID)].sum(axis=1), atol=1.5)
    name = "data-cortical_type-aparc_measure-thickness_hemi-lh.tsv"
    real = read_freesurfer_table(real_data / "aomic" / "derivatives" / "fs_stats" / name)
    share = real["BrainSegVolNotVent"] / real["eTIV"]
    ours = table["BrainSegVolNotVent"] / table["EstimatedTotalIntraCranialVol"]
    assert ours.median() == pytest.approx(share.median(), abs=0.03)
    assert ours.max() < share.max()


def test_what_is_missing_is_what_truth_says(stats, cohort, tmp_path):
    tables.write_truth(tmp_path, cohort)
    truth = json.loads((tmp_path / "effects.json").read_text())
    missing = {what: set(labels) for what, labels in truth["Missing"].items()}
    people = pd.read_csv(stats / "participants.tsv", sep="\t", index_col=0)
    for column in ("age", "sex"):
        assert set(people.index[people[column].isna()]) == missing[column]
    qc = pd.read_csv(stats / "qc.tsv", sep="\t", index_col=0)
    assert set(qc.index[qc["rater_2"].isna()]) == missing["rating"]
    right = read_freesurfer_table(
        stats / "data-cortical_type-practice_measure-thickness_hemi-rh.tsv"
    )
    assert set(people.index) - set(right.index) == missing["thickness"]
    aseg = read_freesurfer_table(stats / "data-subcortical_type-aseg_measure-volume_hemi-both.tsv")
    assert set(people.index) - set(aseg.index) == missing["volume"]
    group = truth["Effects"]["volume"]["group[T.patient]"]
    assert group["Left-Hippocampus"] == value("cohort_hippocampus_group")
    assert truth["Model"] == MODEL


def test_raters_agree_as_raters_do():
    """Kappa on Pass or not: .23 to .66 among the raters of CCNP."""
    qc = pd.concat([simulate(seed=seed).qc for seed in range(10)])
    kappa = cohen_kappa_score(qc["rater_1"] < 1, qc["rater_2"] < 1)
    assert 0.4 < kappa < 0.7
    assert (qc["qc_determination"] == "Pass").mean() == pytest.approx(0.8, abs=0.05)
    lower = qc.groupby("qc_determination")["euler"].median()
    assert lower["Fail"] < lower["Artifact"] < lower["Pass"]


@pytest.fixture(scope="module")
def few():
    return simulate(n=6, seed=5)


@pytest.fixture(scope="module")
def vbm(few, tmp_path_factory):
    """Folder of the maps of six people."""
    folder = tmp_path_factory.mktemp("vbm")
    maps.write_maps(folder, few, lambda *report: None)
    return folder


def test_modulated_maps_are_the_product(vbm, few):
    for label in few.participants.index:
        j, grey, modulated = (
            nib.load(vbm / "subset" / label / maps.NAMES[what].format(label)).get_fdata()
            for what in ("J", "probseg", "mod")
        )
        assert j.min() > 0
        assert grey.min() == 0
        assert 0.8 < grey.max() < 1 + 1e-6
        assert abs(modulated - np.minimum(j * grey, 255 * maps.STEPS["mod"])).max() < 0.0063


def test_jacobians_follow_the_tables(vbm, few):
    """J times the affine determinant is each person's volume, up to one factor."""
    space = maps.template()
    head = pd.read_csv(vbm / "affine.tsv", sep="\t", index_col=0)["determinant"]
    for name in ("Left-Hippocampus", "Right-Thalamus", "Brain-Stem"):
        here = space.labels == space.columns.index(name)
        ratio = [
            nib.load(vbm / "subset" / label / maps.NAMES["J"].format(label))
            .get_fdata()[here]
            .mean()
            * head[label]
            / few.volumes.loc[label, name]
            for label in head.index
        ]
        assert np.std(np.log(ratio)) < 0.07


def test_only_the_planted_region_of_the_maps_changes():
    space = maps.template()
    nothing = np.zeros(len(space.columns))
    whole = np.ones(len(load_regions()))
    thin, small = whole.copy(), nothing.copy()
    thin[30], k = 0.9, space.columns.index("Left-Hippocampus")
    small[k] = np.log(0.8)
    base = maps.person_maps(1, nothing, whole, space)
    thinner = maps.person_maps(1, nothing, thin, space)["probseg"]
    here = space.labels == 30
    assert thinner[here].sum() / base["probseg"][here].sum() == pytest.approx(0.9, abs=0.01)
    assert np.array_equal(thinner[~here], base["probseg"][~here])
    shrunk, here = maps.person_maps(1, small, whole, space)["J"], space.labels == k
    assert shrunk[here].mean() / base["J"][here].mean() == pytest.approx(0.8, abs=0.03)
    assert np.corrcoef(shrunk[~here], base["J"][~here])[0, 1] > 0.95
