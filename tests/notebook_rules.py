"""Rules that tie episode sources to the curriculum; each returns problems in words."""

import csv
import re

import yaml

from mriworkbook.editions.blocks import normalise_lines, parse_blocks, read_options

HIDDEN = {"skip-execution", "remove-cell", "remove-output"}
SHORTEST_ALT = 20
MOST_IDS = 3


def read_curriculum(path):
    """Kind and episode of every curriculum id."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    return {row["id"]: (row["kind"], row["episode"]) for row in rows}


def find_covers(text):
    """Every ``% covers:`` comment: its ids, its line (from 1) and its place among the blocks."""
    blocks = parse_blocks(text)
    lines = normalise_lines(text).split("\n")
    found = []
    for number, block in enumerate(blocks):
        if block.kind != "comment":
            continue
        for line in range(block.start, block.end):
            match = re.match(r"\s*%\s*covers:(.*)", lines[line])
            if match:
                ids = [part.strip() for part in match[1].split(",")]
                found.append({"ids": ids, "line": line + 1, "block": number})
    return found, blocks, lines


def check_comments(text, file):
    """A covers comment stands alone between blank lines and names at most three ids."""
    problems = []
    found, blocks, lines = find_covers(text)
    for cover in found:
        where = f"{file}, line {cover['line']}"
        index = cover["line"] - 1
        around = [lines[n] for n in (index - 1, index + 1) if 0 <= n < len(lines)]
        if any(line.strip() for line in around) or blocks[cover["block"]].level:
            problems.append(f"{where}: % covers must stand alone; put blank lines around it")
        if len(cover["ids"]) > MOST_IDS:
            problems.append(f"{where}: {len(cover['ids'])} ids; at most {MOST_IDS}, split it up")
    return problems


def check_ids(text, stem, curriculum, file):
    """Every id of the episode is covered once; no other id is named."""
    problems, seen = [], {}
    for cover in find_covers(text)[0]:
        where = f"{file}, line {cover['line']}"
        for name in cover["ids"]:
            if name not in curriculum:
                problems.append(f"{where}: the curriculum has no {name!r}; mend the id")
            elif curriculum[name][1] != stem:
                problems.append(f"{where}: {name} belongs to {curriculum[name][1]}; remove it")
            elif name in seen:
                problems.append(f"{where}: {name} is covered on line {seen[name]} already")
            seen.setdefault(name, cover["line"])
    missing = [n for n, (_, episode) in curriculum.items() if episode == stem and n not in seen]
    if missing:
        problems.append(
            f"{file}: not covered: {', '.join(missing)}; add % covers lines where they are taught"
        )
    return problems


def check_exercises(text, curriculum, file):
    """The id of an exercise stands directly before its directive."""
    problems = []
    found, blocks, _ = find_covers(text)
    for cover in found:
        exercises = [n for n in cover["ids"] if curriculum.get(n, [""])[0] == "exercise"]
        following = blocks[cover["block"] + 1 :]
        if exercises and not (following and following[0].name == "exercise"):
            problems.append(
                f"{file}, line {cover['line']}: {', '.join(exercises)} must be followed by its "
                "{exercise}; move the comment down to it"
            )
    return problems


def check_outputs(text, curriculum, file):
    """A figure or skill id is followed by an executed cell; that of a figure has alt text."""
    problems = []
    found, blocks, _ = find_covers(text)
    for cover in found:
        kinds = {curriculum.get(name, [""])[0] for name in cover["ids"]}
        cells = _executed_cells(blocks[cover["block"] + 1 :])
        where = f"{file}, line {cover['line']}: {', '.join(cover['ids'])}"
        if kinds & {"figure", "skill"} and not cells:
            problems.append(f"{where}: no executed cell before the next heading; add one")
        elif "figure" in kinds and not any(len(alt) >= SHORTEST_ALT for alt in map(_alt, cells)):
            problems.append(
                f"{where}: no cell before the next heading has mystnb.image.alt of "
                f"{SHORTEST_ALT} characters or more; describe the figure there"
            )
    return problems


def _executed_cells(blocks):
    """Metadata of the cells that run and show before the next heading at the margin."""
    cells = []
    for block in blocks:
        if block.kind == "heading" and not block.level:
            break
        if block.kind == "directive" and block.name == "code-cell":
            metadata = _metadata(block.body)
            if not HIDDEN & set(metadata.get("tags", [])):
                cells.append(metadata)
    return cells


def _metadata(body):
    options = read_options(body)[0]
    tags = options.get("tags", [])
    return options | {"tags": yaml.safe_load(tags) if isinstance(tags, str) else tags}


def _alt(metadata):
    image = metadata.get("mystnb", {}).get("image", {})
    return " ".join(str(image.get("alt", "")).split())


def check_coverage(text, stem, curriculum, file):
    """Problems of all rules of this module."""
    return [
        *check_comments(text, file),
        *check_ids(text, stem, curriculum, file),
        *check_exercises(text, curriculum, file),
        *check_outputs(text, curriculum, file),
    ]
