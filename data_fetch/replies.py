"""What a request for a file of a mirror gets: which file, which piece, under which headers."""

import html
import mimetypes
import os
import re
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote, unquote

SERVER = "mriworkbook"


def inside(root, target):
    """The file that a request asks for, None if there is none or it is not in the folder.

    Parameters
    ----------
    root : Path
        Resolved.
    target : str
        As in the request, percent-encoded.

    Returns
    -------
    Path or None
        A regular file; `root` itself for "/".

    Examples
    --------
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp()).resolve()
    >>> (root / "a b").touch()
    >>> inside(root, "/a%20b?x=1").name, inside(root, "/../etc/passwd"), inside(root, "/%2e%2e/x")
    ('a b', None, None)
    """
    path = unquote(target.partition("?")[0].partition("#")[0])
    if path == "/":
        return root
    parts = path.split("/")
    if parts[0] or re.search(r"[\\\0]", path) or any(part in ("", ".", "..") for part in parts[1:]):
        return None
    if os.name == "nt" and ":" in path:
        return None
    try:
        # A link may lead out of the folder: where it ends is what counts.
        found = Path(root, *parts[1:]).resolve(strict=True)
    except (OSError, RuntimeError):
        # Not there, or links that go in a circle.
        return None
    return found if found.is_relative_to(root) and found.is_file() else None


def answer(file, name, headers):
    """Status, headers and the piece of a file that a request asks for.

    Parameters
    ----------
    file : binary file
    name : str
    headers : dict
        Of the request, names in lower case.

    Returns
    -------
    status : HTTPStatus
    about : dict
        Headers.
    start, stop : int
        First byte and the one after the last.
    """
    status = os.fstat(file.fileno())
    size = status.st_size
    about = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{status.st_mtime_ns:x}-{size:x}"',
        "Last-Modified": formatdate(status.st_mtime, usegmt=True),
        "Content-Type": mimetypes.guess_type(name)[0] or "application/octet-stream",
    }
    wanted = piece(headers.get("range", ""), size)
    if headers.get("if-range", about["ETag"]) not in (about["ETag"], about["Last-Modified"]):
        # What they have the beginning of has changed since: all of it again.
        wanted = None
    if wanted is None:
        return HTTPStatus.OK, about, 0, size
    if not wanted:
        about["Content-Range"] = f"bytes */{size}"
        return HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, about, 0, 0
    about["Content-Range"] = f"bytes {wanted[0]}-{wanted[1] - 1}/{size}"
    return HTTPStatus.PARTIAL_CONTENT, about, *wanted


def piece(asked, size):
    """First byte and the one after the last; None for all of the file, () for none of it.

    Anything but one range is ignored, as RFC 9110, 14.2, allows.

    Examples
    --------
    >>> piece("bytes=5-", 9), piece("bytes=-2", 9), piece("bytes=9-", 9), piece("", 9)
    ((5, 9), (7, 9), (), None)
    """
    found = re.fullmatch(r"bytes=([0-9]{0,18})-([0-9]{0,18})", asked)
    if not found or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    return (start, stop) if start < stop else ()


def head(code, headers, length, stays):
    """Bytes before the body of an answer; `stays` says whether the connection remains open."""
    lines = [
        f"HTTP/1.1 {code.value} {code.phrase}",
        f"Server: {SERVER}",
        f"Date: {formatdate(usegmt=True)}",
        f"Content-Length: {length}",
        f"Connection: {'keep-alive' if stays else 'close'}",
        "X-Content-Type-Options: nosniff",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def index(root, host):
    """The page of a browser that comes by: which studies are here and what to type."""
    address = f"http://{host}" if re.fullmatch(r"[\w.:\[\]-]+", host) else "http://ADDRESS:PORT"
    names = sorted(p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    rows = "".join(
        f"<li><pre>mriworkbook data get {html.escape(quote(name))} "
        f"--mirror {html.escape(address)}</pre></li>"
        for name in names
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>MRI Workbook mirror</title>'
        '<meta name="viewport" content="width=device-width"><h1>MRI Workbook mirror</h1>'
        f"<p>Type in a terminal:</p><ul>{rows}</ul></html>"
    )
