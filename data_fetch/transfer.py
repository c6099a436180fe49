"""One file over HTTP: resumed, checked while it streams, tried again, renamed when it is right.

Pooch gives every address a downloader, a callable ``downloader(url, output_file, pooch)``; that is
where this module plugs in. Pooch's own HTTP downloader writes to a temporary file of a random name,
so there is nothing to resume after a cut; its checksum is a second reading of the file and cannot
be git's; it waits the same time on every laptop of the room. Here the part is named after the file
and grows by Range requests, guarded by If-Range where the server says what it serves (RFC 9110,
sections 13.1.5 and 14), and the checksum is taken from the stream. Addresses that are not HTTP
(``doi:``, ``ftp:``, ``sftp:``) still go to pooch's downloaders, whole and without resume.
"""

import random
import re

from data_fetch import network, parts, storage
from data_fetch.network import Cut, SourceError

# Attempts that bring nothing new; an attempt that brings bytes starts the count again.
ATTEMPTS = 5
# Fewer where nobody answers at all: somebody offline should not wait for the whole back-off.
FEWER_ATTEMPTS = 3
LONGEST_WAIT = 60
# What one read from the network may bring, and so what a kill may lose.
CHUNK = 1 << 18
WHOLE = object()
WEB_PAGE = "a web page, perhaps the login page of the Wi-Fi; open a browser, log in, try again"


def fetch(url, entry, path, line, report):
    """Fetch one file from one address; it lands under its real name only if it is right.

    Parameters
    ----------
    url : str
    entry : Entry
        What the file must be.
    path : Path
        Its real name. Until it is right it is ``<path>.part``; ``<path>.part-source`` says where
        that came from. Both stay after a cut, and the next call goes on from there.
    line : Line
    report : callable
        ``report(bytes, size)``: bytes that came since the last call (negative where a part was
        thrown away) and the size of the file, None where it is unknown.

    Raises
    ------
    SourceError
        If this address does not give the file.
    """
    part = parts.open_part(path)
    report(part.at, entry.bytes)
    try:
        if re.match(r"https?://", url):
            _with_patience(url, entry, path, part, line, report)
        else:
            _with_pooch(url, entry, path, part, report)
    finally:
        if part.at == 0:
            part.path.unlink(missing_ok=True)


def _with_patience(url, entry, path, part, line, report):
    attempt, best = 0, part.at
    while True:
        try:
            return _attempt(url, entry, path, part, line, report)
        except Cut as cut:
            attempt = 1 if part.at > best else attempt + 1
            best = max(best, part.at)
            allowed = FEWER_ATTEMPTS if cut.kind in ("offline", "silent") else ATTEMPTS
            if attempt >= allowed:
                raise SourceError(cut.kind, str(cut)) from cut
            line.wait(max(pause(attempt), min(cut.after, LONGEST_WAIT)))
            report(0, None)


def pause(attempt, chance=random.random):
    """Seconds to wait after a failed attempt: doubling, and different on every laptop of a room.

    Examples
    --------
    >>> [pause(attempt, chance=lambda: 0.5) for attempt in (1, 2, 3, 9)]
    [1.0, 2.0, 4.0, 60.0]
    """
    return min(2 ** (attempt - 1), LONGEST_WAIT) * (0.5 + chance())


def _attempt(url, entry, path, part, line, report):
    if part.at and part.at == (entry.bytes or part.source.get("size")):
        # Stopped between the last byte and the rename.
        return _finish(entry, path, part, report)
    if entry.bytes is not None and part.at > entry.bytes:
        parts.discard(part, report)
    with network.asking(line, url, _range(part, url)) as answer:
        size = _agree(answer, url, entry, part, report)
        if size is WHOLE:
            return _finish(entry, path, part, report)
        _stream(answer, entry, size, part, report)
    if entry.bytes is not None and part.at < entry.bytes:
        raise Cut("cut", f"it ended after {part.at} of {entry.bytes} bytes")
    return _finish(entry, path, part, report)


def _range(part, url):
    # Without "identity" some servers compress text on the way, and ranges mean something else.
    headers = {"Accept-Encoding": "identity"}
    if part.at:
        headers["Range"] = f"bytes={part.at}-"
        if part.source.get("url") == url and part.source.get("validator"):
            headers["If-Range"] = part.source["validator"]
    return headers


