"""Keep a measured table in ``results/``, with the day and the commit whose code measured it."""

import subprocess
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]


def keep(table, path, digits=4):
    """Write a table with columns ``date`` and ``commit``, floats rounded.

    A ``+`` after the commit says that the code had changes which it does not hold.

    Parameters
    ----------
    table : DataFrame
    path : Path
        Ends in .tsv.
    digits : int
    """
    commit = _git("rev-parse", "--short", "HEAD")
    changed = _git("status", "--porcelain", "--", "src", "benchmarks/*.py")
    table = table.assign(date=date.today().isoformat(), commit=commit + "+" * bool(changed))
    table.round(digits).to_csv(path, sep="\t", index=False, na_rep="n/a")
    print(f"kept: {path.name}")


def _git(*words):
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.strip()
