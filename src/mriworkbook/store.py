"""Where studies are kept on this machine, and how the practice study gets there whole."""

import json
import os
import shutil
import uuid
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from data_fetch.storage import digest, explained
from mriworkbook.progress import progress_line

PRACTICE = "practice"
PRACTICE_SIZE = "50 MB"
STAMP = Path(".mriworkbook", "core.json")
REMAKE = "mriworkbook data get practice"
# Folders of runs that were killed; only the holder of the lock makes or removes them.
_MAKING, _OLD = ".practice-making-", ".practice-old-"


def data_root():
    """Folder that holds all studies and their caches.

    Returns
    -------
    Path
        The environment's ``MRIWORKBOOK_DATA``, else "mriworkbook" in the user's cache folder.
    """
    chosen = os.environ.get("MRIWORKBOOK_DATA")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return Path(platformdirs.user_cache_dir("mriworkbook", appauthor=False))


def make_practice(*, force=False):
    """Make the practice study unless it is there and up to date.

    It is built in a folder of its own and renamed when complete, under a lock: two kernels at
    once make it once, and a run that is stopped or killed leaves nothing half-written.

    Parameters
    ----------
    force : bool
        Make it anew even if it is up to date.

    Returns
    -------
    Path
        The study's folder.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    from mriworkbook import practice

    root = data_root() / PRACTICE
    # Without the lock, so that a complete study on a read-only disk can be used.
    if not force and _is_current(root, practice.fingerprint()):
        return root
    with explained(root.parent, PRACTICE_SIZE):
        root.parent.mkdir(parents=True, exist_ok=True)
        with _locked(root):
            _remove_leftovers(root.parent)
            if force or not _is_current(root, practice.fingerprint()):
                _build(root, practice)
    return root


def verify_practice():
    """Compare every file of the practice study with the checksum taken when it was made.

    Returns
    -------
    list of str or None
        Paths, below the study's folder, of files that are gone or changed; None if the study
        was not made yet.
    """
    root = data_root() / PRACTICE
    stamp = _read_stamp(root)
    if stamp is None:
        return None
    return [
        path
        for path, checksum in stamp["files"].items()
        if not (root / path).is_file() or digest(root / path, "sha256") != checksum
    ]


def _build(root, practice):
    """Make the study in a temporary sibling of `root`, then put it in place of `root`."""
    # Not tempfile.mkdtemp: its folders are private, a shared data root should not be.
    making = root.with_name(f"{_MAKING}{uuid.uuid4().hex}")
    making.mkdir()
    try:
        with progress_line("Making the practice study (once)") as report:
            practice.make_core(making, progress=report)
        _write_stamp(making, practice)
        _replace(making, root)
    except BaseException:
        _remove(making)
        raise


def _replace(new, root):
    old = root.with_name(f"{_OLD}{uuid.uuid4().hex}")
    if root.exists():
        root.rename(old)
    new.rename(root)
    _remove(old)


def _remove_leftovers(folder):
    for prefix in (_MAKING, _OLD):
        for leftover in folder.glob(f"{prefix}*"):
            _remove(leftover)


def _remove(folder):
    # What cannot be removed now (open on Windows, another user's) is tried again next time.
    shutil.rmtree(folder, ignore_errors=True)


def _locked(root):
    """Hold the lock beside the study; say so if another process is making it."""
    lock = FileLock(root.with_name(f"{root.name}.lock"))
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        with progress_line("Another notebook is making the practice study") as report:
            report("waiting for it", 0, 1)
            return lock.acquire()


def _is_current(root, fingerprint):
    stamp = _read_stamp(root)
    return stamp is not None and stamp["fingerprint"] == fingerprint


def _read_stamp(root):
    try:
        return json.loads((root / STAMP).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
        # No stamp, or a damaged one: the study does not count as made.
        return None


def _write_stamp(folder, practice):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    stamp = {
        "version": practice.VERSION,
        "fingerprint": practice.fingerprint(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "package": metadata.version("mriworkbook"),
        "files": {path.relative_to(folder).as_posix(): digest(path, "sha256") for path in files},
    }
    path = folder / STAMP
    path.parent.mkdir()
    path.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
