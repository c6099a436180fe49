"""Generate the learner and the instructor notebook of an episode from its one source."""

import hashlib
import secrets
from pathlib import Path

import nbformat

from .blocks import SourceError, split_gates
from .markdown import Place, translate
from .rules import cell_tags, find_exercises, find_problems
from .site import page_url, site_of
from .source import header_markdown, key_points_markdown, read_source

EDITIONS = ("learner", "instructor")
# Tags that steer the book only; skip-execution left in would hide untouched stubs from tests.
BOOK_TAGS = {
    "skip-execution", "hide-input", "hide-output", "hide-cell", "remove-input", "remove-output",
    "remove-cell", "remove-stderr", "remove-stdout", "scroll-output", "margin", "full-width",
}  # fmt: skip
COLAB_CELL = """\
# Google Colab starts without the workbook's packages; anywhere else this cell does nothing.
import sys

if "google.colab" in sys.modules:
    %pip install --quiet mriworkbook"""


def learner(path, registry=None):
    """The learner edition of an episode.

    Stubs are kept and solutions removed; a note under each exercise leads to the solution in the
    book.

    Parameters
    ----------
    path : str or Path
        ``notebooks/<stem>.md``.
    registry : collection of str, optional
        Labels that have a check; by default those of `mriworkbook.exercises`.

    Returns
    -------
    nbformat.NotebookNode
        Without outputs, with cell ids that depend on the content only.

    Raises
    ------
    SourceError
        The source breaks a rule; all problems are listed.
    """
    return _edition(path, "learner", registry)


def instructor(path, registry=None):
    """The instructor edition: stubs, marked solutions and instructor notes; else as `learner`."""
    return _edition(path, "instructor", registry)


def _edition(path, edition, registry):
    path = Path(path)
    source = read_source(path)
    problems = find_problems(source, path.name, registry)
    if problems:
        raise SourceError("\n".join(problems))
    front, page = source.metadata["episode"], f"notebooks/{path.stem}"
    place = Place(path.name, page, site_of(path), instructor=edition == "instructor")
    titles = {e.label: e.title for e in find_exercises(source, path.name)[0].values()}
    cells, gate = [], None
    for cell in source.cells:
        if cell.cell_type == "code":
            if edition == "instructor" or "solution" not in cell_tags(cell):
                cells.append(_code_cell(cell))
            continue
        place = Place(place.file, page, place.site, cell.metadata["line"], place.instructor)
        text, gate = _markdown(cell, gate, place, titles)
        if text:
            cells.append(nbformat.v4.new_markdown_cell(text))
    _add_header(cells, front, place)
    cells.append(_markdown_box(key_points_markdown(front, "notebook"), place))
    return _notebook(cells, source.metadata, edition)


def _markdown(cell, gate, place, titles):
    """Text of a Markdown cell in its edition, and the solution that is open after it."""
    texts = []
    for kind, content, line in split_gates(cell.source, place.file, cell.metadata["line"]):
        if kind == "text":
            here = Place(place.file, place.page, place.site, line, place.instructor)
            translated = translate(content, here)
            texts += [translated] if place.instructor or gate is None else []
            continue
        if kind == "start" and place.instructor:
            texts.append(f"**Solution: {titles[content]}**")
        elif kind == "start":
            url = page_url(place.page, content)
            texts.append(f"*Stuck? The solution is on [the book page]({url}).*")
        elif place.instructor:
            texts.append("*End of the solution.*")
        gate = content if kind == "start" else None
    return "\n\n".join(t for text in texts if (t := text.strip("\n"))), gate


def _code_cell(cell):
    metadata = {k: v for k, v in cell.metadata.items() if k not in ("line", "mystnb", "tags")}
    tags = [tag for tag in cell.metadata.get("tags", []) if tag not in BOOK_TAGS]
    return nbformat.v4.new_code_cell(
        cell.source, metadata=metadata | ({"tags": tags} if tags else {})
    )


