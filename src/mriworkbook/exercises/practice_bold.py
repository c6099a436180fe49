"""Check of the page on how the BOLD runs of the practice study are made."""

import numpy as np
import pandas as pd

from mriworkbook.exercises import WrongAnswer, exercise


def _explained(courses, design):
    """R2 of each column of courses (n, k) by least squares on design (n, m)."""
    rest = courses - design @ np.linalg.lstsq(design, courses, rcond=None)[0]
    return 1 - rest.var(axis=0) / courses.var(axis=0)


def _numbers(taken, parts):
    """The answer as an array, one number for each part."""
    try:
        found = pd.Series(taken, dtype=float)
    except (TypeError, ValueError):
        raise WrongAnswer(
            f"`taken` is a {type(taken).__name__}; a Series or dict with one number for each of "
            f"{', '.join(parts)} is expected."
        ) from None
    missing = [name for name in parts if name not in found.index]
    if missing:
        raise WrongAnswer(f"`taken` has no number for {', '.join(missing)}.")
    found = found[list(parts)].to_numpy()
    if not np.isfinite(found).all():
        raise WrongAnswer(
            "There is a NaN in `taken`. The differences of the first volume of a run are not "
            "defined: fill them with 0, or leave that volume out."
        )
    return found


@exercise("practice-bold-four-parts")
def four_parts(taken, *, parts, parameters):
    """R2 of each artefact part's mean course on a constant and the 24 parameters."""
    got = _numbers(taken, parts.columns)
    courses = parts.to_numpy()
    design = np.column_stack([np.ones(len(parameters)), parameters.fillna(0)])
    right = _explained(courses, design)
    listed = ", ".join(f"{n} {value:.2f}" for n, value in zip(parts, got, strict=True))
    if np.allclose(got, right, atol=0.02):
        chance = parameters.shape[1] / (len(parameters) - 1)
        return (
            f"{listed}. The linear part lies in the span of the parameters; the others do not, and "
            f"{chance:.2f} is what {parameters.shape[1]} random columns would explain."
        )
    slips = {
        "That is what is left. How much was taken?": 1 - right,
        "That is a multiple correlation; square it.": np.sqrt(right),
        "You used the six parameters alone. Nearly as much is in their differences.": _explained(
            courses, np.column_stack([np.ones(len(parameters)), parameters.iloc[:, :6]])
        ),
        "These are percents; give shares from 0 to 1.": 100 * right,
    }
    for hint, wrong in slips.items():
        if np.allclose(got, wrong, atol=0.02, rtol=0.02):
            raise WrongAnswer(hint, listed)
    if ((got < 0) | (got > 1)).any():
        raise WrongAnswer("A share lies between 0 and 1.", listed)
    raise WrongAnswer(
        "Fit each part by least squares on a constant and all 24 columns, and compare the variance "
        "of what is left with that of the part.",
        listed,
    )
