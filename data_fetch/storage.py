"""Files on disk: checksums, writing that is all or nothing, and what to say when it fails."""

import contextlib
import errno
import hashlib
import os
from pathlib import Path

CHUNK = 1 << 20
ELSEWHERE = "Choose a folder with space, then try again: export MRIWORKBOOK_DATA=/path/with/space"
# Disk full, quota, read-only, no permission, a file where a folder should be.
_PROBLEMS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your quota is used up",
    errno.EROFS: "it is on a read-only file system",
    errno.EACCES: "you have no permission to write there",
    errno.EPERM: "you have no permission to write there",
    errno.ENOTDIR: "one of its parents is a file, not a folder",
    errno.EEXIST: "there is a file, not a folder, at this place",
}


class FetchError(RuntimeError):
    """A study, or a file of one, could not be fetched; the message says what to do next."""


class ChecksumError(FetchError):
    """A file differs from what its manifest promises; it was not kept."""


class StorageError(OSError):
    """A folder cannot be written to; the message says which, and how to choose another."""


@contextlib.contextmanager
def explained(folder, needed):
    """Turn a full or read-only disk into one clear sentence.

    Parameters
    ----------
    folder : str or Path
        What is being written to.
    needed : str
        The space it takes, for people, e.g. "40 MB".

    Raises
    ------
    StorageError
        In place of the operating system's error.

    Examples
    --------
    >>> with explained("cache", "40 MB"):
    ...     raise OSError(errno.ENOSPC, "no space")
    Traceback (most recent call last):
    data_fetch.storage.StorageError: Cannot write to cache: the disk is full. About 40 MB ...
    """
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        if error.errno not in _PROBLEMS:
            raise
        raise StorageError(
            f"Cannot write to {folder}: {_PROBLEMS[error.errno]}. About {needed} are needed. "
            f"{ELSEWHERE}"
        ) from error


def digest(path, algorithm):
    """Checksum of a file, read in pieces.

    Parameters
    ----------
    path : str or Path
    algorithm : {"sha256", "md5", "git-sha1"}

    Returns
    -------
    str
        Hexadecimal digest.

    Examples
    --------
    >>> import tempfile
    >>> empty = Path(tempfile.mkdtemp(), "empty")
    >>> empty.touch()
    >>> digest(empty, "git-sha1")
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    path = Path(path)
    sum_ = new_digest(algorithm, path.stat().st_size)
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            sum_.update(piece)
    return sum_.hexdigest()


def new_digest(algorithm, size):
    """Start a checksum; git's begins with the size, so that must be known beforehand."""
    if algorithm == "git-sha1":
        return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    return hashlib.new(algorithm, usedforsecurity=False)


def copy(source, part, algorithm, report=None):
    """Copy a file while its checksum is taken.

    Parameters
    ----------
    source, part : Path
    algorithm : str
        See `digest`.
    report : callable, optional
        Called as ``report(bytes)`` before each piece is written; what it raises stops the copy.

    Returns
    -------
    str
        Hexadecimal digest of what was written.

    Raises
    ------
    FetchError
        If `source` cannot be read; a problem of the disk written to stays an OSError.
    """
    with _readable(source):
        sum_ = new_digest(algorithm, source.stat().st_size)
        read = source.open("rb")
    with read, part.open("wb") as write:
        while True:
            with _readable(source):
                piece = read.read(CHUNK)
            if not piece:
                return sum_.hexdigest()
            if report:
                report(len(piece))
            sum_.update(piece)
            write.write(piece)


@contextlib.contextmanager
def _readable(source):
    try:
        yield
    except OSError as error:
        raise FetchError(f"Cannot read {source} ({error.strerror}).") from error


@contextlib.contextmanager
def part_file(path):
    """Give a ``.part`` file beside `path` that becomes `path` only if nothing went wrong.

    The name changes in one step: whoever looks sees the whole file or none. On any error, Ctrl-C
    included, the part is removed. If the caller removed the part, nothing is renamed.

    Parameters
    ----------
    path : Path

    Yields
    ------
    Path
        The file to write.

    Examples
    --------
    >>> import tempfile
    >>> report = Path(tempfile.mkdtemp(), "report.txt")
    >>> with part_file(report) as part:
    ...     _ = part.write_text("whole")
    >>> report.read_text(), part.exists()
    ('whole', False)
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        yield part
        if part.exists():
            settle(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def settle(part, path):
    """Give a finished part its real name, in one step.

    A killed process cannot leave half of the file there; a power cut soon after might, and the
    next `get` or `verify` sees that. Waiting for the disk after every file would take longer than
    the network does.

    Parameters
    ----------
    part, path : Path
        In the same folder.
    """
    part.replace(path)


def flush(paths):
    """Wait until files have reached the disk: a stick may then be pulled out.

    Parameters
    ----------
    paths : iterable of Path
    """
    for path in paths:
        # Windows flushes only what is open for writing.
        with path.open("rb+") as file:
            os.fsync(file.fileno())
