"""Practice against real files: does a simulated number lie where real ones lie?

``python benchmarks/realism.py --real ../shared/data --write`` measures the real files and keeps
their ranges. They were written before any practice file was measured; added or redefined after a
first look at two practice people: rows of k-means classes, MRIQC's cnr and cjv, left against right,
shares of volume, MUSE's cortex, and fluid on T2w and FLAIR (purest tenth instead of the median).
``python benchmarks/realism.py --write`` measures the practice study by the same code and fills in
the other columns. What lies outside is explained in ``realism_notes``, not tuned.
A range is the smallest and largest of up to twenty values; of more, the 2.5th and 97.5th centile.
"""

import argparse
import subprocess
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from realism_notes import NOTES
from realism_practice import practice_values
from realism_real import SOURCES, real_values

RESULT = Path(__file__).parent / "results" / "realism.tsv"


def bounds(values):
    """Low, high and number of finite values.

    Examples
    --------
    >>> [float(x) for x in bounds([3, 1, 2])]
    [1.0, 3.0, 3.0]
    """
    values = np.asarray(values, float).ravel()
    values = values[np.isfinite(values)]
    if not values.size:
        return np.nan, np.nan, 0
    ends = (0, 1) if values.size <= 20 else (0.025, 0.975)
    return (*np.quantile(values, ends), values.size)


def real_table(values):
    """Frozen columns: quantity, real_low, real_high, n_real, source."""
    rows = [(name, *bounds(found), SOURCES[name]) for name, found in values.items()]
    return pd.DataFrame(rows, columns=["quantity", "real_low", "real_high", "n_real", "source"])


def verdict(row):
    """Whether the practice range lies in the real one; one real file makes no range."""
    if row.n_practice == 0:
        return "not measured"
    if row.n_real == 1:
        return "one real file"
    if row.practice_low >= row.real_low and row.practice_high <= row.real_high:
        return "yes"
    apart = row.practice_high < row.real_low or row.practice_low > row.real_high
    return "no" if apart else "partly"


def with_practice(table, values):
    """The frozen table with practice_low, practice_high, n_practice, inside and note."""
    table = table[["quantity", "real_low", "real_high", "n_real", "source"]].copy()
    found = [bounds(values.get(name, [])) for name in table.quantity]
    for column, numbers in zip(
        ("practice_low", "practice_high", "n_practice"), zip(*found, strict=True), strict=True
    ):
        table[column] = numbers
    table["inside"] = [verdict(row) for row in table.itertuples()]
    table["note"] = [
        "" if row.inside == "yes" else NOTES.get(row.quantity, "") for row in table.itertuples()
    ]
    return table


def stamp(table, side):
    """Date and commit of one side's columns."""
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    table[f"{side}_date"], table[f"{side}_commit"] = date.today().isoformat(), commit
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", type=Path, help="measure the real files of this folder instead")
    parser.add_argument("--study", type=Path, help="folder of a practice study (default: yours)")
    parser.add_argument("--write", action="store_true", help=f"keep the table as {RESULT.name}")
    options = parser.parse_args()
    if options.real:
        table = stamp(real_table(real_values(options.real)), "real")
    else:
        kept = pd.read_csv(RESULT, sep="\t", keep_default_na=False, na_values=["nan", ""])
        table = with_practice(kept, practice_values(options.study))
        table[["real_date", "real_commit"]] = kept[["real_date", "real_commit"]]
        table = stamp(table, "practice")
    print(table.drop(columns=["source"]).to_string(float_format="{:.4g}".format))
    if options.write:
        table.to_csv(RESULT, sep="\t", index=False, float_format="%.5g")
        print(f"kept: {RESULT.name}")


if __name__ == "__main__":
    main()
