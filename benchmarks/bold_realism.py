"""Practice against real BOLD: does a number of a simulated run lie where real runs have it?

``python benchmarks/bold_realism.py --real ../shared/data --write`` measures the real files and
keeps their ranges; they were written before any practice run was made, and the amplitudes of
``practice/parameters/bold.py`` were frozen from them. ``python benchmarks/bold_realism.py --write``
measures the practice study by the same code. What lies outside is explained in
``bold_realism_notes``, not tuned. ``--carpets FILE`` draws a real and a practice run side by side.
A range is the smallest and largest of up to twenty values; of more, the 2.5th and 97.5th centile.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from bold_realism_carpets import draw_carpets
from bold_realism_notes import NOTES
from bold_realism_practice import practice_values
from bold_realism_real import real_values, source
from realism import bounds, stamp, verdict

RESULT = Path(__file__).parent / "results" / "bold_realism.tsv"
REAL = Path(__file__).resolve().parents[2] / "shared" / "data"


def real_table(values):
    """Frozen columns: quantity, real_low, real_high, n_real, source."""
    rows = [(name, *bounds(found), source(name)) for name, found in values.items()]
    return pd.DataFrame(rows, columns=["quantity", "real_low", "real_high", "n_real", "source"])


def count_inside(values, low, high):
    """How many values lie from low to high.

    Examples
    --------
    >>> count_inside([1, 2, 3], 2, 9)
    2
    """
    values = np.asarray(values, float)
    return int(((values >= low) & (values <= high)).sum())


def with_practice(table, values):
    """The frozen table with the practice columns.

    practice_low, practice_high and n_practice, how many of these lie inside the real range, the
    verdict and a note.
    """
    table = table[["quantity", "real_low", "real_high", "n_real", "source"]].copy()
    found = [bounds(values.get(name, [])) for name in table["quantity"]]
    columns = ["practice_low", "practice_high", "n_practice"]
    table[columns] = pd.DataFrame(found, columns=columns, index=table.index)
    table["n_inside"] = [
        count_inside(values.get(row.quantity, []), row.real_low, row.real_high)
        for row in table.itertuples()
    ]
    table["inside"] = [verdict(row) for row in table.itertuples()]
    table["note"] = [
        "" if row.inside == "yes" else NOTES.get(row.quantity, "") for row in table.itertuples()
    ]
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", type=Path, help="measure the real files of this folder instead")
    parser.add_argument("--study", type=Path, help="folder of a practice study (default: yours)")
    parser.add_argument("--carpets", type=Path, help="only draw both kinds of run, as PNG")
    parser.add_argument("--write", action="store_true", help=f"keep the table as {RESULT.name}")
    options = parser.parse_args()
    if options.carpets:
        draw_carpets(options.real or REAL, options.study, options.carpets)
        return
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
