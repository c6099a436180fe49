"""Each known mistake on the page about simulated BOLD gets a hint of its own."""

import numpy as np
import pandas as pd
import pytest

from mriworkbook.exercises import check

LABEL = "practice-bold-four-parts"
SIX = [f"{kind}_{axis}" for kind in ("trans", "rot") for axis in "xyz"]


@pytest.fixture(scope="module")
def data():
    """Parts and 24 parameters of a made-up run; the differences of its first volume are NaN."""
    rng = np.random.default_rng(0)
    six = pd.DataFrame(0.2 + np.cumsum(rng.normal(0, 0.1, (148, 6)), axis=0), columns=SIX)
    twelve = pd.concat([six, six.diff().add_suffix("_derivative1")], axis=1)
    parameters = pd.concat([twelve, (twelve**2).add_suffix("_power2")], axis=1)
    linear = six["trans_y"] + 0.5 * six["trans_y"].diff().fillna(0)
    spin = six.diff().abs().sum(axis=1) * rng.uniform(0.2, 2, 148)
    parts = pd.DataFrame({"linear": linear, "spin_history": spin})
    parts[["respiratory", "distance"]] = rng.normal(0.3, 1, (148, 2))
    return {"parts": parts, "parameters": parameters}


def share(data, columns=24):
    design = data["parameters"].iloc[:, :columns].fillna(0)
    design = np.column_stack([np.ones(len(design)), design])
    rest = data["parts"] - design @ np.linalg.lstsq(design, data["parts"], rcond=None)[0]
    return 1 - rest.var(ddof=0) / data["parts"].var(ddof=0)


def test_the_right_shares_are_accepted(data):
    right = share(data)
    for answer in (right, right.to_dict(), right.iloc[::-1]):
        assert check(LABEL, answer, **data).status == "correct"


def test_each_mistake_has_its_own_hint(data):
    right = share(data)
    answers = {
        "left": 1 - right,
        "square it": np.sqrt(right),
        "alone": share(data, columns=6),
        "percents": 100 * right,
        "no number for distance": right.drop("distance"),
        "NaN": right.where(right.index != "linear"),
        "Series or dict": "all of it",
        "0 and 1": right - 1,
        "least squares": 0.5 * right,
    }
    for said, answer in answers.items():
        verdict = check(LABEL, answer, **data)
        assert verdict.status == "not yet" and said in verdict.hint, (said, verdict)
