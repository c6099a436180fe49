"""Sphinx extension: what the book adds to the episode sources.

Header box, course map and key points come from the front matter; quizzes from the exercises module;
the table of budgets from the executed notebooks.
"""

import html
import re
from pathlib import Path

import execute_once
import result_tables
import yaml
from docutils import nodes
from jupyter_cache import get_cache
from sphinx.util.docutils import SphinxDirective

from mriworkbook.editions import (
    header_markdown,
    key_points_markdown,
    read_front_matter,
    strip_instructor_notes,
)
from mriworkbook.exercises import choices

FIRST_HEADING = re.compile(r"^# .*\n", re.MULTILINE)


def read_course(root):
    """Parts and episodes in order; each episode with title, minutes and whether it exists."""
    course = yaml.safe_load((root / "book" / "course.yml").read_text(encoding="utf-8"))
    for part in course.values():
        for stem, episode in part["episodes"].items():
            source = root / "notebooks" / f"{stem}.md"
            episode["ready"] = source.is_file()
            if episode["ready"]:
                front = read_front_matter(source.read_text(encoding="utf-8"))
                episode["title"] = front["title"]
                episode["minutes"] = [front["minutes"]["teaching"], front["minutes"]["exercises"]]
    return course


def course_map(course, here):
    """Collapsed list of all episodes with a "you are here" mark, as MyST Markdown."""
    part = next(part for part in course.values() if here in part["episodes"])
    place = list(part["episodes"]).index(here) + 1
    lines = [f":::{{dropdown}} Course map: {part['title']}, {place} of {len(part['episodes'])}"]
    for part in course.values():
        lines += ["", f"**{part['title']}**", ""]
        for stem, episode in part["episodes"].items():
            if stem == here:
                entry = f"**{episode['title']}** (you are here)"
            elif episode["ready"]:
                entry = f"[{episode['title']}]({stem}.md)"
            else:
                entry = f"{episode['title']} (to come)"
            lines.append(f"1. {entry}")
    return "\n".join([*lines, ":::", ""])


def course_table(root):
    """All episodes with their minutes, as a Markdown table for each part."""
    lines = []
    for part in read_course(root).values():
        lines += [f"## {part['title']}", "", "| episode | teaching | exercises |", "|---|---|---|"]
        for stem, episode in part["episodes"].items():
            title = episode["title"]
            cell = (
                f"[{title}](../notebooks/{stem}.md)" if episode["ready"] else f"{title} (to come)"
            )
            lines.append("| {} | {} min | {} min |".format(cell, *episode["minutes"]))
        lines.append("")
    return "\n".join(lines)


def budget_table(root):
    """Measured time and memory of each notebook beside its limits, as a Markdown table."""
    cache = get_cache(str(execute_once.cache_folder(root)))
    lines = [
        "| notebook | seconds | limit | peak MB | limit | measured |",
        "|---|---|---|---|---|---|",
    ]
    for path in sorted((root / "notebooks").glob("*.md")):
        front = read_front_matter(path.read_text(encoding="utf-8"))
        limit = front["budget"]
        got = execute_once.measurement(path, cache)
        if got is None:
            raise RuntimeError(f"{path.name} is not executed yet: `make book` executes it first")
        cells = [
            f"[{front['title']}](../notebooks/{path.name})",
            f"{got['seconds']:.0f}",
            limit["seconds"],
            f"{got['megabytes']:.0f}",
            limit["megabytes"],
            got["date"],
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


# A line such as `% course_table` or `% result_table: kill_loop` becomes a table.
TABLES = {
    make.__name__: make
    for make in (
        course_table,
        budget_table,
        result_tables.n4_table,
        result_tables.group_table,
        result_tables.realism_table,
        result_tables.result_table,
        result_tables.result_summary,
    )
}
LINE = re.compile(r"^% (\w+_(?:table|summary))(?:: ([\w ]+))?$", re.MULTILINE)
# Pages that have such lines.
GENERATED = (
    "book/index",
    "book/budgets",
    "book/validation",
    "notebooks/practice-study",
    "notebooks/practice-bold",
)


def add_generated(app, docname, source):
    """Fill in what is derived: called by Sphinx with each page's text before it is parsed."""
    root = Path(app.confdir)
    if docname in GENERATED:
        source[0] = LINE.sub(
            lambda line: TABLES[line[1]](root, *(line[2] or "").split()), source[0]
        )
    if not docname.startswith("notebooks/"):
        return
    front = read_front_matter(source[0])
    here = course_map(read_course(root), Path(docname).name)
    top = f"\n{header_markdown(front, 'book')}\n\n{here}\n"
    text = strip_instructor_notes(source[0])
    text = FIRST_HEADING.sub(lambda heading: heading[0] + top, text, count=1)
    source[0] = f"{text.rstrip()}\n\n{key_points_markdown(front, 'book')}\n"


def always_outdated(app, env, added, changed, removed):
    """Pages made from other files: an incremental build would leave them stale."""
    return [name for name in GENERATED if name in env.found_docs]


class Choices(SphinxDirective):
    """``{choices} label``: the answers of a quiz, each opening its feedback.

    A `<details>` element works by keyboard, without a kernel and without scripts.
    """

    required_arguments = 1

    def run(self):
        items = "".join(
            f"<li><details><summary><strong>{html.escape(key)}</strong> {html.escape(choice.text)}"
            f"</summary><p>{'Right. ' if choice.correct else 'No. '}{html.escape(choice.feedback)}"
            "</p></details></li>"
            for key, choice in choices(self.arguments[0]).items()
        )
        return [nodes.raw("", f'<ul class="quiz">{items}</ul>', format="html")]


def use_measured_cache(app, config):
    """Read outputs from the cache that `execute_once` fills."""
    config.nb_execution_cache_path = str(execute_once.cache_folder(Path(app.confdir)))


def setup(app):
    app.add_directive("choices", Choices)
    app.connect("config-inited", use_measured_cache)
    app.connect("source-read", add_generated)
    app.connect("env-get-outdated", always_outdated)
    return {"parallel_read_safe": True, "version": "1"}
