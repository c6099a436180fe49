"""The catalogue: which studies can be fetched, and which files each of them has."""

import csv
import difflib
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from data_fetch.storage import FetchError

HERE = Path(__file__).parent
SUBSETS = ("mini", "workshop", "full")
COLUMNS = ("path", "bytes", "algorithm", "checksum", "subset", "url")
# Further columns, for manifests that need them.
MORE_COLUMNS = ("mirror", "parts")
# Length of each digest in hexadecimal digits.
ALGORITHMS = {"sha256": 64, "md5": 32, "git-sha1": 40}
# Publishers whose own interface tells size and digest when it is asked: see `published`.
PUBLISHERS = ("osf", "github")


@dataclass(frozen=True)
class Entry:
    """One file of a study.

    Attributes
    ----------
    path : str
        Place in the study folder, with forward slashes.
    bytes : int or None
        Size; None where the source publishes a checksum but no size.
    algorithm : {"sha256", "md5", "git-sha1", "osf", "github"}
        How `checksum` was made. "git-sha1" is git's name of a blob: the SHA-1 of
        ``blob <size>\\0`` followed by the content. "osf" and "github": not known beforehand,
        the publisher tells it when the file is fetched.
    checksum : str
        Hexadecimal digest; empty where the publisher tells it later.
    subset : str
        The smallest of `SUBSETS` that holds the file; empty if only a part does.
    url : str
        Public address of exactly this version of the file, the preferred one.
    urls : tuple of str
        All its addresses, in order of preference.
    mirror : str
        Where it lies below the study's folder of a mirror, if not at `path`.
    parts : tuple of str
        Names under which it can be had without the rest: one atlas of several, say.
    learnt : bool
        Whether the publisher was asked; if there is still no digest, it does not have the file.
    """

    path: str
    bytes: int | None
    algorithm: str
    checksum: str
    subset: str
    url: str
    urls: tuple = ()
    mirror: str = ""
    parts: tuple = ()
    learnt: bool = False

    @property
    def addresses(self):
        """All addresses, in order of preference; none if the publisher said it is not there."""
        if self.learnt and not self.checksum:
            return ()
        return self.urls or (self.url,)

    @property
    def in_mirror(self):
        """Place below the study's folder of a mirror."""
        return self.mirror or self.path

    @property
    def smallest(self):
        """What to give as ``--subset`` to get it: the smallest subset, else a part."""
        return self.subset or self.parts[0]


@dataclass(frozen=True)
class Dataset:
    """A study as the catalogue describes it; see ``datasets.toml`` for the fields."""

    name: str
    title: str
    licence: str
    terms: str
    citation: str
    homepage: str
    sources: tuple
    subsets: dict
    space: str = ""
    example: str = ""
    derivatives: tuple = ()
    descriptions: dict = field(default_factory=dict)

    @property
    def opens(self):
        """Whether it is a BIDS study; the others are a folder of tables or atlases."""
        return bool(self.space)


def names():
    """Names of the studies that can be fetched, in alphabetical order.

    Examples
    --------
    >>> names()[:4]
    ['abide-thickness', 'aomic', 'atlases', 'craving']
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
    fields = {k: tuple(v) if isinstance(v, list) else v for k, v in known[name].items()}
    return Dataset(name=name, **fields)


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
    """Keep the files of a subset or part.

    `SUBSETS` are nested, so "workshop" holds "mini". A part (one atlas, the resting-state runs)
    stands alone.

    Parameters
    ----------
    entries : list of Entry
    subset : str
        One of `SUBSETS`, or a part that the entries name.

    Returns
    -------
    list of Entry

    Raises
    ------
    FetchError
        If there is no such subset or part.

    Examples
    --------
    >>> files = manifest("atlases")
    >>> len(select(files, "aal")) < len(select(files, "mini")) <= len(select(files, "full"))
    True
    """
    if subset in SUBSETS:
        wanted = SUBSETS[: SUBSETS.index(subset) + 1]
        return [entry for entry in entries if entry.subset in wanted]
    parts = sorted({part for entry in entries for part in entry.parts})
    if subset not in parts:
        raise FetchError(unknown_name(subset, [*SUBSETS, *parts], what="subset"))
    return [entry for entry in entries if subset in entry.parts]


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
    >>> total_size(select(manifest("aomic"), "mini"))
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
    """Read and check a manifest, a table of tab-separated `COLUMNS`, perhaps `MORE_COLUMNS`.

    A file's several addresses, and its several parts, are separated by spaces.
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
    header = tuple(rows[0]) if rows else ()
    if header not in (COLUMNS, COLUMNS + MORE_COLUMNS):
        raise FetchError(f"{path}: the first line must be {' '.join(COLUMNS)}, tab-separated.")
    entries = [
        _entry(row, len(header), f"{path}, line {number}") for number, row in enumerate(rows[1:], 2)
    ]
    if len({entry.path for entry in entries}) < len(entries):
        raise FetchError(f"{path}: a path is listed twice.")
    return sorted(entries, key=lambda entry: entry.path)


def write_manifest(path, entries):
    """Write entries as a manifest that `read_manifest` reads back the same.

    Parameters
    ----------
    path : str or Path
    entries : iterable of Entry
    """
    rows = ["\t".join(COLUMNS + MORE_COLUMNS)]
    for entry in sorted(entries, key=lambda entry: entry.path):
        size = "" if entry.bytes is None else str(entry.bytes)
        fields = (entry.path, size, entry.algorithm, entry.checksum, entry.subset)
        fields += (" ".join(entry.addresses), entry.mirror, " ".join(entry.parts))
        rows.append("\t".join(fields))
    Path(path).write_text("\n".join(rows) + "\n", encoding="utf-8")


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


def _entry(row, columns, where):
    if len(row) != columns:
        raise FetchError(f"{where}: {len(row)} columns, expected {columns}.")
    path, size, algorithm, checksum, subset, url = row[: len(COLUMNS)]
    mirror, parts = row[len(COLUMNS) :] or ("", "")
    safe_path(".", path)
    if mirror:
        safe_path(".", mirror)
    if size and not size.isdecimal():
        raise FetchError(f"{where}: bytes is {size!r}, expected a whole number or nothing.")
    _check_digest(algorithm, checksum, where)
    if subset not in SUBSETS and not (parts and not subset):
        raise FetchError(f"{where}: {unknown_name(subset, SUBSETS, 'subset')}")
    urls = tuple(url.split())
    if not urls or not all(re.match(r"https?://", one) for one in urls):
        raise FetchError(f"{where}: the address {url!r} is neither http nor https.")
    size = int(size) if size else None
    parts = tuple(parts.split())
    return Entry(path, size, algorithm, checksum, subset, urls[0], urls, mirror, parts)


def _check_digest(algorithm, checksum, where):
    known = [*ALGORITHMS, *PUBLISHERS]
    if algorithm not in known:
        raise FetchError(f"{where}: {unknown_name(algorithm, known, 'algorithm')}")
    length = ALGORITHMS.get(algorithm, 0)
    if not re.fullmatch(rf"[0-9a-f]{{{length}}}", checksum):
        raise FetchError(f"{where}: {checksum!r} is not a {algorithm} digest.")
