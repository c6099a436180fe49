"""Kill the making of the practice study at fifty moments, look at what is there, then open it.

``python benchmarks/kill_loop.py`` tries two kinds of moments, each with an empty data folder and
with one that has the core. *Simulating*: SIGKILL after a random time, anywhere in the real run (two
people and the cohort). *Storing*: SIGKILL just before one of the changes of the disk, every one
from the stamp to the renames and beyond, others at random; files made before stand in for the
simulation there, so that each takes a second or two. After every kill the study must be whole or
absent, and the next call must make it complete and leave nothing else behind.
``--write`` keeps the table, with date and commit, for the book's validation page.
"""

import argparse
import filecmp
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from data_fetch.storage import digest
from mriworkbook import store

RESULT = Path(__file__).parent / "results" / "kill_loop.tsv"
PEOPLE = {"02", "11"}
STARTS = ("nothing", "core")
# Of the calls that follow a kill of the real run, every fifth simulates again; the others get the
# ready files: what is tried is whether the leftovers are dealt with.
REAL_EVERY = 5

CHILD = """
import os, shutil, signal, sys
from pathlib import Path
import mriworkbook.practice as practice
from mriworkbook.practice import parameters
for label in set(parameters.PEOPLE) - {people}:
    del parameters.PEOPLE[label]
from mriworkbook.studies import open_study

ready, log, moment = os.environ.get("READY"), os.environ.get("CHANGES"), os.environ.get("MOMENT")

def make_stage(root, stage, **options):
    for path in sorted(Path(ready, stage).rglob("*")):
        target = root / path.relative_to(Path(ready, stage))
        if path.is_dir():
            target.mkdir(exist_ok=True)
        else:
            target.unlink(missing_ok=True)
            shutil.copyfile(path, target)

if ready:
    practice.make_stage = make_stage

seen = 0

def count(event, details):
    # Python announces what changes the disk before it happens.
    global seen
    changes = event in ("os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir")
    if changes or event == "open" and isinstance(details[1], str) and details[1][0] in "wax":
        if moment == str(seen):
            os.kill(os.getpid(), signal.SIGKILL)
        if log:
            os.write(2, f"{event} {details[0]}\\n".encode())
        seen += 1

sys.addaudithook(count)
open_study("practice", stage=os.environ["STAGE"])
"""


def child(data, stage="anatomy", **environment):
    """Start a process that opens the study below a data folder."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD.replace("{people}", repr(PEOPLE))],
        env=os.environ
        | {"MRIWORKBOOK_DATA": str(data), "MRIWORKBOOK_QUIET": "1", "STAGE": stage}
        # What a killed N4 leaves is not the study's.
        | {"TMPDIR": str(data.parent)}
        | environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(data, stage="anatomy", **environment):
    """Let the process end; its seconds and what it said."""
    start = time.monotonic()
    process = child(data, stage, **environment)
    _, said = process.communicate()
    if process.returncode:
        raise RuntimeError(f"The call failed with {process.returncode}:\n{said}")
    return time.monotonic() - start, said


def state(data):
    """Stages of the study that is there, "nothing", or "HALF-MADE"."""
    root = data / store.PRACTICE
    if not root.exists():
        return "nothing"
    stamp = store.read_stamp(root)
    whole = stamp and all(
        (root / path).is_file() and digest(root / path, "sha256") == checksum
        for path, checksum in stamp["files"].items()
    )
    return "+".join(stamp["stages"]) if whole else "HALF-MADE"


def prepare(folder):
    """Make both stages in earnest: data folders to start from, ready files, seconds of a run."""
    (folder / "nothing").mkdir(parents=True)
    core, both = folder / "core", folder / "both"
    core_seconds, _ = finish(core, "core")
    shutil.copytree(core, both)
    seconds, _ = finish(both)
    for stage, data in (("core", core), ("anatomy", both)):
        shutil.copytree(data / store.PRACTICE, folder / "ready" / stage)
        shutil.rmtree(folder / "ready" / stage / store.STAMP.parts[0])
    for path in (folder / "ready" / "core").rglob("*"):
        twin = folder / "ready" / "anatomy" / path.relative_to(folder / "ready" / "core")
        if path.is_file() and filecmp.cmp(path, twin, shallow=False):
            twin.unlink()
    return {"nothing": core_seconds + seconds, "core": seconds}


def storing_moments(folder, start, n, rng):
    """Numbers of changes: those around the renames, the others at random after the last file."""
    data = shutil.copytree(folder / start, folder / "counted")
    _, said = finish(data, READY=str(folder / "ready"), CHANGES="1")
    shutil.rmtree(data)
    lines = said.splitlines()
    stamp = max(
        number
        for number, line in enumerate(lines)
        if line.startswith("open") and line.endswith(store.STAMP.name)
    )
    near = list(range(stamp - 2, min(stamp + 8, len(lines))))
    rest = [i for i in range(len(lines)) if i not in near]
    return sorted([*near[:n], *rng.choice(rest, max(0, n - len(near)), replace=False).tolist()])


def kill(folder, start, kind, moment, real):
    """One kill and the call that follows; a row of the table."""
    data = shutil.copytree(folder / start, folder / "victim")
    ready = {"READY": str(folder / "ready")}
    if kind == "simulating":
        process = child(data)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
    else:
        process = child(data, **ready, MOMENT=str(moment))
    process.communicate()
    row = {"kind": kind, "start": start, "moment": moment, "killed": process.returncode == -9}
    row["left"] = state(data)
    row["next_call_simulates"] = real
    row["next_call_seconds"], _ = finish(data, **({} if real else ready))
    row["then"] = state(data)
    row["leftovers"] = len({path.name for path in data.iterdir()} - {"practice", "practice.lock"})
    shutil.rmtree(data)
    return row


def is_good(row):
    allowed = {"nothing": {"nothing", "core", "core+anatomy"}, "core": {"core", "core+anatomy"}}
    left = {*allowed[row["start"]], "nothing"} if row["kind"] == "storing" else allowed["nothing"]
    return row["left"] in left and row["then"] == "core+anatomy" and row["leftovers"] == 0


def moments(folder, n, rng):
    """What to try: kind, start, moment, whether the next call simulates in earnest."""
    run = prepare(folder)
    for start in STARTS:
        for number, second in enumerate(np.sort(rng.uniform(0, run[start], n // 4))):
            yield start, "simulating", round(float(second), 2), number % REAL_EVERY == 0
    for number, start in enumerate(STARTS):
        half = n - 2 * (n // 4)
        for change in storing_moments(folder, start, (half + number) // 2, rng):
            yield start, "storing", int(change), False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", type=int, default=50, help="how many kills")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help=f"keep the table as {RESULT.name}")
    options = parser.parse_args()
    rng, rows, begin = np.random.default_rng(options.seed), [], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mriworkbook-kill-") as folder:
        for plan in moments(Path(folder), options.moments, rng):
            rows.append(kill(Path(folder), *plan))
            rows[-1]["good"] = is_good(rows[-1])
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    print(table.groupby(["kind", "start", "left"])["good"].agg(["sum", "count"]).to_string())
    print(f"{table['good'].sum()} of {len(table)} good, {time.monotonic() - begin:.0f} s")
    if options.write:
        git = ["git", "rev-parse", "--short", "HEAD"]
        commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
        table["date"], table["commit"] = date.today().isoformat(), commit
        table.round(2).to_csv(RESULT, sep="\t", index=False)
        print(f"kept: {RESULT.name}")
    sys.exit(not table["good"].all())


if __name__ == "__main__":
    main()
