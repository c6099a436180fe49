"""Keep a measured table in ``results/``, with the day and the commit whose code measured it."""

import subprocess
from datetime import date


def keep(table, path, digits=4):
    """Write a table with columns ``date`` and ``commit``, floats rounded.

    Parameters
    ----------
    table : DataFrame
    path : Path
        Ends in .tsv.
    digits : int
    """
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    table = table.assign(date=date.today().isoformat(), commit=commit)
    table.round(digits).to_csv(path, sep="\t", index=False, na_rep="n/a")
    print(f"kept: {path.name}")
