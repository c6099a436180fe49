"""Sizes and digests that only the publisher's own interface tells, asked for and kept.

The manifest says "osf" or "github" where a digest would stand. Before such a file is fetched its
publisher is asked; what it says is kept beside the study, in ``.mriworkbook/checksums.tsv``, so
that `verify` works offline and a mirror can pass it on.
"""

import dataclasses
from pathlib import Path
from urllib.parse import urlsplit

from data_fetch import catalogue, github, osf
from data_fetch.storage import FetchError

TABLE = Path(".mriworkbook", "checksums.tsv")
TIMEOUT = 30
# Answers to somebody who has asked too often.
TOO_MANY = (403, 429)
NOTHING_THERE = 404


def resolve(entries, *, ask=None):
    """Replace entries whose digest is not known by ones whose is.

    Parameters
    ----------
    entries : list of Entry
        Those with a digest stay as they are, and nobody is asked.
    ask : callable, optional
        ``ask(url)``: the JSON that an address answers, parsed; None where there is nothing. By
        default over HTTPS.

    Returns
    -------
    list of Entry
        In the same order. What a publisher says it does not have stays without a digest and has
        no addresses.

    Raises
    ------
    FetchError
        If a publisher cannot be reached or does not tell.

    Examples
    --------
    >>> raw = f"https://raw.githubusercontent.com/owner/data/{'0' * 40}/README"
    >>> entry = catalogue.Entry("README", None, "github", "", "mini", raw)
    >>> (told,) = resolve([entry], ask=lambda url: {"type": "file", "size": 3, "sha": "ab" * 20})
    >>> told.bytes, told.algorithm, told.url == raw
    (3, 'git-sha1', True)
    """
    if all(entry.checksum for entry in entries):
        return list(entries)
    ask, folders = ask or _over_https(), {}
    try:
        return [entry if entry.checksum else _told(entry, ask, folders) for entry in entries]
    except FetchError as error:
        untold = [entry.path for entry in entries if not entry.checksum]
        size, _ = catalogue.total_size(entries)
        raise FetchError(
            f"{error}. It tells sizes and checksums of {len(untold)} of the {len(entries)} missing "
            f"files ({untold[0]}, ...); the others have {catalogue.human_size(size)}. Nothing was "
            "fetched. Type the same command again when you are online, or later if it was asked "
            "too often; or use a copy on a disk: --mirror PATH"
        ) from error


def filled(entries, told):
    """Take over what was told before.

    Parameters
    ----------
    entries, told : list of Entry

    Returns
    -------
    list of Entry
        `entries`, where an unknown digest is replaced by the one that `told` has for this path.
    """
    table = {
        entry.path: (entry.bytes, entry.algorithm, entry.checksum, entry.addresses)
        for entry in told
    }
    return [
        _with(entry, *table[entry.path]) if not entry.checksum and entry.path in table else entry
        for entry in entries
    ]


def known(entries, folder):
    """`filled` from the table beside a study, or beside a mirror's copy of it, if there is one.

    Parameters
    ----------
    entries : list of Entry
    folder : str or Path
        The study's folder.

    Returns
    -------
    list of Entry
    """
    table = Path(folder) / TABLE
    if not table.is_file() or all(entry.checksum for entry in entries):
        return list(entries)
    return filled(entries, catalogue.read_manifest(table))


def remember(folder, entries):
    """Keep what publishers told, so that the next call need not ask.

    Parameters
    ----------
    folder : str or Path
        The study's folder.
    entries : list of Entry
        Those with a digest are added to what the table has.
    """
    entries = [entry for entry in entries if entry.checksum]
    if not entries:
        return
    table = Path(folder) / TABLE
    kept = {entry.path: entry for entry in catalogue.read_manifest(table)} if table.exists() else {}
    kept.update({entry.path: entry for entry in entries})
    table.parent.mkdir(parents=True, exist_ok=True)
    part = table.with_name(f"{table.name}.part")
    catalogue.write_manifest(part, kept.values())
    part.replace(table)


def _told(entry, ask, folders):
    if entry.algorithm == "osf":
        said = osf.describe(entry.url, ask, folders)
    else:
        said = github.describe(entry.addresses, ask)
    return _with(entry, *said) if said else dataclasses.replace(entry, learnt=True)


def _with(entry, size, algorithm, digest, urls):
    return dataclasses.replace(
        entry,
        bytes=size,
        algorithm=algorithm,
        checksum=digest,
        url=urls[0],
        urls=urls,
        learnt=True,
    )


def _over_https():
    import requests

    session = requests.Session()

    def ask(url):
        try:
            answer = session.get(url, timeout=TIMEOUT)
            if answer.status_code in TOO_MANY:
                raise FetchError(f"{urlsplit(url).netloc} had too many questions this hour")
            if answer.status_code == NOTHING_THERE:
                return None
            answer.raise_for_status()
            return answer.json()
        except requests.RequestException as error:
            raise FetchError(
                f"{urlsplit(url).netloc} cannot be asked ({type(error).__name__}, {url})"
            ) from error

    return ask
