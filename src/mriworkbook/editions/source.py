"""Read the one source of an episode: its front matter, its header box and its cells."""

import json
from importlib import resources
from pathlib import Path

import jsonschema
import nbformat
import yaml
from jupytext.myst import myst_to_notebook

from .blocks import SourceError, normalise_lines, parse_blocks

BOX = {"overview": ("Overview", "episode"), "key_points": ("Key points", "key-points")}


def read_schema():
    """JSON schema of an episode's front matter.

    Examples
    --------
    >>> sorted(read_schema()["properties"])
    ['episode', 'jupytext', 'kernelspec']
    """
    text = resources.files("mriworkbook").joinpath("episode_schema.json").read_text("utf-8")
    return json.loads(text)


def read_front_matter(text, file="front matter"):
    """The validated ``episode`` mapping of a source.

    Parameters
    ----------
    text : str
        Source of an episode.
    file : str, optional
        Named in errors.

    Returns
    -------
    dict
        ``title``, ``part``, ``minutes``, ``questions``, ``objectives``, ``key_points``,
        ``budget`` and ``needs``, as `episode_schema.json` describes them.

    Raises
    ------
    SourceError
        Front matter is missing, is not YAML or does not fit the schema; names file and key.

    Examples
    --------
    >>> read_front_matter("# No front matter", "notebooks/x.md")
    Traceback (most recent call last):
    mriworkbook.editions.blocks.SourceError: notebooks/x.md: no front matter; ...
    """
    return read_all_front_matter(text, file)["episode"]


def read_all_front_matter(text, file):
    """The whole validated front matter: ``jupytext``, ``kernelspec`` and ``episode``."""
    first = next(iter(parse_blocks(text)), None)
    if first is None or first.name != "front_matter":
        raise SourceError(
            f"{file}: no front matter; start the file with a --- block that has the keys "
            "jupytext, kernelspec and episode"
        )
    try:
        front = yaml.safe_load(first.body)
    except yaml.YAMLError as error:
        raise SourceError(
            f"{file}: the front matter is not YAML ({' '.join(str(error).split())}); "
            "a text with a colon in it needs quotes: quote it"
        ) from error
    validator = jsonschema.Draft202012Validator(read_schema())
    problem = jsonschema.exceptions.best_match(validator.iter_errors(front))
    if problem is not None:
        raise SourceError(f"{file}: {_explain(problem)}")
    return front


def _explain(problem):
    key = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in problem.absolute_path)
    key = key.lstrip(".") or "front matter"
    if problem.validator == "type" and problem.schema.get("type") == "string":
        return (
            f"{key} must be a text, got {problem.instance!r}; YAML reads an unquoted "
            '"word: more" as a mapping and bare numbers or dates as such: quote it'
        )
    if problem.validator == "additionalProperties" and not problem.absolute_path:
        return (
            f"{problem.message}; only jupytext, kernelspec and episode may stand at the top "
            "level (date and authors break the book's build)"
        )
    return f"{key}: {problem.message}"


def _box(kind, content, where):
    title, css_class = BOX[kind]
    if where == "book":
        return f":::{{admonition}} {title}\n:class: {css_class}\n{content}\n:::\n"
    if where == "notebook":
        lines = [f"**{title}**", "", *content.split("\n")]
        return "\n".join(f"> {line}".rstrip() for line in lines) + "\n"
    raise ValueError(f"where={where!r}: a box is made for 'book' or 'notebook'")


def _bullets(items):
    # An item that YAML folded over several lines must stay one bullet.
    return "\n".join(f"- {' '.join(item.split())}" for item in items)


def header_markdown(front, where="book"):
    """The overview box of an episode: minutes, questions, objectives.

    Parameters
    ----------
    front : dict
        What `read_front_matter` returned.
    where : {"book", "notebook"}
        A MyST admonition, or a blockquote that every notebook viewer shows.

    Returns
    -------
    str

    Examples
    --------
    >>> front = {"minutes": {"teaching": 30, "exercises": 15},
    ...          "questions": ["What is noise?"], "objectives": ["Tell it from bias."]}
    >>> print(header_markdown(front, "notebook"))
    > **Overview**
    >
    > **Teaching:** 30 min, **exercises:** 15 min
    >
    > **Questions**
    >
    > - What is noise?
    >
    > **Objectives**
    >
    > - Tell it from bias.
    """
    minutes = front["minutes"]
    content = (
        f"**Teaching:** {minutes['teaching']} min, **exercises:** {minutes['exercises']} min\n\n"
        f"**Questions**\n\n{_bullets(front['questions'])}\n\n"
        f"**Objectives**\n\n{_bullets(front['objectives'])}"
    )
    return _box("overview", content, where)


def key_points_markdown(front, where="book"):
    """The key points of an episode as a box; parameters as in `header_markdown`.

    Examples
    --------
    >>> print(key_points_markdown({"key_points": ["Look before and after."]}))
    :::{admonition} Key points
    :class: key-points
    - Look before and after.
    :::
    """
    return _box("key_points", _bullets(front["key_points"]), where)


def read_source(path):
    """Read an episode's source as a notebook.

    Parameters
    ----------
    path : str or Path
        ``notebooks/<stem>.md``, a MyST notebook.

    Returns
    -------
    nbformat.NotebookNode
        ``metadata`` holds the validated front matter; each cell's ``metadata["line"]`` is the line
        of the file at which its text begins, so that every problem can be named by line.

    Raises
    ------
    SourceError
        The front matter is not valid, or the cells cannot be read.
    """
    path = Path(path)
    text = normalise_lines(path.read_text("utf-8"))
    front = read_all_front_matter(text, path.name)
    notebook = myst_to_notebook(text, add_source_map=True)
    lines = text.split("\n")
    for cell, start in zip(notebook.cells, notebook.metadata.pop("source_map"), strict=True):
        while not lines[start].strip():
            start += 1
        cell.metadata["line"] = start + 1
    notebook.metadata = nbformat.from_dict(front)
    return notebook
