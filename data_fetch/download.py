"""Studies: copied from a mirror or fetched over HTTP, many files at once, every one checked."""

import functools
import shutil
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from data_fetch import catalogue, network, parallel, parts, sentences, sources, storage
from data_fetch.storage import ChecksumError, FetchError, StorageError

# Bytes above which `get` asks.
ASK_ABOVE = 200_000_000
# Connections; more than about six help nobody on a shared Wi-Fi.
JOBS = 6
# A stick is read fastest by one or two at a time.
FOLDER_JOBS = 2
# Seconds between two reports of progress.
EVERY = 0.1


@dataclass(frozen=True)
class Result:
    """What `get` did.

    Attributes
    ----------
    fetched, present, absent : tuple of Entry
        Files that were fetched, were there already, or are not in the mirror.
    planned : tuple of Entry
        Of a dry run: files that would be fetched.
    """

    fetched: tuple = ()
    present: tuple = ()
    absent: tuple = ()
    planned: tuple = ()

    @property
    def partial(self):
        """Whether some files of the subset could not be had."""
        return bool(self.absent)


@dataclass(frozen=True)
class Verified:
    """What `verify` found.

    Attributes
    ----------
    good : tuple of Entry
        Files that are there and right.
    wrong : tuple of (Entry, str)
        Files that are there but differ, with the digest they have.
    absent : tuple of Entry
        Files of the subset that are not there.
    unchecked : tuple of Entry
        Files that are there, but nobody told their checksum.
    """

    good: tuple
    wrong: tuple
    absent: tuple
    unchecked: tuple = ()


def get(
    name,
    target,
    *,
    mirror=None,
    nearby=None,
    subset="mini",
    progress=None,
    each=None,
    jobs=JOBS,
    confirm=None,
    dry_run=False,
    wait=None,
):
    """Fetch the files of a study that are not there yet.

    Each file is written beside its place, checked, and renamed: it is there whole and right,
    or not at all. Files that are already right are not fetched again; one that was cut short,
    or whose process was killed, goes on where it stopped. Two calls at once on the same folder
    wait for each other.

    Parameters
    ----------
    name : str
        A study of the catalogue, see `data_fetch.names`.
    target : str or Path
        Study folder; made if need be.
    mirror : str or Path, optional
        Folder (USB stick, LAN) or http(s) address that holds ``<name>/<path>``. It need not be
        complete: what it lacks is listed in the result. Without it files come from their public
        addresses, the next one where one fails.
    nearby : str or Path, optional
        Another copy of the study's folder: what is right there is copied, not fetched.
    subset : str
        "mini", "workshop", "full" or a part of the study.
    progress : callable, optional
        Called as ``progress(message, done, total)``, in bytes of all files together.
    each : callable, optional
        Called as ``each(path, done, size)`` for single files; `size` is None where unknown.
    jobs : int
        Connections at once; a folder is read by at most two.
    confirm : callable, optional
        Called as ``confirm(bytes)`` before more than `ASK_ABOVE` bytes; where it gives False
        nothing is fetched. By default nobody is asked.
    dry_run : bool
        Only say what would be fetched; nothing is written.
    wait : callable, optional
        Called as ``wait(seconds)`` between attempts, in place of waiting.

    Returns
    -------
    Result

    Raises
    ------
    FetchError
        If the name, the subset or the mirror is unknown, an address cannot be reached, or
        `confirm` said no.
    ChecksumError
        If files differ from the manifest; they are not kept, the others are.
    StorageError
        If `target` is full or cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     get("aomic", folder, mirror="/nowhere")
    Traceback (most recent call last):
    data_fetch.storage.FetchError: The mirror '/nowhere' has no folder 'aomic'...
    """
    target, line = Path(target), network.Line(wait=wait)
    listed = catalogue.select(catalogue.manifest(name), subset)
    if mirror is not None:
        sources.require_mirror(mirror, name)
    entries = sources.learnt(listed, name, [target, nearby], mirror, line)
    find = functools.partial(sources.places, name=name, mirror=mirror, nearby=nearby)
    plan = _plan(entries, target, find)
    if dry_run:
        return plan
    if mirror is None and not all(entry.checksum for entry in plan.planned):
        entries = sources.resolved(entries, plan.planned)
        plan = _plan(entries, target, find)
    size = _require_consent(plan.planned, confirm)
    with storage.explained(target, catalogue.human_size(size)):
        _require_space(target, plan.planned)
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f"{target.name}.lock")):
            # Somebody else may have fetched in the meantime.
            plan = _still(plan, target)
            sources.remember(target, entries, listed)
            if mirror is not None and not sources.is_address(mirror):
                jobs = min(jobs, FOLDER_JOBS)
            report, total = _reporter(plan.planned, progress, each, line.stop)
            problems = _fetch(plan.planned, target, find, line, report, jobs)
    if progress and plan.planned:
        progress("done", total(), total())
    return _result(plan, problems, name, subset, mirror)


