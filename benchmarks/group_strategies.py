"""Two groups that differ in motion: which comparison is honest, and what does honesty cost?

``python benchmarks/group_strategies.py`` draws thousands of studies of 60 + 60 people (the first
10 + 10 of each are a small study) by the model of the practice study's series cohort, cleans every
scan in several ways, and compares the mean coupling of the default mode between the groups by a
t test (Welch), with mean framewise displacement (FD) as a covariate, and in pairs matched for it,
by a paired t test. A first run of 2,000 studies took Welch's test for the pairs, too; because
matched people are alike, its false positives were .036 to .042 in large studies with artefact, but
for the strictest scrubbing (.058). Nothing else was changed after it.

Columns: bias and false positives where the groups' coupling does not differ; estimate, power and
empirical standard error where it does, with what is planted; people per group and volumes in use,
degrees of freedom that cleaning takes, and how many independent volumes what is left is worth
(1 / variance of the correlation of uncoupled series, + 1); as_good_as: how many people per group
who do not move would find the effect as well. The intervals are 95 %: Wilson's for
shares, mean +- 1.96 standard errors for the bias. "no artefact" is what an unmoved head would have
given. "60, no overlap of motion" has the controls below and the patients above the median FD of the
same studies. ``--write`` keeps the table, with date and commit, for the book's validation page.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from group_studies import CLEANING, DESIGNS, TESTS, compare_all, draw_study
from joblib import Parallel, delayed
from kept import keep
from threadpoolctl import threadpool_limits

RESULT = Path(__file__).parent / "results" / "group_strategies.tsv"
ALPHA, NORMAL = 0.05, 1.959964
FEWEST = 0.5  # share of studies in which a test can be done; below, it is not reported


def wilson(hits, n):
    """95 % interval of a share; Wilson 1927 (10.1080/01621459.1927.10502953).

    Examples
    --------
    >>> [round(limit, 3) for limit in wilson(50, 1000)]
    [0.038, 0.065]
    """
    share, square = hits / n, NORMAL**2 / n
    centre = (share + square / 2) / (1 + square)
    half = NORMAL / (1 + square) * np.sqrt(share * (1 - share) / n + square / (4 * n))
    return centre - half, centre + half


def one_study(seed):
    """Comparisons (designs, cleaning, tests, 5, worlds) and costs of one study."""
    # The matrices are small: threads would only wait for each other.
    with threadpool_limits(1):
        study = draw_study(seed)
    planted = (study["planted"][1] - study["planted"][0])[study["patient"]].mean()
    costs = np.stack([study[name] for name in ("volumes", "taken", "chance")])
    staying = ~np.isnan(study["z"][:, 0])
    # What dropped people had does not count.
    costs = np.where(staying, costs, np.nan)
    counts = (~np.isnan(costs)).sum(axis=2)
    return compare_all(study), np.nansum(costs, axis=2), counts, planted


def run(seeds, n_jobs=2):
    """Draw, clean and compare many studies.

    Parameters
    ----------
    seeds : iterable of int
    n_jobs : int

    Returns
    -------
    found : ndarray (studies, designs, cleaning, tests, 5, worlds)
        See `group_studies.compare`.
    costs : ndarray (3, cleaning)
        Means over people: volumes, degrees of freedom taken, squared correlation by chance.
    planted : float
        Mean planted difference, Fisher z.
    """
    done = Parallel(n_jobs=n_jobs)(delayed(one_study)(seed) for seed in seeds)
    found, sums, counts, planted = zip(*done, strict=True)
    counts = np.sum(counts, axis=0)
    costs = np.divide(
        np.sum(sums, axis=0), counts, out=np.full(counts.shape, np.nan), where=counts > 0
    )
    return np.array(found), costs, float(np.mean(planted))


def _share(p):
    """Share of p < .05 and its interval."""
    hits = int((p < ALPHA).sum())
    return (hits / len(p), *wilson(hits, len(p)))


def _row(cell, planted):
    """Numbers of one design, cleaning and test; cell (studies, 5, worlds)."""
    possible = ~np.isnan(cell[:, 2]).any(axis=1)
    row = {"studies": int(possible.sum()), "people": cell[:, 3:, 0].mean()}
    if row["studies"] < max(2, FEWEST * len(cell)):
        return row
    null, effect = cell[possible, :, 0], cell[possible, :, 1]
    error = null[:, 0].std(ddof=1) / np.sqrt(len(null))
    row["bias"] = null[:, 0].mean()
    row["bias_low"] = row["bias"] - NORMAL * error
    row["bias_high"] = row["bias"] + NORMAL * error
    for name, world in (("false_positives", null), ("power", effect)):
        row[name], row[f"{name}_low"], row[f"{name}_high"] = _share(world[:, 2])
    row["estimate"], row["planted"] = effect[:, 0].mean(), planted
    row["spread"], row["mean_se"] = effect[:, 0].std(ddof=1), effect[:, 1].mean()
    return row


def summary(found, costs, planted):
    """A line for each design, cleaning and test; see the module's text for the columns."""
    rows = []
    for d, c, t in np.ndindex(*found.shape[1:4]):
        names = {"design": DESIGNS[d], "cleaning": CLEANING[c], "test": TESTS[t]}
        volumes, taken, chance = costs[:, c]
        cost = {"volumes": volumes, "df_taken": taken, "worth": 1 / chance + 1}
        rows.append(names | _row(found[:, d, c, t], planted) | cost)
    order = ["design", "cleaning", "test", "studies", "people", "volumes", "df_taken", "worth"]
    table = pd.DataFrame(rows)
    table["as_good_as"] = _as_good_as(table)
    return table[[*order, *(name for name in table if name not in order)]]


def _as_good_as(table):
    """People per group whose heads did not move that would find the effect as well.

    n (d / d_0)^2 with d the effect, free of the bias, over the spread of its estimate, and 0 the
    t test of the n people of the first design without artefact.
    """
    found = (table["estimate"] - table["bias"]) / table["spread"]
    return table.loc[0, "people"] * (found / found[0]) ** 2


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000, help="simulated studies of 60 + 60")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--write", action="store_true", help=f"keep the table as {RESULT.name}")
    options = parser.parse_args()
    start = time.perf_counter()
    table = summary(*run(range(options.studies), options.jobs))
    print(table.round(3).to_string(index=False))
    print(f"{options.studies} studies: {time.perf_counter() - start:.0f} s")
    if options.write:
        keep(table, RESULT)


if __name__ == "__main__":
    main()
