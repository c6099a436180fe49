"""Kill the making of the practice study at fifty moments, look at what is there, then open it.

``python benchmarks/kill_loop.py`` tries two kinds of moments, each on the way to the stage
"anatomy" and to the stage "functional", from an empty data folder and from one with other stages.
*Simulating*: SIGKILL after a random time, anywhere in the real run (two people of each stage, the
cohorts, the parcellation). *Storing*: SIGKILL just before one of the changes of the disk, every one
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
from pathlib import Path

import numpy as np
import pandas as pd
from kept import keep

from data_fetch.storage import digest
from mriworkbook import store

RESULT = Path(__file__).parent / "results" / "kill_loop.tsv"
PEOPLE = {"02", "11", "20"}
# What is there, and the stage that is being made.
WAYS = (
    ("nothing", "anatomy"),
    ("core", "anatomy"),
    ("nothing", "functional"),
    ("core+anatomy", "functional"),
)
# Of the calls that follow a kill of the real run, every fifth simulates again; the others get the
# ready files: what is tried is whether the leftovers are dealt with.
REAL_EVERY = 5

CHILD = """
import os, shutil, signal, sys
from pathlib import Path
import mriworkbook.practice as practice
from mriworkbook.practice import parameters
for table in (parameters.PEOPLE, parameters.BOLD_PEOPLE):
    for label in set(table) - {people}:
        del table[label]
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


def child(data, stage, **environment):
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


def finish(data, stage, **environment):
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
    """Make every stage in earnest: data folders to start from, ready files, seconds of each way."""
    (folder / "nothing").mkdir(parents=True)
    core = folder / "core"
    seconds = {"core": finish(core, "core")[0]}
    shutil.copytree(core / store.PRACTICE, folder / "ready" / "core")
    shutil.rmtree(folder / "ready" / "core" / store.STAMP.parts[0])
    for stage in ("anatomy", "functional"):
        data = shutil.copytree(core, folder / f"core+{stage}")
        seconds[stage], _ = finish(data, stage)
        keep_added(core / store.PRACTICE, data / store.PRACTICE, folder / "ready" / stage)
    return {
        (start, stage): seconds[stage] + (seconds["core"] if start == "nothing" else 0)
        for start, stage in WAYS
    }


def keep_added(core, study, ready):
    """Copy the files that a stage added to the core, or changed there."""
    for path in study.rglob("*"):
        inside = path.relative_to(study)
        if path.is_dir() or inside == store.STAMP:
            continue
        twin = core / inside
        if not twin.is_file() or not filecmp.cmp(path, twin, shallow=False):
            (ready / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, ready / inside)


def storing_moments(folder, start, stage, n, rng):
    """Numbers of changes: those around the renames, the others at random after the last file."""
    data = shutil.copytree(folder / start, folder / "counted")
    _, said = finish(data, stage, READY=str(folder / "ready"), CHANGES="1")
    shutil.rmtree(data)
    lines = said.splitlines()
    stamp = max(
        number
        for number, line in enumerate(lines)
        if line.startswith("open") and line.endswith(store.STAMP.name)
    )
    # The stamp, the one or two renames, and what follows.
    near = list(range(stamp, min(stamp + 4, len(lines))))[:n]
    rest = [i for i in range(len(lines)) if i not in near]
    return sorted([*near, *rng.choice(rest, max(0, n - len(near)), replace=False).tolist()])


def kill(folder, start, stage, kind, moment, real):
    """One kill and the call that follows; a row of the table."""
    data = shutil.copytree(folder / start, folder / "victim")
    ready = {"READY": str(folder / "ready")}
    if kind == "simulating":
        process = child(data, stage)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
    else:
        process = child(data, stage, **ready, MOMENT=str(moment))
    process.communicate()
    row = {"kind": kind, "start": start, "stage": stage, "moment": moment}
    row["killed"] = process.returncode == -signal.SIGKILL
    row["left"] = state(data)
    row["next_call_simulates"] = real
    row["next_call_seconds"], _ = finish(data, stage, **({} if real else ready))
    row["then"] = state(data)
    row["leftovers"] = len({path.name for path in data.iterdir()} - {"practice", "practice.lock"})
    shutil.rmtree(data)
    return row


def is_good(row):
    before = [] if row["start"] == "nothing" else row["start"].split("+")
    after = "+".join(store.needed_stages([*before, row["stage"]]))
    # Between the two renames there is none, and the next call puts it back.
    left = {row["start"], after} | ({"nothing"} if row["kind"] == "storing" else set())
    return row["left"] in left and row["then"] == after and row["leftovers"] == 0


def moments(folder, n, rng):
    """What to try: start, stage, kind, moment, whether the next call simulates in earnest."""
    seconds = prepare(folder)
    timed = [n // 2 // len(WAYS) + (i < n // 2 % len(WAYS)) for i in range(len(WAYS))]
    stored = [(n - n // 2) // len(WAYS) + (i < (n - n // 2) % len(WAYS)) for i in range(len(WAYS))]
    for way, n_timed in zip(WAYS, timed, strict=True):
        for number, second in enumerate(np.sort(rng.uniform(0, seconds[way], n_timed))):
            yield *way, "simulating", round(float(second), 2), number % REAL_EVERY == 0
    for way, n_stored in zip(WAYS, stored, strict=True):
        for change in storing_moments(folder, *way, n_stored, rng):
            yield *way, "storing", int(change), False


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
    print(
        table.groupby(["kind", "start", "stage", "left"])["good"].agg(["sum", "count"]).to_string()
    )
    print(f"{table['good'].sum()} of {len(table)} good, {time.monotonic() - begin:.0f} s")
    if options.write:
        keep(table, RESULT, digits=2)
    sys.exit(not table["good"].all())


if __name__ == "__main__":
    main()
