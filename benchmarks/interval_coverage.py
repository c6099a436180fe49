"""Do the 95 % intervals of the regional regression hold the planted effects, 95 times in 100?

``python benchmarks/interval_coverage.py`` draws cohorts of 200 as the practice study's own, fits
the correct model (`mriworkbook.practice.cohort.MODEL`) to the thickness (mm), log area and log
volume of every region, and counts the intervals that hold what was planted; how far the estimates
are off on average; and how often p < .05 where nothing was planted. ``--write`` keeps the table,
with date and commit, for the book's validation page.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from kept import keep

from mriworkbook.morphometry import regional_regression
from mriworkbook.practice.cohort import MODEL, TERMS, planted_effects, simulate

RESULT = Path(__file__).parent / "results" / "interval_coverage.tsv"
EFFECTS = list(TERMS[1:])  # the intercept is no effect
MEASURES = ("thickness", "area", "volume")


def outcomes(cohort):
    """Thickness, log area and log volume side by side, as the model has them."""
    return pd.concat([cohort.thickness, np.log(cohort.area), np.log(cohort.volumes)], axis=1)


def truth(columns):
    """Planted coefficients, terms by regions, and the measure of each region."""
    effects = planted_effects()
    table = effects.pivot(index="term", columns="region", values="coefficient")
    measure = effects.drop_duplicates("region").set_index("region")["measure"]
    return table.loc[EFFECTS, columns].to_numpy(), measure[columns].to_numpy()


def count(seeds, *, n=200, formula=MODEL, columns=None, regression=regional_regression):
    """Fit many cohorts.

    Parameters
    ----------
    seeds : iterable of int
        One cohort each.
    n : int
        People.
    formula : str
    columns : list of str, optional
        Regions; all if None.
    regression : callable
        Like `regional_regression`.

    Returns
    -------
    dict
        covered, rejected (bool), error (estimate less truth) and se, each (cohorts, terms,
        regions); planted (terms, regions); measure (regions,).
    """
    found = {"covered": [], "rejected": [], "error": [], "se": []}
    planted = None
    for seed in seeds:
        cohort = simulate(n, seed=seed)
        values = outcomes(cohort) if columns is None else outcomes(cohort)[columns]
        if planted is None:
            planted, measure = truth(values.columns)
        fit = regression(values, cohort.participants, formula, EFFECTS)
        shape = planted.shape
        low, high, p, estimate, se = (
            fit[name].to_numpy().reshape(shape)
            for name in ("ci_low", "ci_high", "p", "coefficient", "se")
        )
        found["covered"].append((low <= planted) & (planted <= high))
        found["rejected"].append(p < 0.05)
        found["error"].append(estimate - planted)
        found["se"].append(se)
    stacked = {name: np.array(arrays) for name, arrays in found.items()}
    return stacked | {"planted": planted, "measure": measure}


def _row(found, chosen):
    """One line of the table; `chosen` (terms, regions) is boolean. The error is between cohorts."""
    covered, none = found["covered"][:, chosen], (found["planted"] == 0)[chosen]
    by_cohort, by_effect = covered.mean(axis=1), covered.mean(axis=0)
    bias = found["error"].mean(axis=0)[chosen] / found["se"].mean(axis=0)[chosen]
    return {
        "effects": len(by_effect),
        "coverage": by_cohort.mean(),
        "monte_carlo_error": by_cohort.std(ddof=1) / np.sqrt(len(by_cohort)),
        "lowest": by_effect.min(),
        "highest": by_effect.max(),
        "bias_over_se": bias.mean(),
        "nothing_planted": int(none.sum()),
        "false_positives": found["rejected"][:, chosen][:, none].mean() if none.any() else np.nan,
    }


def summary(found):
    """A line for each measure and term, one for all that is planted (not zero), one for all.

    ``bias_over_se`` is the mean over regions of the mean error in standard errors, ``lowest`` and
    ``highest`` the coverage of single effects, ``false_positives`` the share of p < .05 among
    effects with nothing planted.
    """
    rows = []
    for measure in MEASURES:
        here = found["measure"] == measure
        for j, term in enumerate(EFFECTS if here.any() else []):
            chosen = np.zeros(found["planted"].shape, bool)
            chosen[j] = here
            rows.append({"measure": measure, "term": term} | _row(found, chosen))
    planted = found["planted"] != 0
    rows.append({"measure": "all", "term": "planted"} | _row(found, planted))
    rows.append({"measure": "all", "term": "all"} | _row(found, np.ones_like(planted)))
    return pd.DataFrame(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cohorts", type=int, default=1000, help="simulated cohorts of 200")
    parser.add_argument("--write", action="store_true", help=f"keep the table as {RESULT.name}")
    options = parser.parse_args()
    start = time.perf_counter()
    table = summary(count(range(options.cohorts)))
    print(table.round(4).to_string(index=False))
    print(f"{options.cohorts} cohorts of 200, model {MODEL}: {time.perf_counter() - start:.0f} s")
    if options.write:
        table["cohorts"], table["people"] = options.cohorts, 200
        keep(table, RESULT)


if __name__ == "__main__":
    main()
