"""The catalogue: which studies can be fetched, and which files each of them has."""

import csv
import difflib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from data_fetch.storage import FetchError

HERE = Path(__file__).parent
SUBSETS = ("mini", "workshop", "full")
COLUMNS = ("path", "bytes", "algorithm", "checksum", "subset", "url")
# Length of each digest in hexadecimal digits.
ALGORITHMS = {"sha256": 64, "md5": 32, "git-sha1": 40}


@dataclass(frozen=True)
class Entry:
    """One file of a study.

    Attributes
    ----------
    path : str
        Place in the study folder, with forward slashes.
    bytes : int or None
        Size; None where the source publishes a checksum but no size.
    algorithm : {"sha256", "md5", "git-sha1"}
        How `checksum` was made. "git-sha1" is git's name of a blob: the SHA-1 of
        ``blob <size>\\0`` followed by the content.
    checksum : str
        Hexadecimal digest.
    subset : {"mini", "workshop", "full"}
        The smallest subset that holds the file.
    url : str
        Public address of exactly this version of the file.
    """

    path: str
    bytes: int | None
    algorithm: str
    checksum: str
    subset: str
    url: str


@dataclass(frozen=True)
class Dataset:
    """A study as the catalogue describes it; see ``datasets.toml`` for the fields."""

    name: str
    title: str
    licence: str
    citation: str
    homepage: str
    sources: tuple
    space: str
    example: str
    subsets: dict


def names():
    """Names of the studies that can be fetched, in alphabetical order.

    Examples
    --------
    >>> names()
    ['aomic']
    """
    return sorted(_read_catalogue())


def dataset(name):
    """Describe a study.

    Parameters
    ----------
    name : str
        One of `names()`.

    Returns
    -------
    Dataset

    Raises
    ------
    FetchError
        If no study has this name.

    Examples
    --------
    >>> dataset("aomic").licence
    'CC0'
    """
    known = _read_catalogue()
    if name not in known:
        raise FetchError(f"{unknown_name(name, sorted(known))} See `mriworkbook data list`.")
    fields = known[name]
    return Dataset(name=name, **{**fields, "sources": tuple(fields["sources"])})


def manifest(name):
    """List the files of a study.

    Parameters
    ----------
    name : str
        One of `names()`.

    Returns
    -------
    list of Entry
        Sorted by path.

    Raises
    ------
    FetchError
        If no study has this name or a line of its manifest is wrong.

    Examples
    --------
    >>> manifest("aomic")[0].path
    'CHANGES'
    """
    dataset(name)
    return read_manifest(HERE / "manifests" / f"{name}.tsv")


def select(entries, subset):
    """Keep the files of a subset; subsets are nested, so "workshop" holds "mini".

    Parameters
    ----------
    entries : list of Entry
    subset : {"mini", "workshop", "full"}

    Returns
    -------
    list of Entry

    Examples
    --------
    >>> files = manifest("aomic")
    >>> len(select(files, "mini")) < len(select(files, "full")) == len(files)
    True
    """
    if subset not in SUBSETS:
        raise FetchError(unknown_name(subset, SUBSETS, what="subset"))
    wanted = SUBSETS[: SUBSETS.index(subset) + 1]
    return [entry for entry in entries if entry.subset in wanted]


def total_size(entries):
    """Bytes of all files together, and how many files have no published size.

    Parameters
    ----------
    entries : list of Entry

    Returns
    -------
    size : int
        Sum over the files whose size is known.
    unknown : int
        Number of the others.

    Examples
    --------
    >>> size, unknown = total_size(select(manifest("aomic"), "mini"))
    >>> size, unknown
    (19383354, 1)
    """
    sizes = [entry.bytes for entry in entries]
    return sum(size for size in sizes if size is not None), sizes.count(None)


def human_size(size):
    """Write a number of bytes for people (1 MB is a million bytes).

    Examples
    --------
    >>> human_size(79), human_size(812_000), human_size(20_902_516), human_size(None)
    ('79 bytes', '812 kB', '20.9 MB', 'size not published')
    """
    if size is None:
        return "size not published"
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.0f} {unit}" if unit == "kB" else f"{size / scale:.1f} {unit}"
    return f"{size} bytes"


def unknown_name(given, known, what="study"):
    """Say that a name is unknown, with the known ones and the one that was probably meant.

    Examples
    --------
    >>> unknown_name("aomik", ["aomic"])
    "Unknown study 'aomik'. Known: aomic. Did you mean 'aomic'?"
    """
    sentence = f"Unknown {what} {given!r}. Known: {', '.join(known)}."
    close = difflib.get_close_matches(str(given).lower(), known, n=1)
    return f"{sentence} Did you mean {close[0]!r}?" if close else sentence


def read_manifest(path):
    """Read and check a manifest, a table of tab-separated `COLUMNS`.

    Every path must stay inside the study folder: a manifest from elsewhere cannot make the
    downloader write next to it.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    list of Entry

    Raises
    ------
    FetchError
        Naming the file, the line and what is wrong with it.
    """
    path = Path(path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    if not rows or tuple(rows[0]) != COLUMNS:
        raise FetchError(f"{path}: the first line must be {' '.join(COLUMNS)}, tab-separated.")
    entries = [_entry(row, f"{path}, line {number}") for number, row in enumerate(rows[1:], 2)]
    if len({entry.path for entry in entries}) < len(entries):
        raise FetchError(f"{path}: a path is listed twice.")
    return sorted(entries, key=lambda entry: entry.path)


def safe_path(root, path):
    """Join a manifest's path to a folder, refusing one that would leave it.

    Parameters
    ----------
    root : str or Path
    path : str
        Relative, with forward slashes.

    Returns
    -------
    Path

    Raises
    ------
    FetchError
        If `path` is absolute, climbs with ``..``, or has a backslash or a drive.

    Examples
    --------
    >>> safe_path("study", "sub-01/anat/sub-01_T1w.json").as_posix()
    'study/sub-01/anat/sub-01_T1w.json'
    >>> safe_path("study", "../elsewhere")
    Traceback (most recent call last):
    data_fetch.storage.FetchError: The path '../elsewhere' would leave the study folder; refused.
    """
    parts = PurePosixPath(path).parts
    bad = not parts or path.startswith("/") or ".." in parts or re.search(r"[\\:\0]", path)
    if bad:
        raise FetchError(f"The path {path!r} would leave the study folder; refused.")
    return Path(root, *parts)


def _read_catalogue():
    return tomllib.loads((HERE / "datasets.toml").read_text(encoding="utf-8"))


def _entry(row, where):
    if len(row) != len(COLUMNS):
        raise FetchError(f"{where}: {len(row)} columns, expected {len(COLUMNS)}.")
    path, size, algorithm, checksum, subset, url = row
    safe_path(".", path)
    if size and not size.isdecimal():
        raise FetchError(f"{where}: bytes is {size!r}, expected a whole number or nothing.")
    if algorithm not in ALGORITHMS:
        raise FetchError(f"{where}: {unknown_name(algorithm, list(ALGORITHMS), 'algorithm')}")
    if not re.fullmatch(rf"[0-9a-f]{{{ALGORITHMS[algorithm]}}}", checksum):
        raise FetchError(f"{where}: {checksum!r} is not a {algorithm} digest.")
    if subset not in SUBSETS:
        raise FetchError(f"{where}: {unknown_name(subset, SUBSETS, 'subset')}")
    if not re.match(r"https?://", url):
        raise FetchError(f"{where}: the address {url!r} is neither http nor https.")
    return Entry(path, int(size) if size else None, algorithm, checksum, subset, url)
