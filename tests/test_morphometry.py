"""Regional regression against statsmodels, and what it says where nothing is defined."""

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st

from mriworkbook.morphometry import COLUMNS, read_freesurfer_table, regional_regression


def tables(seed=0, n=40, regions=4):
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(
        {
            "age": rng.uniform(18, 80, n),
            "sex": rng.choice(["F", "M"], n),
            "site": rng.choice(["A", "B", "C"], n),
        },
        index=pd.Index([f"sub-{i:03d}" for i in range(n)], name="participant_id"),
    )
    values = rng.normal(2.5, 0.2, (n, regions)) - 0.005 * people[["age"]].to_numpy()
    return pd.DataFrame(values, index=people.index).rename(columns="r{}".format), people


def oracle(values, people, formula, term):
    """One statsmodels fit a region, as a reader would write it."""
    rows = {}
    for region in values:
        fit = smf.ols(f"y ~ {formula}", people.assign(y=values[region])).fit()
        low, high = fit.conf_int().loc[term]
        rows[region] = [
            *(part[term] for part in (fit.params, fit.bse, fit.tvalues, fit.pvalues)),
            low,
            high,
            fit.nobs,
            fit.df_resid,
        ]
    return pd.DataFrame.from_dict(rows, orient="index", columns=COLUMNS)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["age", "sex[T.M]", "np.log(age)"]))
def test_equals_statsmodels_with_values_missing_anywhere(seed, term):
    values, people = tables(seed)
    rng = np.random.default_rng(seed)
    values = values.mask(rng.random(values.shape) < 0.1)
    people.loc[people.index[rng.integers(0, 40, 3)], "age"] = np.nan
    people.loc[people.index[3], "sex"] = None
    formula = "np.log(age) + sex + site" if "log" in term else "age + sex + site"
    found = regional_regression(values, people, formula, term)
    pd.testing.assert_frame_equal(
        found, oracle(values, people, formula, term), check_names=False, rtol=1e-9
    )


def test_rows_are_matched_by_person_not_by_place():
    values, people = tables(1)
    expected = regional_regression(values, people, "age", "age")
    shuffled = people.sample(frac=1, random_state=0).reset_index()
    stranger = pd.DataFrame({"participant_id": ["sub-999"], "age": [50.0]})
    found = regional_regression(values, pd.concat([shuffled, stranger]), "age", "age")
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)


def test_a_value_missing_in_one_region_costs_the_others_nothing():
    values, people = tables(2)
    values.iloc[:5, 0] = np.nan
    assert regional_regression(values, people, "age", "age")["n"].to_list() == [35, 40, 40, 40]


def test_several_terms_at_once():
    values, people = tables(3)
    both = regional_regression(values, people, "age + sex", ["age", "sex[T.M]"])
    one = regional_regression(values, people, "age + sex", "sex[T.M]")
    pd.testing.assert_frame_equal(both.loc["sex[T.M]"], one)


def test_interval_follows_alpha():
    values, people = tables(4)
    wide, narrow = (
        regional_regression(values, people, "age", "age", alpha=alpha) for alpha in (0.05, 0.5)
    )
    assert (narrow["ci_high"] < wide["ci_high"]).all()


@pytest.mark.parametrize("fault", ["constant", "absent", "twin", "few"])
def test_undefined_is_nan_with_a_warning(fault):
    values, people = tables(5)
    if fault == "constant":
        values["r1"] = 2.3
    elif fault == "absent":
        values["r1"] = np.nan
    elif fault == "twin":
        people["months"] = 12 * people["age"]
    else:
        values.loc[values.index[2:], "r1"] = np.nan
    formula = "age + months" if fault == "twin" else "age"
    with pytest.warns(UserWarning, match="not defined"):
        found = regional_regression(values, people, formula, "age")
    assert found.loc["r1", ["t", "p", "ci_low", "ci_high"]].isna().all()
    assert found["p"].isna().all() == (fault == "twin")


def test_no_warning_without_a_reason():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        regional_regression(*tables(6), "age + sex + site", "age")


def test_messages_say_what_to_do():
    values, people = tables(7)
    with pytest.raises(ValueError, match="choose from"):
        regional_regression(values, people, "age + sex", "sex")
    with pytest.raises(ValueError, match="more than once"):
        regional_regression(pd.concat([values, values]), people, "age", "age")
    with pytest.raises(ValueError, match="nobody in common"):
        regional_regression(values, people.reset_index(drop=True), "age", "age")


def test_reads_the_tables_that_aomic_has(real_data):
    folder = real_data / "aomic" / "derivatives" / "fs_stats"
    table = read_freesurfer_table(
        folder / "data-cortical_type-aparc.a2009s_measure-thickness_hemi-lh.tsv"
    )
    assert table.shape == (226, 77)
    assert table.attrs["measure"] == "lh.aparc.a2009s.thickness"
    assert table.loc["sub-0001", "lh_G&S_frontomargin_thickness"] == 1.925
