"""Sphinx extension: what the book adds to the episode sources.

Header box, course map and key points come from the front matter; quizzes from the exercises module;
the table of budgets from the executed notebooks.
"""

import html
import re
from pathlib import Path

import execute_once
import pandas as pd
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


def n4_table(root):
    """What `make validate` found about N4: mean and range over people and fields."""
    table = pd.read_csv(root / "benchmarks" / "results" / "n4_curve.tsv", sep="\t")
    columns = {
        "r": "correlation of the log fields",
        "rms_before": "RMS error, left alone",
        "rms_after": "RMS error, after N4",
        "wm_cv_before": "white matter varies by (%), left alone",
        "wm_cv_after": "white matter varies by (%), after N4",
        "seconds": "seconds",
    }
    lines = [f"| planted (%) | {' | '.join(columns.values())} |", "|---" * (len(columns) + 1) + "|"]
    for percent, group in table.groupby("planted_percent"):
        cells = [
            "undefined"
            if group[name].isna().all()
            else f"{group[name].mean():.2g} ({group[name].min():.2g} to {group[name].max():.2g})"
            for name in columns
        ]
        lines.append(f"| {percent} | {' | '.join(cells)} |")
    made = table[["date", "commit"]].iloc[0]
    lines += [
        "",
        f"Measured on {made['date']} at commit {made['commit']}: mean (smallest to largest).",
    ]
    return "\n".join(lines)


def result_table(root, name):
    """A committed result of `make validate` as it stands, as a Markdown table."""
    table = pd.read_csv(root / "benchmarks" / "results" / f"{name}.tsv", sep="\t", dtype=str)
    made = table[["date", "commit"]].iloc[0]
    table = table.drop(columns=["date", "commit"]).fillna("")
    lines = [
        f"| {' | '.join(column.replace('_', ' ') for column in table)} |",
        "|---" * table.shape[1] + "|",
    ]
    lines += [f"| {' | '.join(row)} |" for row in table.itertuples(index=False)]
    lines += ["", f"Measured on {made['date']} at commit {made['commit']}."]
    return "\n".join(lines)


def result_summary(root, name, by):
    """Mean and range of a committed result's numbers for each value of one column, in its order."""
    table = pd.read_csv(
        root / "benchmarks" / "results" / f"{name}.tsv", sep="\t", dtype={"subject": str}
    )
    made = table[["date", "commit"]].iloc[0]
    numbers = list(table.select_dtypes("number"))
    lines = [f"| {by} | {' | '.join(numbers)} |", "|---" * (len(numbers) + 1) + "|"]
    for value, group in table.groupby(by, sort=False):
        cells = [
            f"{group[column].mean():.3g} ({group[column].min():.3g} to {group[column].max():.3g})"
            for column in numbers
        ]
        lines.append(f"| {value} | {' | '.join(cells)} |")
    lines += [
        "",
        f"Measured on {made['date']} at commit {made['commit']}: mean (smallest to largest) of "
        f"{len(group)}.",
    ]
    return "\n".join(lines)


def realism_table(root):
    """Real and practice files side by side, as a Markdown table."""
    table = pd.read_csv(root / "benchmarks" / "results" / "realism.tsv", sep="\t")
    lines = ["| quantity | real | practice | inside? | how measured |", "|---|---|---|---|---|"]
    for row in table.itertuples():
        real, made = (
            f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g} ({n})"
            for low, high, n in (
                (row.real_low, row.real_high, row.n_real),
                (row.practice_low, row.practice_high, row.n_practice),
            )
        )
        why = "" if row.inside == "yes" or pd.isna(row.note) else f" *Why: {row.note}.*"
        text = f"{row.source}.{why}".replace("|", "\\|")
        quantity = row.quantity.replace("|", "\\|")
        lines.append(f"| {quantity} | {real} | {made} | {row.inside} | {text} |")
    first = table.iloc[0]
    lines += [
        "",
        "Ranges, with the number of files or people in parentheses. Real files were measured on "
        f"{first['real_date']} at commit {first['real_commit']}, practice files on "
        f"{first['practice_date']} at commit {first['practice_commit']}.",
    ]
    return "\n".join(lines)


# Pages with lines such as `% course_table` or `% result_table: coverage`, and what replaces them.
GENERATED = {
    "book/index": [course_table],
    "book/budgets": [budget_table],
    "book/validation": [n4_table],
    "notebooks/practice-study": [realism_table],
}
RESULT = re.compile(r"^% result_table: (\w+)$", re.MULTILINE)
SUMMARY = re.compile(r"^% result_summary: (\w+) by (\w+)$", re.MULTILINE)


def add_generated(app, docname, source):
    """Fill in what is derived: called by Sphinx with each page's text before it is parsed."""
    root = Path(app.confdir)
    for make in GENERATED.get(docname, []):
        source[0] = source[0].replace(f"% {make.__name__}", make(root))
    if docname in GENERATED:
        source[0] = RESULT.sub(lambda line: result_table(root, line[1]), source[0])
        source[0] = SUMMARY.sub(lambda line: result_summary(root, line[1], line[2]), source[0])
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
