"""Kill a download at fifty random moments, look at what is there, then let it finish.

``python benchmarks/fetch_kill_loop.py`` serves random files from this machine (ten large enough for
several pieces, sixty small), starts a process that fetches them with six connections, and sends
SIGKILL after a random part of the time that a whole run takes. Whatever is then there under a real
name must be right; the next call must complete the study; and what the two together read from the
network may exceed a file's size by at most one chunk. The bytes are counted where they are read, in
memory that both processes share, before they go to the disk. ``--write`` keeps the table, with date
and commit, for the book's validation page.
"""

import argparse
import mmap
import pickle
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from kept import keep

from data_fetch import catalogue, serve, storage, transfer

RESULT = Path(__file__).parent / "results" / "fetch_kill_loop.tsv"
SIZES = {
    **{f"sub-{i:02d}/func/sub-{i:02d}_bold.nii.gz": 12_000_000 + 1000 * i for i in range(10)},
    **{f"sub-{i:02d}/anat/sub-{i:02d}_T1w.json": 500 + i for i in range(60)},
}

CHILD = """
import mmap, pickle, struct, sys
from data_fetch import catalogue, download, parts

entries, counts, target, address = sys.argv[1:]
listed = pickle.load(open(entries, "rb"))
catalogue.manifest = lambda name: listed
place = {f"{target}/{entry.path}.part": 8 * i for i, entry in enumerate(listed)}
memory = open(counts, "r+b")
shared = mmap.mmap(memory.fileno(), 0)
to_disk = parts.write

def count(file, piece):
    at = place[str(file.name)]
    shared[at : at + 8] = struct.pack("q", struct.unpack("q", shared[at : at + 8])[0] + len(piece))
    to_disk(file, piece)

parts.write = count
print("begun", flush=True)
download.get("bench", target, mirror=address)
"""


def make_files(folder, rng):
    """Random files below ``folder/bench`` and their manifest."""
    entries = []
    for path, size in SIZES.items():
        file = folder / "bench" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(rng.bytes(size))
        checksum = storage.digest(file, "sha256")
        # Some publishers tell no size.
        known = None if path.endswith("0.json") or "sub-03" in path else size
        entries.append(catalogue.Entry(path, known, "sha256", checksum, "mini", "http://unused/"))
    return entries


def child(folder, address):
    """Start a process that fetches the study; returned once it has begun."""
    places = [folder / "entries", folder / "counts", folder / "study" / "bench", address]
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, *map(str, places)], stdout=subprocess.PIPE, text=True
    )
    process.stdout.readline()
    return process


def finish(folder, address):
    """Let a call come to its end; its seconds."""
    start = time.monotonic()
    if child(folder, address).wait():
        raise RuntimeError("The call failed.")
    return time.monotonic() - start


def fresh(folder, entries):
    """No study, and nothing counted."""
    shutil.rmtree(folder / "study", ignore_errors=True)
    (folder / "counts").write_bytes(bytes(8 * len(entries)))


def state(folder, entries):
    """Numbers of right and of wrong files under their real names, and of unfinished ones."""
    study = folder / "study" / "bench"
    here = [entry for entry in entries if (study / entry.path).exists()]
    right = [e for e in here if storage.digest(study / e.path, "sha256") == e.checksum]
    return len(right), len(here) - len(right), len(list(study.rglob("*.part")))


def kill(folder, entries, address, moment):
    """One kill and the call that follows; a row of the table."""
    fresh(folder, entries)
    process = child(folder, address)
    time.sleep(moment)
    process.kill()
    row = {"moment": moment, "killed": process.wait() == -9}
    row["right"], row["wrong"], row["unfinished"] = state(folder, entries)
    finish(folder, address)
    row["then_right"], row["then_wrong"], row["then_unfinished"] = state(folder, entries)
    with (folder / "counts").open("rb") as file:
        read = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), "int64")
    again = read - [SIZES[entry.path] for entry in entries]
    row["most_bytes_again"], row["files_with_bytes_again"] = again.max(), (again > 0).sum()
    row["good"] = bool(
        row["wrong"] == row["then_wrong"] == row["then_unfinished"] == 0
        and row["then_right"] == len(entries)
        and 0 <= again.min() <= again.max() <= transfer.CHUNK
    )
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help=f"keep the table as {RESULT.name}")
    options = parser.parse_args()
    rng, rows, begin = np.random.default_rng(options.seed), [], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mriworkbook-kill-") as temporary:
        folder = Path(temporary)
        entries = make_files(folder / "mirror", rng)
        (folder / "entries").write_bytes(pickle.dumps(entries))
        with serve.running(folder / "mirror") as address:
            fresh(folder, entries)
            process = child(folder, address)
            start = time.monotonic()
            process.wait()
            seconds = time.monotonic() - start
            for moment in np.sort(rng.uniform(0, seconds, options.kills)):
                rows.append(kill(folder, entries, address, round(float(moment), 3)))
                print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    print(
        f"{table['good'].sum()} of {len(table)} good, {table['killed'].sum()} hit a running call, "
        f"{(table['unfinished'] > 0).sum()} left unfinished files, most bytes again "
        f"{table['most_bytes_again'].max()} (a chunk is {transfer.CHUNK}), "
        f"{time.monotonic() - begin:.0f} s"
    )
    if options.write:
        keep(table, RESULT, digits=3)
    sys.exit(not table["good"].all())


if __name__ == "__main__":
    main()
