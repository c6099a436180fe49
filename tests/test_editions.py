"""One source, three editions: front matter, instructor notes, generation."""

import ast
import re
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest
import yaml

from mriworkbook import editions, exercises
from mriworkbook.editions import BOOK_URL, SourceError

SAMPLE = Path(__file__).parent / "notebooks" / "sample"
SOURCE = SAMPLE / "notebooks" / "demo-01-shading.md"
PAGE = f"{BOOK_URL}/notebooks/demo-01-shading.html"


@pytest.fixture(autouse=True)
def demo_checks(monkeypatch):
    """The checks of the sample episode, in place of the real ones."""
    monkeypatch.setattr(exercises, "_CHECKS", {})
    monkeypatch.setattr(exercises, "_CHOICES", {})
    exercises.quiz(
        "demo-01-bias-or-noise",
        choices={"a": ("Grain", False, "Is it smooth?"), "b": ("Shading", True, "Smooth.")},
    )

    @exercises.exercise("demo-01-undo")
    def undo(function, restored, anatomy):
        assert np.allclose(restored, anatomy)


@pytest.fixture
def episode(tmp_path):
    """A copy of the sample that may be changed."""
    shutil.copytree(SAMPLE, tmp_path / "sample")
    return tmp_path / "sample" / "notebooks" / SOURCE.name


def change(path, old, new):
    text = path.read_text("utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1), "utf-8")
    return path


def markdown_of(notebook):
    return "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")


def code_of(notebook):
    return [c.source for c in notebook.cells if c.cell_type == "code"]


# Front matter


def test_front_matter():
    front = editions.read_front_matter(SOURCE.read_text("utf-8"))
    assert front["title"] == "Shading and noise"
    assert front["minutes"] == {"teaching": 10, "exercises": 5}
    assert front["needs"] == {"practice": ["core"]}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("- Undo a known field.", "- What: undo it", ["episode.objectives[1]", "quote it"]),
        ("- Undo a known field.", "- 2024-01-01", ["episode.objectives[1]", "quote it"]),
        ("title: Shading and noise", "title: Shading: and noise", ["quote it"]),
        ("title: Shading and noise", "title: 7", ["episode.title", "quote it"]),
        ("jupytext:\n", "date: today\njupytext:\n", ["date", "top level"]),
        ("jupytext:\n", "authors: [A]\njupytext:\n", ["authors", "top level"]),
        ("part: structural", "part: both", ["episode.part", "structural"]),
        ("part: structural", "part: structural\n  mood: good", ["episode", "mood"]),
        ("teaching: 10", "teaching: ten", ["episode.minutes.teaching", "integer"]),
        ("teaching: 10, ", "", ["episode.minutes", "teaching"]),
        ("seconds: 5", "seconds: 0", ["episode.budget.seconds"]),
        ("{practice: [core]}", "{practice: core}", ["episode.needs.practice", "array"]),
        ("format_name: myst", "format_name: markdown", ["jupytext", "myst"]),
    ],
)
def test_bad_front_matter_names_file_and_key(episode, old, new, expected):
    with pytest.raises(SourceError) as caught:
        editions.read_source(change(episode, old, new))
    assert str(caught.value).startswith("demo-01-shading.md: ")
    for part in expected:
        assert part in str(caught.value)


def test_schema_is_a_schema():
    from jsonschema import Draft202012Validator

    from mriworkbook.editions.source import read_schema

    Draft202012Validator.check_schema(read_schema())


def test_boxes_of_the_book_are_admonitions():
    front = editions.read_front_matter(SOURCE.read_text("utf-8"))
    header = editions.header_markdown(front)
    assert header.startswith(":::{admonition} Overview\n:class: episode\n")
    assert header.endswith("\n:::\n")
    for text in ("10 min", "5 min", front["questions"][0], *front["objectives"]):
        assert text in header
    assert front["key_points"][0] in editions.key_points_markdown(front, "book")
    with pytest.raises(ValueError, match="'book' or 'notebook'"):
        editions.header_markdown(front, "page")