def _validator(answer):
    # A weak ETag must not guard a Range (RFC 9110, 13.1.5).
    etag = answer.headers.get("ETag", "")
    return etag if etag.startswith('"') else answer.headers.get("Last-Modified", "")


def _agree(answer, url, entry, part, report):
    """Look at what the server answers; the size of the file (None: unknown), or WHOLE."""
    status = answer.status
    if status == 416 and part.at:
        if _after_slash(answer) == part.at:
            return WHOLE
        parts.discard(part, report)
        raise Cut("refused", "the server answers 416 to a Range")
    network.require_ok(answer)
    if _is_page(answer.headers.get("Content-Type", "")) and not parts.PAGE.search(entry.path):
        # The part stays: it is the network that wants a login, not the file that changed.
        raise SourceError("wrong", f"what came is {WEB_PAGE}")
    length = answer.headers.get("Content-Length", "")
    size = _after_slash(answer) if status == 206 else int(length) if length.isdecimal() else None
    if None not in (size, entry.bytes) and size != entry.bytes:
        raise SourceError("wrong", f"it has {size} bytes, expected {entry.bytes}")
    if status == 206:
        _require_same(answer, url, part, report)
        part.resumed = True
    else:
        # No Range here, or the file changed since: what is there belongs to something else.
        parts.discard(part, report)
    # Not before something comes: a study that could not be had leaves no empty folders.
    part.path.parent.mkdir(parents=True, exist_ok=True)
    part.source = {"url": url, "validator": _validator(answer), "size": size}
    # What fits into one chunk needs no note: it comes in one piece or is asked for again.
    if size is None or size > CHUNK:
        parts.write_note(part)
    return size


def _require_same(answer, url, part, report):
    start = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    before = part.source.get("validator") if part.source.get("url") == url else ""
    changed = before and before != _validator(answer)
    if changed or not start or int(start[1]) != part.at:
        parts.discard(part, report)
        raise Cut("refused", "the server sent another piece than the one asked for")


def _is_page(content_type):
    return content_type.startswith(("text/html", "application/xhtml"))


def _after_slash(answer):
    size = answer.headers.get("Content-Range", "").rpartition("/")[2]
    return int(size) if size.isdecimal() else None


def _stream(answer, entry, size, part, report):
    size = entry.bytes if size is None else size
    if part.sum_ is None and not (entry.algorithm == "git-sha1" and size is None):
        part.sum_ = parts.digest_so_far(part, entry.algorithm, size)
    report(0, size)
    # Unbuffered: what was received is on its way to the disk when the process is killed.
    with part.path.open("ab", buffering=0) as file:
        while piece := answer.read1(CHUNK, decode_content=False):
            report(len(piece), size)
            parts.write(file, piece)
            part.at += len(piece)
            if part.sum_ is not None:
                part.sum_.update(piece)
            if entry.bytes is not None and part.at > entry.bytes:
                break


def _finish(entry, path, part, report):
    found = part.sum_.hexdigest() if part.sum_ else storage.digest(part.path, entry.algorithm)
    if found == entry.checksum:
        part.note.unlink(missing_ok=True)
        storage.settle(part.path, path)
        return
    page, resumed = parts.looks_like_a_page(part.path), part.resumed
    parts.discard(part, report)
    if page:
        raise SourceError("wrong", f"what came is {WEB_PAGE}")
    words = f"its {entry.algorithm} is {found}, expected {entry.checksum}"
    if resumed:
        # Perhaps two versions were joined: once more, in one piece.
        raise Cut("wrong", words)
    raise SourceError("wrong", words)


def _with_pooch(url, entry, path, part, report):
    import requests
    from pooch.downloaders import choose_downloader

    parts.discard(part, report)
    part.path.parent.mkdir(parents=True, exist_ok=True)
    try:
        choose_downloader(url)(url, str(part.path), None)
    except (requests.RequestException, ValueError, OSError) as error:
        part.path.unlink(missing_ok=True)
        raise SourceError("refused", f"{type(error).__name__}, {error}") from error
    part.at = part.path.stat().st_size
    report(part.at, part.at)
    _finish(entry, path, part, report)