def _markdown_box(text, place):
    return nbformat.v4.new_markdown_cell(translate(text, place).rstrip("\n"))


def _add_header(cells, front, place):
    """Put title, overview box and the Colab cell at the top."""
    heading = f"# {front['title']}"
    rest = ""
    if cells and cells[0].cell_type == "markdown" and cells[0].source.startswith("# "):
        first, _, rest = cells.pop(0).source.partition("\n")
        if first.rstrip() != heading:
            raise SourceError(
                f"{place.file}: the first heading is {first!r}, the front matter's title "
                f"{front['title']!r}; make them the same"
            )
    top = [nbformat.v4.new_markdown_cell(heading)]
    top[0].source += "\n\n" + _markdown_box(header_markdown(front, "notebook"), place).source
    top.append(nbformat.v4.new_code_cell(COLAB_CELL, metadata={"tags": ["colab"]}))
    if rest.strip():
        top.append(nbformat.v4.new_markdown_cell(rest.strip("\n")))
    cells[:0] = top


def _notebook(cells, metadata, edition):
    front = metadata["episode"]
    notebook = nbformat.v4.new_notebook(
        cells=_with_ids(cells),
        metadata={
            "kernelspec": {"language": "python", **metadata["kernelspec"]},
            "language_info": {"name": "python"},
            "mriworkbook": {
                "edition": edition,
                "title": front["title"],
                "part": front["part"],
                "minutes": dict(front["minutes"]),
            },
        },
    )
    nbformat.validate(notebook)
    return notebook


def _with_ids(cells):
    """Give each cell an id from its content; equal cells are told apart by their order."""
    seen = {}
    for cell in cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    return cells


def notebook_text(notebook):
    """The text of a notebook file, the same byte for byte on every machine."""
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def write_learner(path, registry=None):
    """Write the learner edition beside its source.

    Parameters
    ----------
    path : str or Path
        ``notebooks/<stem>.md``.
    registry : collection of str, optional
        As in `learner`.

    Returns
    -------
    Path
        ``notebooks/<stem>.ipynb``.
    """
    return build([path], "learner", registry=registry)[0]


def build(paths, edition, out_dir=None, registry=None):
    """Write one edition of some episodes.

    Parameters
    ----------
    paths : iterable of str or Path
        Sources, ``notebooks/<stem>.md``.
    edition : {"learner", "instructor"}
    out_dir : str or Path, optional
        Where to write; made if needed. Learner notebooks go beside their source by default,
        instructor notebooks into ``_build/instructor`` of the repository.
    registry : collection of str, optional
        As in `learner`.

    Returns
    -------
    list of Path
        What was written, in the order of `paths`.
    """
    if edition not in EDITIONS:
        raise ValueError(f"edition={edition!r}: choose one of {', '.join(EDITIONS)}")
    written = []
    # All are made before one is written, so that a fault leaves the old set untouched.
    texts = [(Path(p), notebook_text(_edition(p, edition, registry))) for p in paths]
    for path, text in texts:
        beside = (
            path.parent if edition == "learner" else path.resolve().parents[1] / "_build" / edition
        )
        folder = Path(out_dir) if out_dir is not None else beside
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{path.stem}.ipynb"
        part = folder / f".{path.stem}.{secrets.token_hex(4)}.part"
        try:
            part.write_text(text, "utf-8", newline="\n")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        written.append(target)
    return written


def check_in_sync(paths, registry=None):
    """Learner notebooks that differ from what their sources give, or are missing.

    Parameters
    ----------
    paths : iterable of str or Path
        Sources, ``notebooks/<stem>.md``.
    registry : collection of str, optional
        As in `learner`.

    Returns
    -------
    list of Path
        The ``.ipynb`` files to generate again; empty if all are in step.
    """
    stale = []
    for path in map(Path, paths):
        target, text = path.with_suffix(".ipynb"), notebook_text(learner(path, registry))
        if not target.is_file() or target.read_bytes() != text.encode():
            stale.append(target)
    return stale