def verify(name, target, *, subset="mini", progress=None):
    """Check every file of a study that is there against the manifest.

    Parameters
    ----------
    name : str
        A study of the catalogue.
    target : str or Path
        Study folder.
    subset : str
        What is expected to be there; files beyond it are checked if they are.
    progress : callable, optional
        Called as ``progress(message, done, total)``, in bytes on this disk.

    Returns
    -------
    Verified
    """
    entries = sources.learnt(catalogue.manifest(name), name, [target])
    expected = {entry.path for entry in catalogue.select(entries, subset)}
    paths = {entry: catalogue.safe_path(target, entry.path) for entry in entries}
    here = {entry: path for entry, path in paths.items() if path.is_file()}
    sizes = {entry: path.stat().st_size for entry, path in here.items()}
    good, wrong, unchecked, done = [], [], [], 0
    for entry, path in here.items():
        if progress:
            progress(entry.path, done, sum(sizes.values()))
        done += sizes[entry]
        if not entry.checksum:
            unchecked.append(entry)
            continue
        found = storage.digest(path, entry.algorithm)
        good.append(entry) if found == entry.checksum else wrong.append((entry, found))
    if progress:
        progress("done", done, done)
    absent = [entry for entry in entries if entry.path in expected and entry not in here]
    return Verified(tuple(good), tuple(wrong), tuple(absent), tuple(unchecked))


def _plan(entries, target, find):
    planned, present, absent = [], [], []
    for entry in entries:
        if _is_right(entry, target):
            present.append(entry)
        elif find(entry):
            planned.append(entry)
        else:
            absent.append(entry)
    return Result((), tuple(present), tuple(absent), tuple(planned))


def _still(plan, target):
    arrived = tuple(entry for entry in plan.planned if _is_right(entry, target))
    planned = tuple(entry for entry in plan.planned if entry not in arrived)
    return Result((), plan.present + arrived, plan.absent, planned)


def _is_right(entry, target):
    path = catalogue.safe_path(target, entry.path)
    if not entry.checksum or not path.is_file():
        return False
    if entry.bytes is not None and path.stat().st_size != entry.bytes:
        return False
    return storage.digest(path, entry.algorithm) == entry.checksum


def _require_consent(entries, confirm):
    size, _ = catalogue.total_size(entries)
    if confirm and size > ASK_ABOVE and not confirm(size):
        raise FetchError(f"Nothing was fetched: {catalogue.human_size(size)} were not wanted.")
    return size


def _require_space(target, entries):
    needed, _ = catalogue.total_size(entries)
    there = next(path for path in (target, *target.absolute().parents) if path.exists())
    unfinished = [parts.part_names(catalogue.safe_path(target, e.path))[0] for e in entries]
    # What came before the last cut is on the disk already.
    needed -= sum(part.stat().st_size for part in unfinished if part.is_file())
    free = shutil.disk_usage(there).free
    if needed > free:
        raise StorageError(
            f"Cannot write to {target}: {catalogue.human_size(needed)} are needed, "
            f"{catalogue.human_size(free)} are free. {storage.ELSEWHERE}"
        )


def _fetch(entries, target, find, line, report, jobs):
    """Fetch many files; entry to what every place said that did not give it, none if one did."""

    def one(entry):
        path = catalogue.safe_path(target, entry.path)
        tell = functools.partial(report, entry.path)
        problems = []
        for place in find(entry):
            try:
                sources.take(place, entry, path, line, tell)
                return None
            except network.SourceError as error:
                problems.append((place, error))
        return problems

    try:
        return parallel.run(one, entries, jobs, line)
    except OSError:
        # The disk is full or gone: give back what the unfinished files take.
        for entry in entries:
            for left in parts.part_names(catalogue.safe_path(target, entry.path)):
                left.unlink(missing_ok=True)
        raise


def _reporter(entries, progress, each, stop):
    """Add up the bytes that come, from several threads, and tell them now and then."""
    sizes = {entry.path: entry.bytes for entry in entries}
    done, shown, last, lock = Counter(), set(), 0.0, threading.Lock()

    def report(path, n, size=None):
        nonlocal last
        if stop.is_set():
            raise parallel.Stopped
        with lock:
            done[path] += n
            sizes[path] = sizes[path] if size is None else size
            finished = done[path] == sizes[path] and path in shown
            now = time.monotonic()
            if now - last < EVERY and not finished:
                return
            last = now
            shown.add(path)
            if progress:
                progress(path, done.total(), sum(size or 0 for size in sizes.values()))
            if each:
                each(path, done[path], sizes[path])

    return report, done.total


def _result(plan, problems, name, subset, mirror):
    fetched, absent, bad = [], list(plan.absent), {}
    for entry in plan.planned:
        said = problems[entry]
        if said is None:
            fetched.append(entry)
        elif mirror is not None and all(error.kind == "gone" for _, error in said):
            absent.append(entry)
        else:
            bad[entry] = said
    kept = len(plan.present) + len(fetched)
    if bad:
        only_wrong = all(any(e.kind == "wrong" for _, e in said) for said in bad.values())
        words = sentences.failed(bad, name, subset, kept)
        raise ChecksumError(words) if only_wrong else FetchError(words)
    if mirror is not None and not kept:
        raise FetchError(sentences.nothing_there(mirror, name, absent))
    return Result(tuple(fetched), plan.present, tuple(absent))
