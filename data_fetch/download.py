"""The downloader: copy from a mirror folder or fetch over HTTP, every file checked."""

from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from data_fetch import catalogue, storage
from data_fetch.storage import ChecksumError, FetchError

# Seconds without a byte from the server before giving up.
TIMEOUT = 30


@dataclass(frozen=True)
class Result:
    """What `get` did: entries that were fetched, were there already, or are absent from the mirror.

    Attributes
    ----------
    fetched, present, absent : tuple of Entry
    """

    fetched: tuple
    present: tuple
    absent: tuple

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
    """

    good: tuple
    wrong: tuple
    absent: tuple


def get(name, target, *, mirror=None, subset="mini", progress=None, fetch=None):
    """Fetch the files of a study that are not there yet.

    Each file is written beside its place, checked, and renamed: it is there whole and right,
    or not at all. Files that are already right are not fetched again. Two calls at once on the
    same folder wait for each other.

    Parameters
    ----------
    name : str
        A study of the catalogue, see `data_fetch.names`.
    target : str or Path
        Study folder; made if need be.
    mirror : str or Path, optional
        Folder that holds ``<name>/<path>`` (USB stick, LAN). It need not be complete: what
        it lacks is listed in the result. Without it files come from their public addresses.
    subset : {"mini", "workshop", "full"}
    progress : callable, optional
        Called as ``progress(message, done, total)``, counted in files.
    fetch : callable, optional
        Called as ``fetch(url, part)``, writes the file ``part``. By default `download`.

    Returns
    -------
    Result

    Raises
    ------
    FetchError
        If the name, the subset or the mirror is unknown, or an address cannot be reached.
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
    target = Path(target)
    entries = catalogue.select(catalogue.manifest(name), subset)
    source = None if mirror is None else _mirror_folder(mirror, name)
    needed = catalogue.human_size(catalogue.total_size(entries)[0])
    with storage.explained(target, needed):
        target.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f"{target.name}.lock")):
            return _get(entries, target, source, progress or _silent, fetch or download)


def verify(name, target, *, subset="mini"):
    """Check every file of a study that is there against the manifest.

    Parameters
    ----------
    name : str
        A study of the catalogue.
    target : str or Path
        Study folder.
    subset : {"mini", "workshop", "full"}
        What is expected to be there; files beyond it are checked if they are.

    Returns
    -------
    Verified
    """
    entries = catalogue.manifest(name)
    expected = catalogue.select(entries, subset)
    good, wrong, absent = [], [], []
    for entry in entries:
        path = catalogue.safe_path(target, entry.path)
        if path.is_file():
            found = storage.digest(path, entry.algorithm)
            good.append(entry) if found == entry.checksum else wrong.append((entry, found))
        elif entry in expected:
            absent.append(entry)
    return Verified(tuple(good), tuple(wrong), tuple(absent))


def download(url, part):
    """Write what an address holds to a file.

    Parameters
    ----------
    url : str
        http or https.
    part : Path

    Raises
    ------
    FetchError
        If the address cannot be reached or answers with an error.
    """
    # Imported here: both take long, and a mirror needs neither.
    import pooch
    import requests

    fetch = pooch.HTTPDownloader(chunk_size=storage.CHUNK, timeout=TIMEOUT)
    try:
        fetch(url, str(part), None)
    except requests.RequestException as error:
        raise FetchError(f"Could not fetch {url}: {_network_reason(error)}.") from error


def _network_reason(error):
    import requests

    if error.response is not None:
        return f"the server answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return f"no answer for {TIMEOUT} seconds"
    if isinstance(error, requests.ConnectionError):
        return "no connection to the server"
    return f"{type(error).__name__}, {error}"


def _get(entries, target, source, progress, fetch):
    missing = [entry for entry in entries if not _is_right(entry, target)]
    present = [entry for entry in entries if entry not in missing]
    fetched, absent, wrong = [], [], []
    for done, entry in enumerate(missing):
        progress(entry.path, done, len(missing))
        try:
            found = _one(entry, target, source, fetch)
        except FetchError as error:
            rest = _still_missing(missing[done:], len(present) + len(fetched))
            raise FetchError(f"{error} {rest}") from error
        if found is None:
            absent.append(entry)
        elif found != entry.checksum:
            wrong.append((entry, found))
        else:
            fetched.append(entry)
    if missing:
        progress("done", len(missing), len(missing))
    if wrong:
        raise ChecksumError(_wrong_sentence(wrong, source))
    return Result(tuple(fetched), tuple(present), tuple(absent))


def _one(entry, target, source, fetch):
    """Bring one file to its place if it is right; its digest, or None if the mirror lacks it."""
    path = catalogue.safe_path(target, entry.path)
    original = None if source is None else catalogue.safe_path(source, entry.path)
    if original is not None and not original.is_file():
        return None
    with storage.part_file(path) as part:
        if original is not None:
            found = storage.copy(original, part, entry.algorithm)
        else:
            fetch(entry.url, part)
            found = storage.digest(part, entry.algorithm)
        if found != entry.checksum:
            part.unlink()
    return found


def _is_right(entry, target):
    path = catalogue.safe_path(target, entry.path)
    if not path.is_file() or (entry.bytes is not None and path.stat().st_size != entry.bytes):
        return False
    return storage.digest(path, entry.algorithm) == entry.checksum


def _mirror_folder(mirror, name):
    folder = Path(mirror, name)
    if folder.is_dir():
        return folder
    given = Path(mirror)
    hint = ""
    if given.name == name and given.is_dir():
        hint = f" Give the folder above it: --mirror {given.parent}"
    raise FetchError(
        f"The mirror {str(mirror)!r} has no folder {name!r}; expected files at "
        f"{folder.as_posix()}/<path>.{hint}"
    )


def _still_missing(entries, kept):
    size, unknown = catalogue.total_size(entries)
    more = f" and {unknown} of unpublished size" if unknown else ""
    listed = ", ".join(entry.path for entry in entries[:5])
    rest = f" and {len(entries) - 5} more" if len(entries) > 5 else ""
    return (
        f"Still missing: {len(entries)} files, {catalogue.human_size(size)}{more} "
        f"({listed}{rest}). The {kept} files already there are kept. Type the same command "
        "again when you are online, or use a copy on a disk: --mirror PATH"
    )


def _wrong_sentence(wrong, source):
    lines = [
        f"{entry.path}: {entry.algorithm} is {found}, expected {entry.checksum}"
        for entry, found in wrong
    ]
    where = "the public address" if source is None else str(source)
    return (
        f"{len(wrong)} of the files from {where} differ from the manifest and were not kept:\n"
        + "\n".join(lines)
        + "\nThe others are there. Try again; if it stays so, that copy is damaged or was changed."
    )


def _silent(message, done, total):
    """Report no progress."""
