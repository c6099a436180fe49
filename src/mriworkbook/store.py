"""Where studies are kept on this machine, and how the practice study gets there whole.

The study grows by stages. A stage is never added in place: a temporary sibling with everything
that is there (hard links) gets what is missing, then its stamp (stages and checksums), and then
takes the study's name. So a run that is killed, whenever that is, leaves the former study, the new
one, or none; what it had completed is adopted by the next call.
"""

import contextlib
import hashlib
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
from mriworkbook.machine import practice_jobs
from mriworkbook.practice import NEEDS
from mriworkbook.progress import progress_line

PRACTICE = "practice"
# What each stage adds on disk, and what it takes with the stages it needs.
_MEGABYTES = {"core": 110, "anatomy": 235, "functional": 235}
SIZES = {
    stage: f"{_MEGABYTES[stage] + sum(_MEGABYTES[need] for need in needs)} MB"
    for stage, needs in NEEDS.items()
}
STAMP = Path(".mriworkbook", "stamp.json")
REMAKE = "mriworkbook data get practice"
# Folders of runs that were killed; only the holder of the lock makes or removes them.
_MAKING, _OLD = ".practice-making-", ".practice-old-"
# Voxels are these libraries' work, too: see `code`.
_LIBRARIES = ("antspyx", "nibabel", "nilearn", "numpy", "scipy")


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


def make_practice(stage="core", *, force=False, n_jobs=None):
    """Make what is missing of some stages of the practice study, and of the stages they need.

    Two kernels at once make it once, and a run that is stopped or killed leaves nothing
    half-written. A study made from another frozen table is replaced, its further stages are made
    when they are asked for.

    Parameters
    ----------
    stage : str or sequence of str
        "core", "anatomy", "functional" or several of them.
    force : bool
        Make all anew, with every stage that is there, even if it is up to date.
    n_jobs : int, optional
        People simulated at once; by default what cores and free memory allow, at most two. The
        voxels do not depend on it.

    Returns
    -------
    Path
        The study's folder.

    Raises
    ------
    ValueError
        If there is no such stage.
    StorageError
        If it cannot be written.
    """
    root, wanted = data_root() / PRACTICE, needed_stages(stage)
    # Without the lock, so that a complete study on a read-only disk can be used.
    if not force and not _missing(root, wanted):
        _tidy(root)
        return root
    with explained(root.parent, f"{sum(_MEGABYTES[name] for name in wanted)} MB"):
        root.parent.mkdir(parents=True, exist_ok=True)
        with _locked(root):
            _adopt(root)
            _remove_leftovers(root.parent)
            here = _stages(root)
            if force or (here and _damaged(root)):
                _build(root, needed_stages({*wanted, *here}), n_jobs)
            elif missing := _missing(root, wanted):
                _build(root, missing, n_jobs, base=root if here else None)
            # Again: a process of a run killed a moment ago may have hindered it.
            _remove_leftovers(root.parent)
    return root


def needed_stages(stage):
    """Stages of the practice study with those that they need, in the order of making.

    Parameters
    ----------
    stage : str or iterable of str

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If there is no such stage.

    Examples
    --------
    >>> needed_stages("functional")
    ['core', 'functional']
    >>> needed_stages(["functional", "anatomy"])
    ['core', 'anatomy', 'functional']
    """
    wanted = {stage} if isinstance(stage, str) else {*stage}
    for name in sorted(wanted - {*NEEDS}):
        raise ValueError(f"No stage is called {name!r}; choose one of {', '.join(NEEDS)}.")
    needed = wanted.union(*(NEEDS[name] for name in wanted))
    return [name for name in NEEDS if name in needed]


def stages_here():
    """Stages of the practice study that are there and up to date.

    Returns
    -------
    list of str
    """
    return _stages(data_root() / PRACTICE)


def verify_practice():
    """Compare every file of the practice study with the checksum taken when it was made.

    Returns
    -------
    list of str or None
        Paths, below the study's folder, of files that are gone or changed; None if the study
        was not made yet.
    """
    return _damaged(data_root() / PRACTICE)


def read_stamp(root):
    """What was noted when a study was made.

    Parameters
    ----------
    root : Path

    Returns
    -------
    dict or None
        "version", "fingerprint", "code", "date", "package", "stages" (list) and "files" (path ->
        SHA-256); None if there is no stamp or it is damaged: then the study does not count as made.
    """
    try:
        stamp = json.loads((root / STAMP).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
        return None
    return stamp if isinstance(stamp, dict) and {"stages", "files"} <= set(stamp) else None


def code():
    """Hash of the simulation's modules and its libraries' versions.

    The frozen table decides when a reader's study is out of date. Who changes the code needs to
    know more: whether a study was made by just this code.

    Returns
    -------
    str
    """
    total = hashlib.sha256()
    for path in sorted(Path(__file__).with_name("practice").rglob("*.py")):
        total.update(path.read_bytes())
    for library in _LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):  # antspyx, on some machines
            total.update(f"{library} {metadata.version(library)}".encode())
    return total.hexdigest()[:16]


