"""Where the blocks of a MyST text begin and end, found by the parser that the book uses."""

import re
from dataclasses import dataclass
from itertools import zip_longest

import yaml
from markdown_it import MarkdownIt
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from mdit_py_plugins.myst_blocks import myst_block_plugin

DIRECTIVE = re.compile(r"\{([\w:.+-]+)\}[ \t]*(.*)", re.DOTALL)
VERBATIM = {"code_block", "html_block", "math_block", "math_block_label", "front_matter"}
OTHER = {"myst_line_comment": "comment", "myst_target": "label", "myst_block_break": "break"}


class SourceError(ValueError):
    """An episode's source breaks a rule; the message says where, what and how to mend it."""


@dataclass(frozen=True)
class Block:
    """A block of a MyST text.

    ``kind`` is one of directive, code, comment, label, break, heading, verbatim, text; lines are
    counted from 0 and ``end`` is the line after the last. ``level`` is 0 outside lists and quotes.
    """

    kind: str
    start: int
    end: int
    level: int = 0
    name: str = ""
    argument: str = ""
    body: str = ""
    closed: bool = True


def _parser():
    parser = MarkdownIt("commonmark").enable("table")
    for plugin in (front_matter_plugin, myst_block_plugin, colon_fence_plugin):
        parser.use(plugin)
    parser.use(footnote_plugin).use(dollarmath_plugin)
    # Inline structure is read by `markdown`, and footnotes must stay where they are written.
    return parser.disable(["inline", "footnote_tail"])


PARSER = _parser()


def normalise_lines(text):
    """The same text with the line ends that the parser counts.

    Examples
    --------
    >>> normalise_lines("a\\r\\nb")
    'a\\nb'
    """
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse_blocks(text):
    """Blocks of `text` in the order of the file, those in lists and quotes included.

    Parameters
    ----------
    text : str
        MyST Markdown, with or without front matter.

    Returns
    -------
    list of Block
        The inside of a directive is not parsed: it is the ``body`` of its block.

    Examples
    --------
    >>> [(b.kind, b.name or b.body) for b in parse_blocks("# Noise\\n\\n% covers: S2.3\\n")]
    [('heading', 'Noise'), ('comment', 'covers: S2.3')]
    >>> block, = parse_blocks("```{tip}\\nLook.\\n```")
    >>> block.name, block.body
    ('tip', 'Look.\\n')
    """
    text = normalise_lines(text)
    lines = text.split("\n")
    tokens = PARSER.parse(text)
    return [
        _block(token, lines, following)
        for token, following in zip_longest(tokens, tokens[1:])
        if token.map is not None and token.type != "inline"
    ]


def _block(token, lines, following):
    start, end = token.map
    place = {"start": start, "end": end, "level": token.level}
    if token.type in ("fence", "colon_fence"):
        directive = DIRECTIVE.fullmatch(token.info.strip())
        last = lines[end - 1].strip(" \t>")
        closed = (
            end - start > 1 and set(last) == {token.markup[0]} and (len(last) >= len(token.markup))
        )
        if directive:
            name, argument = directive.groups()
            return Block("directive", **place, name=name, argument=argument.strip(),
                         body=token.content, closed=closed)  # fmt: skip
        kind = "code" if token.type == "fence" else "bare colon fence"
        return Block(kind, **place, body=token.content, closed=closed)
    if token.type in OTHER:
        return Block(OTHER[token.type], **place, body=token.content.strip())
    if token.type == "heading_open":
        return Block("heading", **place, name=following.content, argument=token.tag)
    if token.type in VERBATIM:
        return Block("verbatim", **place, name=token.type, body=token.content)
    return Block("text", **place)


def read_options(body):
    """Options and content of a directive's body.

    Parameters
    ----------
    body : str
        What stands between the fences: ``:key: value`` lines or a ``---`` block, then content.

    Returns
    -------
    options : dict of str
    content : str
        Without blank lines around it.
    skipped : int
        Lines of `body` before the content, so that errors can name the right line.

    Examples
    --------
    >>> read_options(":label: smri-02-noise\\n\\nWhat is noise?\\n")
    ({'label': 'smri-02-noise'}, 'What is noise?', 2)
    """
    lines = body.split("\n")
    options, used = {}, 0
    if lines[0].strip() == "---":
        stop = next((n for n, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
        if stop is None:
            raise SourceError("the option block of a directive opens with --- and never closes")
        options, used = yaml.safe_load("\n".join(lines[1:stop])) or {}, stop + 1
    else:
        while used < len(lines) and (match := re.match(r"\s*:([\w-]+):(?: (.*))?$", lines[used])):
            options[match[1]] = (match[2] or "").strip()
            used += 1
    while used < len(lines) and not lines[used].strip():
        used += 1
    return options, "\n".join(lines[used:]).rstrip(), used


def strip_instructor_notes(text):
    """Blank out every ``{instructor-note}``, keeping the number of every other line.

    The book calls this on the source of a page: a note that slipped through would be an unknown
    directive there and stop the build, so notes cannot leak.

    Parameters
    ----------
    text : str
        Source of an episode, front matter included.

    Returns
    -------
    str

    Examples
    --------
    >>> strip_instructor_notes("Look.\\n\\n:::{instructor-note}\\nWait 2 min.\\n:::\\n")
    'Look.\\n\\n\\n\\n\\n'
    """
    lines = normalise_lines(text).split("\n")
    for block in parse_blocks(text):
        if block.kind == "directive" and block.name == "instructor-note":
            lines[block.start : block.end] = [""] * (block.end - block.start)
    return "\n".join(lines)


def split_gates(text, file, line=1):
    """Cut a Markdown cell at its ``solution-start`` and ``solution-end`` directives.

    Parameters
    ----------
    text : str
        One Markdown cell.
    file : str
        Named in errors.
    line : int
        Line of the file at which the cell begins.

    Returns
    -------
    list of (kind, content, line)
        ``kind`` is text, start or end; ``content`` the text, or the label of the solution.

    Examples
    --------
    >>> split_gates("a\\n\\n```{solution-end}\\n```\\n\\nb", "x.md")
    [('text', 'a', 1), ('end', '', 3), ('text', 'b', 6)]
    """
    text = normalise_lines(text)
    lines, pieces, done = text.split("\n"), [], 0

    def keep(stop):
        first = next((n for n in range(done, stop) if lines[n].strip()), None)
        if first is not None:
            pieces.append(("text", "\n".join(lines[first:stop]).rstrip(), line + first))

    for block in parse_blocks(text):
        if block.kind == "directive" and block.name in ("solution-start", "solution-end"):
            where = f"{file}, line {line + block.start}"
            if block.level:
                raise SourceError(
                    f"{where}: {{{block.name}}} inside a list or quote; move it to the margin"
                )
            if not block.closed:
                raise SourceError(f"{where}: {{{block.name}}} is never closed; close its fence")
            keep(block.start)
            kind = block.name.removeprefix("solution-")
            pieces.append((kind, block.argument, line + block.start))
            done = block.end
    keep(len(lines))
    return pieces
