"""Translate MyST Markdown into the plain Markdown that every notebook viewer shows."""

import bisect
import itertools
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from mriworkbook import exercises

from .blocks import SourceError, normalise_lines, parse_blocks, read_options
from .site import Site, cite, label_anchor, page_url, term_anchor

QUOTES = {
    "note": "Note",
    "tip": "Tip",
    "important": "Important",
    "warning": "Warning",
    "instructor-note": "For the instructor",
}
TITLED = {"admonition": "", "dropdown": "", "exercise": "Exercise: "}
DIRECTIVES = (*QUOTES, *TITLED, "figure", "image", "math", "choices")
CITATIONS = ("cite", "cite:p", "cite:t")
ROLES = ("term", "ref", "numref", "doc", *CITATIONS, "math", "abbr")
ROLE = re.compile(r"(?<!\\)((?:\\\\)*)\{([\w:.+-]+)\}$")
LINK = re.compile(r"(!?)\[((?:[^\[\]\\]|\\.)*)\]\(([^()\s]+)(?:\s+\"[^\"]*\")?\)")


@dataclass(frozen=True)
class Place:
    """Where a text stands: named in errors, and the start of relative links.

    Attributes
    ----------
    file : str
        Name of the source.
    page : str
        Name of its page in the book, e.g. ``notebooks/smri-02-cleanup``.
    site : Site
    line : int
        Line of the file at which the text begins.
    instructor : bool
        Whether instructor notes are kept.
    """

    file: str
    page: str
    site: Site
    line: int = 1
    instructor: bool = False

    def error(self, line, message):
        """The exception to raise for line `line` (from 0) of the text."""
        return SourceError(f"{self.file}, line {self.line + line}: {message}")

    def moved(self, lines):
        """The same place, `lines` further down."""
        return Place(self.file, self.page, self.site, self.line + lines, self.instructor)


def translate(text, place):
    """Translate MyST Markdown to plain Markdown.

    Directives become quotes with a bold title, cross-references and figures become links to the
    book, citations become author and year, comments and labels go. Plain Markdown comes back
    as it was, and so does a text that was translated before.

    Parameters
    ----------
    text : str
        Content of a Markdown cell.
    place : Place
        Where the text stands.

    Returns
    -------
    str

    Raises
    ------
    SourceError
        A directive or role has no translation, or a reference has no target.

    Examples
    --------
    >>> from pathlib import Path
    >>> place = Place("x.md", "notebooks/x", Site(Path()))
    >>> print(translate("% draft\\n\\n:::{tip}\\nLook at `{this}`.\\n:::", place))
    > **Tip**
    >
    > Look at `{this}`.
    """
    text = normalise_lines(text)
    lines, blocks = text.split("\n"), parse_blocks(text)
    out, done = [], 0
    for block in blocks:
        if block.start < done or block.kind not in ("directive", "comment", "label", "break",
                                                    "bare colon fence"):  # fmt: skip
            continue
        out += _translate_prose(lines, done, block.start, blocks, place)
        new = _translate_block(block, place)
        if new is None:
            done = _drop(out, lines, block.end)
        else:
            out += _indent(new, lines[block.start])
            done = block.end
    out += _translate_prose(lines, done, len(lines), blocks, place)
    return "\n".join(out)


def _drop(out, lines, end):
    """Line at which to go on after a dropped block, so that it leaves one blank line at most."""
    while end < len(lines) and not lines[end].strip() and (not out or not out[-1].strip()):
        end += 1
    return end


def _indent(text, opening):
    """Give `text` the list or quote prefix that its directive's opening line has."""
    first = re.match(r"[^`~:]*", opening)[0]
    rest = re.sub(r"[^\s>]", " ", first)
    return [
        (rest if n else first) + line if line else (rest if n else first).rstrip()
        for n, line in enumerate(text.split("\n"))
    ]


def _translate_block(block, place):
    """Plain Markdown of a block, or None where it is dropped."""
    if block.kind in ("comment", "label"):
        return None
    if block.kind == "break":
        raise place.error(block.start, "+++ inside a cell; put it between blank lines")
    if block.kind == "bare colon fence":
        raise place.error(
            block.start, "::: without a directive, or never closed above; name one or close it"
        )
    if block.name not in DIRECTIVES:
        hint = "it must stand at the margin" if "solution" in block.name else (
            f"use one of {', '.join(DIRECTIVES)}, or teach editions.markdown to translate it"
        )  # fmt: skip
        raise place.error(block.start, f"{{{block.name}}} has no plain Markdown; {hint}")
    if not block.closed:
        raise place.error(
            block.start, f"{{{block.name}}} is never closed; a fence around cells or other "
            "directives must be longer than theirs, and code cells may not stand in it",
        )  # fmt: skip
    if block.name == "instructor-note" and not place.instructor:
        return None
    return _translate_directive(block, place)


def _translate_directive(block, place):
    options, content, skipped = read_options(block.body)
    inside = place.moved(block.start + 1 + skipped)
    if block.name in ("figure", "image"):
        return _figure(block, options, translate(content, inside), place)
    if block.name == "math":
        return f"$$\n{content or block.argument}\n$$"
    if block.name == "choices":
        return _choices(block, place)
    argument = _translate_inline(block.argument, block.start, place)
    body = translate(content, inside)
    if block.name in QUOTES:
        # MyST reads what follows the name of such a directive as its first line.
        title, body = QUOTES[block.name], "\n".join(filter(None, [argument, body]))
    else:
        title = TITLED[block.name] + argument
    lines = [f"**{title}**", *(["", *body.split("\n")] if body else [])]
    return "\n".join(f"> {line}".rstrip() for line in lines)


