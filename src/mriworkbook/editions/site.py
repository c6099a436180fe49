"""The book as seen from a notebook: addresses of its pages and labels, and its references."""

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from pathlib import Path

from .blocks import SourceError, parse_blocks, read_options

BOOK_URL = "https://mri-workbook.github.io/mri-workbook"


@dataclass(frozen=True)
class Site:
    """The book's sources below `root`; nothing is read before a cross-reference needs it.

    Attributes
    ----------
    root : Path
        Folder that holds ``notebooks/`` and ``book/``.
    """

    root: Path

    @cached_property
    def texts(self):
        """Source of every page, by its name in the book (``notebooks/<stem>``)."""
        files = [*self.root.glob("notebooks/*.md"), *self.root.glob("book/**/*.md")]
        return {
            path.relative_to(self.root).with_suffix("").as_posix(): path.read_text("utf-8")
            for path in sorted(files)
        }

    @cached_property
    def labels(self):
        """For every label its page and the title it carries ('' where it carries none)."""
        found = {}
        for page, text in self.texts.items():
            found |= {label: (page, title) for label, title in _labels(text)}
        return found

    @cached_property
    def terms(self):
        """For every glossary term, in lower case, its page and its own spelling."""
        return {
            line.strip().lower(): (page, line.strip())
            for page, text in self.texts.items()
            for block in parse_blocks(text)
            if block.kind == "directive" and block.name == "glossary"
            for line in read_options(block.body)[1].split("\n")
            if line.strip() and not line.startswith((" ", "\t"))
        }

    @cached_property
    def references(self):
        """Authors and year of every entry in ``book/references.bib``."""
        try:
            from pybtex.database import parse_file
        except ImportError as error:
            raise SourceError(
                "citations need pybtex to be read; type: pip install 'mriworkbook[book]'"
            ) from error
        path = self.root / "book" / "references.bib"
        if not path.is_file():
            raise SourceError(f"a citation is used, but there is no {path.name} under book/")
        entries = parse_file(str(path)).entries
        return {key: (_authors(entry), entry.fields.get("year", "")) for key, entry in
                entries.items()}  # fmt: skip

    def title(self, page):
        """First heading of a page."""
        headings = (b.name for b in parse_blocks(self.texts[page]) if b.kind == "heading")
        return next(headings, page)


def page_url(page, anchor=""):
    """Address of a page of the book, or of one place on it.

    Examples
    --------
    >>> page_url("notebooks/smri-02-cleanup", "noise").removeprefix(BOOK_URL)
    '/notebooks/smri-02-cleanup.html#noise'
    """
    return f"{BOOK_URL}/{page}.html{'#' if anchor else ''}{anchor}"


def label_anchor(label):
    """The id that docutils makes of a label.

    Examples
    --------
    >>> label_anchor("Bias_field")
    'bias-field'
    """
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


def term_anchor(term):
    """The id that Sphinx gives a glossary term; unlike labels it keeps capitals.

    Examples
    --------
    >>> term_anchor("Bias field (B1)")
    'term-Bias-field-B1'
    """
    return "term-" + re.sub(r"[^a-zA-Z0-9._]+", "-", term).strip("-")


def site_of(path):
    """Site of an episode's source: the folder above ``notebooks/``, else its own folder."""
    folder = Path(path).resolve().parent
    return Site(folder.parent if folder.name == "notebooks" else folder)


def _labels(text):
    blocks = parse_blocks(text)
    for block, following in zip_longest(blocks, blocks[1:]):
        if block.kind == "label":
            titled = following is not None and following.kind in ("heading", "directive")
            heading = following is not None and following.kind == "heading"
            yield block.body, (following.name if heading else following.argument) if titled else ""
        if block.kind == "directive" and block.name != "code-cell":
            options, content, _ = read_options(block.body)
            for key in {"label", "name"} & options.keys():
                # The argument of a figure is a path, not a title.
                title = "" if block.name in ("figure", "image") else block.argument
                yield str(options[key]), title
            yield from _labels(content)


def _authors(entry):
    """Family names of an entry's authors, LaTeX accents resolved."""
    from pybtex.richtext import Text

    people = entry.persons.get("author") or entry.persons.get("editor") or []
    names = [" ".join([*person.prelast_names, *person.last_names]) for person in people]
    return [str(Text.from_latex(name)) for name in names]


def cite(authors, year, textual):
    """Author-year text of one reference.

    Parameters
    ----------
    authors : list of str
        Family names.
    year : str
    textual : bool
        ``A (1998)`` as part of a sentence, else ``A, 1998`` for use within parentheses.

    Examples
    --------
    >>> cite(["Sled", "Zijdenbos", "Evans"], "1998", textual=True)
    'Sled et al. (1998)'
    >>> cite(["Ashburner", "Friston"], "2005", textual=False)
    'Ashburner and Friston, 2005'
    """
    names = " and ".join(authors) if len(authors) < 3 else f"{authors[0]} et al."
    return f"{names} ({year})" if textual else f"{names}, {year}"