def _build(root, stages, n_jobs, base=None):
    """Make stages in a temporary sibling of `root`, on top of `base`; put it in `root`'s place."""
    from mriworkbook import practice

    # Not tempfile.mkdtemp: its folders are private, a shared data root should not be.
    making = root.with_name(f"{_MAKING}{uuid.uuid4().hex}")
    making.mkdir()
    try:
        former, foreign = link_tree(base, making) if base else ([], [])
        for stage in stages:
            with progress_line(f"Making {PRACTICE}") as report:
                practice.make_stage(
                    making, stage, n_jobs=n_jobs or practice_jobs(), progress=report
                )
        _write_stamp(making, needed_stages({*former, *stages}), foreign)
    except BaseException:
        _remove(making)
        raise
    # Now it is complete: if this is interrupted, the next call adopts it.
    _replace(making, root)


def link_tree(base, new):
    """Fill an empty folder with a study's files without taking space for its images.

    Images become hard links, or copies where the disk has none. All else is copied: a stage
    rewrites texts, and whoever writes through a hard link changes the former study, too.

    Parameters
    ----------
    base, new : Path

    Returns
    -------
    stages : list of str
        What the stamp of `base` lists. The stamp itself is left out: `new` is not complete.
    foreign : list of str
        Files that are none of the study's own, a learner's perhaps.
    """
    stamp, foreign = read_stamp(base), []
    for path in sorted(base.rglob("*")):
        inside = path.relative_to(base)
        if path.is_dir():
            (new / inside).mkdir(exist_ok=True)
        elif inside != STAMP:
            link_or_copy(path, new / inside)
            foreign += [] if inside.as_posix() in stamp["files"] else [inside.as_posix()]
    return stamp["stages"], foreign


def link_or_copy(path, target):
    """One file of `link_tree`."""
    if path.name.endswith((".nii.gz", ".mgz", ".gii", ".h5")):
        try:
            os.link(path, target)
            return
        except OSError:
            # exFAT, some network disks, other users' files: space is spent instead.
            target.unlink(missing_ok=True)
    shutil.copyfile(path, target)


def _replace(new, root):
    old = root.with_name(f"{_OLD}{uuid.uuid4().hex}")
    if root.exists():
        root.rename(old)
    new.rename(root)
    _remove(old)


def _adopt(root):
    """Put in place what a killed run left: a complete wider study, or the one it had put aside."""
    here = {*_stages(root)} if root.exists() else None
    # A study that lacks a stage which is here would not be wider, however much it has.
    leftovers = [
        path
        for path in _leftovers(root.parent)
        if (here is None or {*_stages(path)} > here) and read_stamp(path) and not _damaged(path)
    ]
    if leftovers:
        _replace(max(leftovers, key=lambda path: len(_stages(path))), root)


def _tidy(root):
    """Remove what a killed run left beside a study that is complete, if nobody is at work."""
    if _leftovers(root.parent):
        # Busy, or a read-only disk: the study can be used all the same.
        with (
            contextlib.suppress(Timeout, OSError),
            FileLock(_lock_of(root)).acquire(timeout=0),
        ):
            _remove_leftovers(root.parent)


def _leftovers(folder):
    return [path for prefix in (_MAKING, _OLD) for path in sorted(folder.glob(f"{prefix}*"))]


def _remove_leftovers(folder):
    for leftover in _leftovers(folder):
        _remove(leftover)


def _remove(folder):
    # What cannot be removed now (open on Windows, another user's) is tried again next time.
    shutil.rmtree(folder, ignore_errors=True)


def _lock_of(root):
    return root.with_name(f"{root.name}.lock")


def _locked(root):
    """Hold the lock beside the study; say so if another process is making it."""
    lock = FileLock(_lock_of(root))
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        with progress_line("Another notebook is making the practice study") as report:
            report("waiting for it", 0, 1)
            return lock.acquire()


def _stages(root):
    """Stages of a study, none if it was made from another frozen table."""
    from mriworkbook import practice

    stamp = read_stamp(root)
    current = stamp is not None and stamp["fingerprint"] == practice.fingerprint()
    return stamp["stages"] if current else []


def _missing(root, wanted):
    here = _stages(root)
    return [stage for stage in wanted if stage not in here]


def _damaged(root):
    stamp = read_stamp(root)
    if stamp is None:
        return None
    return [
        path
        for path, checksum in stamp["files"].items()
        if not (root / path).is_file() or digest(root / path, "sha256") != checksum
    ]


def _write_stamp(folder, stages, foreign):
    from mriworkbook import practice

    paths = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    stamp = {
        "version": practice.VERSION,
        "fingerprint": practice.fingerprint(),
        "code": code(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "package": metadata.version("mriworkbook"),
        "stages": stages,
        "files": {path: digest(folder / path, "sha256") for path in sorted(paths - {*foreign})},
    }
    path = folder / STAMP
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