def test_folded_item_stays_one_bullet():
    box = editions.key_points_markdown({"key_points": ["one\ntwo", "three"]}, "notebook")
    assert "> - one two\n> - three" in box


# Instructor notes


def test_strip_instructor_notes_keeps_all_other_lines():
    text = SOURCE.read_text("utf-8")
    stripped = editions.strip_instructor_notes(text)
    assert "Wait two minutes" in text
    assert "Wait two minutes" not in stripped
    assert "instructor-note" not in stripped
    before, after = text.split("\n"), stripped.split("\n")
    assert len(before) == len(after)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 3


def test_strip_instructor_notes_leaves_code_alone():
    text = "````python\n```{instructor-note}\nx\n```\n````"
    assert editions.strip_instructor_notes(text) == text


# Generation


def test_learner_edition():
    notebook = editions.learner(SOURCE)
    nbformat.validate(notebook)
    text, code = markdown_of(notebook), code_of(notebook)
    assert text.startswith("# Shading and noise\n\n> **Overview**")
    assert text.count("# Shading and noise") == 1
    assert "> **Key points**" in notebook.cells[-1].source
    assert "It is smooth." not in text
    assert "Its spread" not in text
    assert "Wait two minutes" not in text
    assert f"*Stuck? The solution is on [the book page]({PAGE}#demo-01-undo).*" in text
    assert "> - **a** Grain\n> - **b** Shading" in text
    assert 'answer = ...\ncheck("demo-01-bias-or-noise", answer)' in code
    assert not any("img / known_field" in source for source in code)
    assert not re.search(r"(?<!`)\{[a-z:]+\}`(?!nothing)|^:::|^%|^\(.*\)=", text, re.MULTILINE)


def test_learner_tags_and_metadata():
    notebook = editions.learner(SOURCE)
    tags = [cell.metadata.get("tags") for cell in notebook.cells if cell.cell_type == "code"]
    assert tags == [["colab"], None, ["exercise"], ["exercise"], None]
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)
    assert set(notebook.metadata) == {"kernelspec", "language_info", "mriworkbook"}
    assert notebook.metadata.mriworkbook == {
        "edition": "learner", "title": "Shading and noise", "part": "structural",
        "minutes": {"teaching": 10, "exercises": 5},
    }  # fmt: skip


def test_instructor_edition():
    notebook = editions.instructor(SOURCE)
    nbformat.validate(notebook)
    text, code = markdown_of(notebook), code_of(notebook)
    assert "> **For the instructor**\n>\n> Wait two minutes" in text
    assert "**Solution: Undo a known field**" in text
    assert text.index("It is smooth.") < text.index("*End of the solution.*")
    assert any("img / known_field" in source for source in code)
    assert 'answer = ...\ncheck("demo-01-bias-or-noise", answer)' in code
    assert "**Teaching:** 10 min, **exercises:** 5 min" in text
    assert "Stuck?" not in text


def run(sources):
    """Run cells in one namespace, without IPython; return what each ends in."""
    namespace, last = {}, []
    for source in sources:
        tree = ast.parse(source.replace("%pip", "pass  #"))
        value = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "cell", "exec"), namespace)
        if value is not None:
            last.append(eval(compile(ast.Expression(value.value), "cell", "eval"), namespace))
    return [v.status for v in last if isinstance(v, exercises.Verdict)]


def test_untouched_stubs_are_not_attempted(capsys):
    assert run(code_of(editions.learner(SOURCE))) == ["not attempted"] * 2


def test_solutions_pass_their_checks(capsys):
    cells = [c for c in editions.read_source(SOURCE).cells if c.cell_type == "code"]
    solutions = [c.source for c in cells if "exercise" not in c.metadata.get("tags", [])]
    assert run(solutions) == ["correct"] * 2


