"""Throughput of the downloader against ``curl`` piped to ``sha256sum``.

``python benchmarks/fetch_throughput.py`` makes random files, serves them with our own server from
this machine (loopback) and fetches them with as many connections at once in three ways:

- *each*: ``curl <address> | sha256sum`` for each file, N at a time: a checksum of every file, as
  the downloader takes, and nothing on the disk;
- *joined*: N times ``curl <a share of the addresses> | sha256sum``, connections kept open: one
  checksum for all files of a share, which checks none of them, and nothing on the disk; the least
  work that moves the bytes;
- *ours*: `data_fetch.get`: every file checked, written, renamed.

The ratio is curl's seconds by ours; .8 is what it has to be against *each*. The processor seconds
beside it are what remains comparable where others use the machine.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import numpy as np

import data_fetch
from data_fetch import catalogue

SETS = {"many small": (1000, 20_000), "few large": (4, 100_000_000)}
SERVER = "import sys; from data_fetch.serve import serve; serve(sys.argv[1], '127.0.0.1', 0)"


def make_files(folder, number, size):
    """Random files and their manifest (addresses are the mirror's)."""
    entries = []
    for index in range(number):
        path = folder / "bench" / f"sub-{index // 50:02d}" / "func" / f"run-{index:04d}_bold.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = os.urandom(size)
        path.write_bytes(content)
        place = path.relative_to(folder / "bench").as_posix()
        checksum = hashlib.sha256(content).hexdigest()
        entries.append(catalogue.Entry(place, size, "sha256", checksum, "mini", "http://unused/"))
    return entries


def each(address, entries, jobs, folder):
    """A curl and a sha256sum for every file."""
    lines = "\n".join(f"{address}/bench/{quote(entry.path)}" for entry in entries)
    one = 'set -o pipefail; curl -sf "$0" | sha256sum'
    command = ["xargs", "-P", str(jobs), "-n", "1", "bash", "-c", one]
    subprocess.run(command, input=lines, text=True, stdout=subprocess.DEVNULL, check=True)


def joined(address, entries, jobs, folder):
    """N curls, each with a share of the addresses, each piped to one sha256sum."""
    shares = [folder / f"share-{number}" for number in range(min(jobs, len(entries)))]
    for number, share in enumerate(shares):
        mine = entries[number :: len(shares)]
        share.write_text("".join(f'url = "{address}/bench/{quote(e.path)}"\n' for e in mine))
    running = [
        subprocess.Popen(
            ["bash", "-c", f"set -o pipefail; curl -sf --config '{share}' | sha256sum"],
            stdout=subprocess.DEVNULL,
        )
        for share in shares
    ]
    codes = [process.wait() for process in running]
    if any(codes):
        raise RuntimeError(f"curl failed: {codes}")


def ours(address, entries, jobs, folder):
    """One `get` into an empty folder."""
    catalogue.manifest = lambda name: entries
    target = tempfile.mkdtemp(dir=folder)
    result = data_fetch.get("bench", Path(target, "bench"), mirror=address, jobs=jobs)
    if len(result.fetched) != len(entries):
        raise RuntimeError(f"{len(result.fetched)} of {len(entries)} files came")


def timed(run, *arguments):
    """Seconds on the clock, and of the processor (the server's not among them)."""
    before, start = os.times(), time.perf_counter()
    run(*arguments)
    after = os.times()
    return time.perf_counter() - start, sum(after[:4]) - sum(before[:4])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=data_fetch.download.JOBS)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    worst = np.inf
    for name, (number, size) in SETS.items():
        print(f"{name}: {number} x {size / 1e6:g} MB, {options.jobs} connections")
        for ratio in compare(number, size, options.jobs, options.rounds):
            worst = min(worst, ratio)
    sys.exit(int(worst < 0.8))


def compare(number, size, jobs, rounds):
    """Print all rounds; the ratio of each against *each*."""
    with tempfile.TemporaryDirectory(prefix="mriworkbook-bench-") as temporary:
        folder = Path(temporary)
        entries = make_files(folder, number, size)
        command = [sys.executable, "-c", SERVER, str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            address = server.stdout.readline().strip()
            for _ in range(rounds):
                took = {
                    run.__name__: timed(run, address, entries, jobs, folder)
                    for run in (each, joined, ours)
                }
                for name, (seconds, busy) in took.items():
                    ratio = f"ratio {seconds / took['ours'][0]:.2f}" if name != "ours" else ""
                    print(
                        f"  {name:6} {seconds:6.2f} s, {number * size / 1e6 / seconds:5.0f} MB/s, "
                        f"processor {busy:6.2f} s  {ratio}"
                    )
                yield took["each"][0] / took["ours"][0]
            server.terminate()


if __name__ == "__main__":
    main()
