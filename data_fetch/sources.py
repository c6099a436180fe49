"""Where the files of a study come from: a mirror folder, a mirror's address, or the publishers."""

import re
import tempfile
from pathlib import Path
from urllib.parse import quote, urlsplit

from data_fetch import network, storage, transfer
from data_fetch.network import SourceError
from data_fetch.storage import FetchError

# What was learnt from publishers about files whose checksum no manifest has.
LEARNT = ".mriworkbook/checksums.tsv"


def is_address(mirror):
    """Whether a mirror is given by its address rather than by its folder.

    Examples
    --------
    >>> is_address("http://192.168.1.5:8000"), is_address("/media/usb")
    (True, False)
    """
    return bool(re.match(r"https?://", str(mirror)))


def places(entry, name, mirror=None, nearby=None):
    """Where a file may be, in order of preference.

    Parameters
    ----------
    entry : Entry
    name : str
        Study.
    mirror : str or Path, optional
        Folder or http(s) address with ``<name>/<path>`` below. Where one is given nothing is
        asked of the publishers: thirty people must not fall through to one hotel Wi-Fi.
    nearby : str or Path, optional
        Another copy of the study's folder, looked at first.

    Returns
    -------
    list of Path or of str
        Files that are there, or addresses.

    Examples
    --------
    >>> from data_fetch import catalogue
    >>> entry = catalogue.manifest("aomic")[0]
    >>> places(entry, "aomic", "http://192.168.1.5:8000/")
    ['http://192.168.1.5:8000/aomic/CHANGES']
    """
    if mirror is not None and not entry.checksum:
        # Nobody told what the file must be: it could not be checked.
        return []
    if nearby is not None and Path(nearby, entry.path).is_file():
        return [Path(nearby, entry.path), *places(entry, name, mirror)]
    if mirror is None:
        return list(entry.addresses)
    paths = dict.fromkeys((entry.path, entry.in_mirror))
    if is_address(mirror):
        return [f"{str(mirror).rstrip('/')}/{name}/{quote(path)}" for path in paths]
    files = [Path(mirror, name, path) for path in paths]
    return [file for file in files if file.is_file()]


def require_mirror(mirror, name):
    """Refuse a mirror folder without the study.

    Raises
    ------
    FetchError
        With what was expected there and, if the folder above has it, what to type.

    Examples
    --------
    >>> require_mirror("/nowhere", "aomic")
    Traceback (most recent call last):
    data_fetch.storage.FetchError: The mirror '/nowhere' has no folder 'aomic'...
    """
    if is_address(mirror) or Path(mirror, name).is_dir():
        return
    given, hint = Path(mirror), ""
    if given.name == name and given.is_dir():
        hint = f" Give the folder above it: --mirror {given.parent}"
    raise FetchError(
        f"The mirror {str(mirror)!r} has no folder {name!r}; expected files at "
        f"{Path(mirror, name).as_posix()}/<path>.{hint}"
    )


def learnt(entries, name, folders, mirror=None, line=None):
    """Fill in the checksums that only publishers know, from the study's or the mirror's own table.

    Parameters
    ----------
    entries : list of Entry
    name : str
    folders : list of Path
        Where the study is or may be on this machine; None among them is passed over.
    mirror : str or Path, optional
    line : network.Line, optional
        Needed for a mirror's address.

    Returns
    -------
    list of Entry
        Those whose checksum nobody told yet still have an empty one.
    """
    if all(entry.checksum for entry in entries):
        return entries
    from data_fetch import published

    for folder in filter(None, folders):
        entries = published.known(entries, folder)
    if mirror is None:
        return entries
    if not is_address(mirror):
        return published.known(entries, Path(mirror, name))
    with tempfile.TemporaryDirectory() as folder:
        address = f"{str(mirror).rstrip('/')}/{name}/{LEARNT}"
        table = network.small_text(address, line)
        if table is not None:
            path = Path(folder, LEARNT)
            path.parent.mkdir()
            path.write_bytes(table)
        return published.known(entries, folder)


def resolved(entries, missing):
    """Ask the publishers for the checksums that nobody told yet, of the missing files only."""
    from data_fetch import published

    told = {entry.path: entry for entry in published.resolve(list(missing))}
    return [told.get(entry.path, entry) for entry in entries]


def remember(target, entries, manifest):
    """Keep in the study what the publishers told, for `verify` and for mirrors made of it.

    Parameters
    ----------
    target : Path
    entries : list of Entry
        As they are known now.
    manifest : list of Entry
        As they were before somebody was asked.
    """
    told = [now for now, then in zip(entries, manifest, strict=True) if now != then]
    if told:
        from data_fetch import published

        published.remember(target, told)


def take(place, entry, path, line, report):
    """Get one file from one place.

    Parameters
    ----------
    place : Path or str
        One of `places`.
    entry : Entry
    path : Path
        Its real name.
    line : network.Line
    report : callable
        As in `transfer.fetch`.

    Raises
    ------
    SourceError
        If this place does not give the file.
    """
    if isinstance(place, Path):
        _copy(place, entry, path, report)
        return
    host = urlsplit(place).netloc
    if host in line.down:
        raise SourceError("offline", line.down[host])
    before = line.given[host]
    try:
        transfer.fetch(place, entry, path, line, report)
    except SourceError as error:
        if error.kind in ("offline", "silent") and line.given[host] == before:
            line.down[host] = str(error)
        raise
    line.given[host] += 1


def _copy(place, entry, path, report):
    with storage.part_file(path) as part:
        try:
            found = storage.copy(place, part, entry.algorithm, report)
        except storage.FetchError as error:
            raise SourceError("refused", str(error)) from error
        if found != entry.checksum:
            part.unlink()
            words = f"its {entry.algorithm} is {found}, expected {entry.checksum}"
            raise SourceError("wrong", words)