def test_colab_cell_is_silent_elsewhere(capsys):
    from IPython.core.inputtransformer2 import TransformerManager

    cell = editions.learner(SOURCE).cells[1].source
    exec(TransformerManager().transform_cell(cell), {})
    assert capsys.readouterr() == ("", "")


def test_colab_cell_installs_on_colab(monkeypatch):
    import sys
    import types

    from IPython.core.inputtransformer2 import TransformerManager

    calls = []
    shell = types.SimpleNamespace(run_line_magic=lambda *arguments: calls.append(arguments))
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    cell = TransformerManager().transform_cell(editions.learner(SOURCE).cells[1].source)
    exec(cell, {"get_ipython": lambda: shell})
    assert calls == [("pip", "install --quiet mriworkbook")]


def test_files_are_the_same_byte_for_byte(episode):
    first = editions.write_learner(episode)
    assert first == episode.with_suffix(".ipynb")
    data = first.read_bytes()
    assert data.endswith(b"}\n")
    assert b"jupytext" not in data
    assert b"\r" not in data
    editions.write_learner(episode)
    assert first.read_bytes() == data
    for cell in nbformat.reads(data.decode(), as_version=4).cells:
        assert cell.cell_type != "code" or (cell.outputs, cell.execution_count) == ([], None)


def test_ids_follow_content_and_order(episode):
    text = "\n```{code-cell} ipython3\nx = 1\n```\n\nsame\n\n```{code-cell} ipython3\nx = 1\n```\n"
    before = [c.id for c in editions.learner(episode).cells]
    episode.write_text(episode.read_text("utf-8") + text, "utf-8")
    after = [c.id for c in editions.learner(episode).cells]
    assert len(set(after)) == len(after)
    assert after[: len(before) - 1] == before[:-1]
    twins = [c.id for c in editions.learner(episode).cells if c.source == "x = 1"]
    assert twins[1] == f"{twins[0]}-2"


def test_check_in_sync(episode):
    notebook = episode.with_suffix(".ipynb")
    assert editions.check_in_sync([episode]) == [notebook]
    editions.write_learner(episode)
    assert editions.check_in_sync([episode]) == []
    change(episode, "Two steps:", "Three steps:")
    assert editions.check_in_sync([episode]) == [notebook]
    editions.write_learner(episode)
    notebook.write_bytes(notebook.read_bytes().replace(b"\n", b"\r\n"))
    assert editions.check_in_sync([episode]) == [notebook]


def test_build(episode, tmp_path):
    root = episode.parent.parent
    assert editions.build([episode], "learner") == [episode.with_suffix(".ipynb")]
    assert editions.build([str(episode)], "instructor") == [
        root / "_build" / "instructor" / "demo-01-shading.ipynb"
    ]
    made = editions.build([episode], "instructor", tmp_path / "out" / "deep")
    assert made == [tmp_path / "out" / "deep" / "demo-01-shading.ipynb"]
    assert not list(root.rglob("*.part"))
    with pytest.raises(ValueError, match="choose one of learner, instructor"):
        editions.build([episode], "slides")


def test_build_is_refused_on_a_fault(episode):
    editions.write_learner(episode)
    before = episode.with_suffix(".ipynb").read_bytes()
    change(episode, 'answer = "b"', 'reply = "b"')
    with pytest.raises(SourceError, match="outside the blanks they must be equal"):
        editions.build([episode], "learner")
    assert episode.with_suffix(".ipynb").read_bytes() == before


def test_title_must_agree(episode):
    with pytest.raises(SourceError, match="make them the same"):
        editions.learner(change(episode, "# Shading and noise", "# Shading"))


def test_title_is_added_where_there_is_none(episode):
    notebook = editions.learner(
        change(episode, "(shading)=\n# Shading and noise\n", "(shading)=\n")
    )
    assert notebook.cells[0].source.startswith("# Shading and noise\n")


def test_sample_front_matter_is_yaml():
    front = SOURCE.read_text("utf-8").split("---")[1]
    assert list(yaml.safe_load(front)) == ["jupytext", "kernelspec", "episode"]
