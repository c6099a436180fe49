"""Execute every notebook once, measured, into the cache that the book reads.

``python book/_ext/execute_once.py`` runs the notebooks that have changed, two at a time, and keeps
seconds and peak memory with the outputs. Sphinx then executes nothing, and the budgets page shows
what was measured. A notebook over 1.5 times its stated limit is run a second time; if it is over
again the command fails.
"""

import argparse
import hashlib
import os
import shutil
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import jupytext
import psutil
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbclient import NotebookClient

from mriworkbook.editions import read_front_matter
from mriworkbook.studies import open_study

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 1.5  # so that a busy machine does not fail an honest notebook
MEGABYTE = 2**20


def cache_folder(root=ROOT):
    """Folder of the execution cache: a new one whenever code, lock or study change."""
    digest = hashlib.sha256(os.environ.get("MRIWORKBOOK_STUDY", "practice").encode())
    sources = [
        *root.glob("src/**/*.py"),
        *root.glob("data_fetch/**/*.py"),
        root / "requirements.lock",
    ]
    for path in sorted(sources):
        digest.update(path.read_bytes())
    return root / "_build" / f".jupyter_cache-{digest.hexdigest()[:12]}"


def peak_of(pid):
    """Largest resident memory of a process so far, in MB; NaN off Linux.

    Read from /proc, because getrusage reports the parent's peak for a forked kernel.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return float("nan")
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) / 1024


def workers_of(pid):
    """Memory of a process's children now, in MB, shared pages counted once (PSS)."""
    total = 0
    try:
        for child in psutil.Process(pid).children(recursive=True):
            info = child.memory_full_info()
            total += getattr(info, "pss", info.rss)
    except psutil.Error:  # a worker ended while it was looked at
        pass
    return total / MEGABYTE


class Watch(threading.Thread):
    """Sample the memory of a kernel's workers until stopped."""

    def __init__(self, pid_of):
        super().__init__(daemon=True)
        self.pid_of, self.peak, self.done = pid_of, 0.0, threading.Event()

    def run(self):
        while not self.done.wait(0.1):
            pid = self.pid_of()
            if pid:
                self.peak = max(self.peak, workers_of(pid))


def execute(path):
    """Run one notebook in a fresh kernel.

    Returns
    -------
    notebook, dict
        The executed notebook, and ``seconds`` and ``megabytes`` (kernel plus workers).
    """
    notebook = jupytext.read(path)
    kernel = {"peak": 0.0}
    client = NotebookClient(
        notebook,
        timeout=300,
        record_timing=False,  # times in the metadata would change the cache key
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_executed=lambda **_: kernel.update(peak=peak_of(client.km.provisioner.pid)),
    )
    watch = Watch(lambda: getattr(getattr(client.km, "provisioner", None), "pid", None))
    watch.start()
    start = time.perf_counter()
    try:
        client.execute()
    finally:
        watch.done.set()
        watch.join()
    seconds = time.perf_counter() - start
    return notebook, {"seconds": round(seconds, 1), "megabytes": round(kernel["peak"] + watch.peak)}


def over_budget(measured, budget):
    """Names of the limits that a measurement breaks, tolerance included."""
    return [name for name in ("seconds", "megabytes") if measured[name] > TOLERANCE * budget[name]]


def measurement(path, cache):
    """What was measured when this very notebook was executed, or None."""
    try:
        return cache.match_cache_notebook(jupytext.read(path)).data
    except KeyError:
        return None


def run(path, cache):
    """Execute a notebook unless the cache has it; return a line for the terminal and success."""
    budget = read_front_matter(path.read_text(encoding="utf-8"))["budget"]
    measured = measurement(path, cache)
    state = "unchanged"
    if measured is None:
        state = "executed"
        notebook, measured = execute(path)
        if over_budget(measured, budget):
            open_study().memory.clear(warn=False)
            notebook, again = execute(path)
            measured = {name: min(measured[name], again[name]) for name in measured}
        measured["date"] = date.today().isoformat()
        bundle = CacheBundleIn(notebook, str(path.resolve()), data=measured)
        cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    broken = over_budget(measured, budget)
    line = (
        f"{path.stem:28} {state:10} {measured['seconds']:6.1f} s of {budget['seconds']}"
        f"  {measured['megabytes']:5.0f} MB of {budget['megabytes']}"
        + ("".join(f"  OVER BUDGET: {name}" for name in broken))
    )
    return line, not broken


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all in notebooks/")
    parser.add_argument("--jobs", type=int, default=2, help="notebooks at a time")
    options = parser.parse_args(arguments)
    paths = options.notebooks or sorted((ROOT / "notebooks").glob("*.md"))

    # A solution that fails its own check stops the build; progress bars stay off the page.
    os.environ |= {"MRIWORKBOOK_STRICT": "1", "MRIWORKBOOK_QUIET": "1"}
    folder = cache_folder()
    for stale in set(folder.parent.glob(".jupyter_cache-*")) - {folder}:
        shutil.rmtree(stale)
    cache = get_cache(str(folder))
    _ = cache.db  # the database is made on first touch; two threads at once would both make it
    # Cold numbers are the ones that count: what a learner meets on the first run.
    open_study().memory.clear(warn=False)

    with ThreadPoolExecutor(options.jobs) as pool:
        results = []
        for line, good in pool.map(lambda path: run(path, cache), paths):
            print(line, flush=True)
            results.append(good)
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
