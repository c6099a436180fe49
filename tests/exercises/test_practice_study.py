"""Each known mistake on the page about the practice study gets a hint of its own."""

import pytest
from scipy.optimize import brentq

from mriworkbook.exercises import check
from mriworkbook.practice.contrast import tissue_signals
from mriworkbook.practice.parameters import TISSUES

LABEL = "practice-study-hide-cortex"


def grey(t1):
    return tissue_signals(tissues={"GM": TISSUES["GM"]._replace(t1=t1)})["GM"]


def test_the_right_t1_is_accepted():
    right = brentq(lambda t1: grey(t1) - 1, 500, 1600)
    assert check(LABEL, right).status == "correct"
    assert check(LABEL, 1.03 * right).status == "not yet"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (TISSUES["WM"].t1, "white matter's T1"),
        (TISSUES["GM"].t1, "already"),
        (0.9, "milliseconds"),
        (float("nan"), "positive"),
        (-900, "positive"),
        ("long", "one number"),
        (700, "longer"),
        (1300, "shorter"),
    ],
)
def test_each_mistake_has_its_own_hint(answer, said):
    verdict = check(LABEL, answer)
    assert verdict.status == "not yet" and said in verdict.hint
