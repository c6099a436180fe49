"""Check of the page on how the practice study is made."""

import math

from mriworkbook.exercises import WrongAnswer, exercise
from mriworkbook.practice.contrast import tissue_signals
from mriworkbook.practice.parameters import TISSUES


@exercise("practice-study-hide-cortex")
def hide_cortex(t1):
    """A T1 of grey matter that makes it as bright as white matter, within 1 %."""
    try:
        t1 = float(t1)
    except (TypeError, ValueError):
        raise WrongAnswer(
            f"`t1` is a {type(t1).__name__}; one number is expected, in milliseconds."
        ) from None
    if not (math.isfinite(t1) and t1 > 0):
        raise WrongAnswer(f"`t1` is {t1}: a relaxation time is a positive number of milliseconds.")
    if t1 < 50:
        raise WrongAnswer("Is that in seconds? The table of tissues holds milliseconds.")
    grey = tissue_signals(tissues={"GM": TISSUES["GM"]._replace(t1=t1)})["GM"]
    found = f"With a T1 of {t1:.0f} ms grey matter has {grey:.2f} times the signal of white matter."
    if abs(grey - 1) <= 0.01:
        return found + " The cortex is gone."
    if abs(t1 - TISSUES["WM"].t1) < 1:
        raise WrongAnswer(
            "That is white matter's T1. The two tissues differ in more than T1: which other "
            "columns of the table enter the MPRAGE signal?",
            found,
        )
    if abs(t1 - TISSUES["GM"].t1) < 1:
        raise WrongAnswer("That is the T1 that grey matter has already.", found)
    direction = "longer" if grey > 1 else "shorter"
    raise WrongAnswer(
        f"Try a {direction} T1: the sooner a tissue recovers from the inversion, the brighter.",
        found,
    )
