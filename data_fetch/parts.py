"""The unfinished file: where it is, what is there already and where that came from."""

import contextlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from data_fetch import storage

PAGE = re.compile(r"\.x?html?$")
HTML = (b"<!doctype html", b"<html")


@dataclass
class Part:
    """The unfinished file: its place, what is there, the checksum of that (None: not taken yet)."""

    path: Path
    note: Path
    at: int
    source: dict
    sum_: object = None
    resumed: bool = False


def looks_like_a_page(path):
    """Whether the part of a file that is no web page begins like one."""
    with path.open("rb") as file:
        return not PAGE.search(path.stem) and file.read(64).lstrip().lower().startswith(HTML)


def open_part(path):
    """Look at what an earlier call left of a file.

    Parameters
    ----------
    path : Path
        The file's real name.

    Returns
    -------
    Part
        `source` is what `write_note` kept, empty if nothing is known.
    """
    part, note = part_names(path)
    source = {}
    with contextlib.suppress(FileNotFoundError, ValueError):
        # A kill may have cut the note short; the part is then resumed without If-Range.
        source = dict(json.loads(note.read_text(encoding="utf-8")))
    at = part.stat().st_size if part.exists() else 0
    return Part(part, note, at, source, resumed=at > 0)


def part_names(path):
    """Where the unfinished file and the note of its source are.

    Examples
    --------
    >>> [place.name for place in part_names(Path("T1w.nii.gz"))]
    ['T1w.nii.gz.part', 'T1w.nii.gz.part-source']
    """
    return path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.part-source")


def discard(part, report):
    """Throw away what is there, and take it off the progress."""
    if part.at:
        report(-part.at, None)
        part.path.write_bytes(b"")
        part.note.unlink(missing_ok=True)
    part.at, part.sum_, part.source, part.resumed = 0, None, {}, False


def digest_so_far(part, algorithm, size):
    """Begin the checksum with what is on the disk; `size` is that of the whole file."""
    sum_ = storage.new_digest(algorithm, size)
    if part.at:
        with part.path.open("rb") as file:
            while piece := file.read(storage.CHUNK):
                sum_.update(piece)
    return sum_


def write(file, piece):
    """Write all of a piece to an unbuffered file, which may take it in several bites."""
    view = memoryview(piece)
    while view:
        view = view[file.write(view) :]


def write_note(part):
    """Say beside the part where it comes from, so that a later call can ask for the rest of it."""
    part.note.write_text(json.dumps(part.source), encoding="utf-8")