def _figure(block, options, caption, place):
    alt = str(options.get("alt", "")).strip()
    if re.match(r"https?://", block.argument):
        image = f"![{alt}]({block.argument})"
    else:
        anchor = label_anchor(str(options.get("name", "")))
        image = (
            f"[Figure on the book page: {alt or block.argument}]({page_url(place.page, anchor)})"
        )
    return "\n\n".join(filter(None, [image, caption]))


def _choices(block, place):
    try:
        found = exercises.choices(block.argument)
    except LookupError as error:
        raise place.error(block.start, str(error)) from error
    return "\n".join(f"- **{letter}** {choice.text}" for letter, choice in found.items())


def _translate_prose(lines, start, stop, blocks, place):
    """Lines `start` to `stop`, roles and links translated; code and mathematics untouched."""
    fixed = [b for b in blocks if b.kind in ("code", "verbatim")]
    for block in fixed:
        if block.name == "math_block_label" and start <= block.start < stop:
            raise place.error(block.start, "a labelled equation; drop the label, or use {math}")
    cuts = {start, stop} | {n for b in blocks for n in (b.start, b.end) if start < n < stop}
    cuts |= {n for n in range(start, stop) if not lines[n].strip()}
    edges, starts = sorted(cuts), sorted((b.start, b.end) for b in fixed)
    out = []
    for first, last in itertools.pairwise(edges):
        chunk = "\n".join(lines[first:last])
        at = bisect.bisect_right(starts, (first, len(lines) + 1)) - 1
        if at < 0 or starts[at][1] <= first:
            chunk = _translate_inline(chunk, first, place)
        out += chunk.split("\n")
    return out


def _translate_inline(text, line, place):
    """Translate the roles and links of one paragraph; other code spans stay as they are."""
    out, done = [], 0
    for opening, content, end in _code_spans(text):
        role = ROLE.search(text[done:opening])
        if role:
            here = line + text.count("\n", 0, opening)
            new = _translate_role(role[2], " ".join(content.split()), here, place)
            out += [text[done : done + role.start()], role[1], new]
        else:
            out += [text[done:end]]
        done = end
    return _translate_links("".join([*out, text[done:]]), line, place)


def _code_spans(text):
    """Start, content and end of each code span, as CommonMark pairs the backticks."""
    position = 0
    while match := re.compile(r"(?<!\\)(?:\\\\)*(`+)").search(text, position):
        start, ticks = match.start(1), match[1]
        close = re.compile(rf"(?<!`){ticks}(?!`)").search(text, match.end())
        if close is None:
            position = match.end()
            continue
        yield start, text[match.end() : close.start()], close.end()
        position = close.end()


def _translate_role(name, content, line, place):
    if name not in ROLES:
        raise place.error(
            line, f"the role {{{name}}} has no plain Markdown; use one of {', '.join(ROLES)}"
        )
    if name == "math":
        return f"${content}$"
    if name == "abbr":
        return content
    if name in CITATIONS:
        return _citation(name, content, line, place)
    match = re.fullmatch(r"(.*?)\s*<([^<>]+)>", content)
    text, target = match.groups() if match else ("", content)
    if name == "term":
        return _term(text or target, target, line, place)
    if name == "doc":
        page, title = _page(target, line, place), ""
        return f"[{text or place.site.title(page)}]({page_url(page)})"
    if target not in place.site.labels:
        raise place.error(line, f"no page has the label {target!r}; check its spelling")
    page, title = place.site.labels[target]
    text = text.replace("%s", "").replace("{number}", "").strip()
    return f"[{text or title or 'on the book page'}]({page_url(page, label_anchor(target))})"


def _term(text, target, line, place):
    if target.lower() not in place.site.terms:
        raise place.error(line, f"the glossary has no {target!r}; add the term or mend the role")
    page, spelling = place.site.terms[target.lower()]
    return f"[{text}]({page_url(page, term_anchor(spelling))})"


def _page(target, line, place):
    """Name of the page that a link from `place` leads to."""
    parts = [] if target.startswith("/") else list(PurePosixPath(place.page).parent.parts)
    for part in PurePosixPath(target.lstrip("/")).parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    page = "/".join(parts).removesuffix(".md")
    if page not in place.site.texts:
        raise place.error(line, f"there is no page {target!r}; give its path from this file")
    return page


def _citation(name, content, line, place):
    keys, known = [key.strip() for key in content.split(",")], place.site.references
    for key in keys:
        if key not in known or not all(known[key]):
            raise place.error(
                line, f"book/references.bib has no {key!r} with an author and a year; add it"
            )
    textual = name == "cite:t"
    texts = [cite(*known[key], textual=textual) for key in keys]
    return ", ".join(texts) if textual else f"({'; '.join(texts)})"


def _translate_links(text, line, place):
    """Lead links to pages, labels and pictures of the book to the published book."""
    spans = [(start, end) for start, _, end in _code_spans(text)]

    def is_code(position):
        return any(start <= position < end for start, end in spans)

    def replace(match):
        image, label, target = match.groups()
        path, _, anchor = target.partition("#")
        here = line + text.count("\n", 0, match.start())
        if re.match(r"[\w+.-]+:", target) or is_code(match.start()) or is_code(match.start(3)):
            return match[0]
        if image:
            return f"[Figure on the book page: {label or target}]({page_url(place.page)})"
        if path.endswith(".md"):
            page = _page(path, here, place)
            return f"[{label or place.site.title(page)}]({page_url(page, anchor)})"
        if anchor and not path:
            page, title = place.site.labels.get(anchor, (place.page, anchor))
            return f"[{label or title}]({page_url(page, label_anchor(anchor))})"
        return match[0]

    return LINK.sub(replace, text)
