"""The rules of exercises find the faults they are for."""

from pathlib import Path

import pytest

from mriworkbook import editions
from mriworkbook.editions import rules
from mriworkbook.editions.names import names_in_cell

SAMPLE = Path(__file__).parent / "notebooks" / "sample"
SOURCE = SAMPLE / "notebooks" / "demo-01-shading.md"
LABELS = {"demo-01-bias-or-noise", "demo-01-undo"}
STUB = 'answer = ...\ncheck("demo-01-bias-or-noise", answer)'
SOLVED = 'answer = "b"\ncheck("demo-01-bias-or-noise", answer)'
UNDO_STUB = "restored = ...\n"
UNDO_SOLVED = "restored = undo(image, field)\n"
LAST = "print(image.mean())"


def problems_after(tmp_path, *changes, registry=LABELS):
    """Problems of the sample once each (old, new) text was replaced everywhere."""
    text = SOURCE.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / SOURCE.name
    path.write_text(text, "utf-8")
    return editions.find_problems(editions.read_source(path), path.name, registry)


def test_sample_is_sound(tmp_path):
    assert problems_after(tmp_path) == []


FAULTS = {
    # Rule 1: structure and labels
    "no stub": ([("[exercise, skip-execution]", "[skip-execution]")], "has 0 stub cells"),
    "stub runs in the book": ([("[exercise, skip-execution]", "[exercise]")], "tag it skip-exec"),
    "no solution": ([("[solution]", "[other]")], "has no solution cell"),
    "untagged in gate": ([("[solution]", "[other]")], "tag it solution"),
    "no label": ([(":label: demo-01-undo", ":class: demo")], "without a label"),
    "label twice": ([(":label: demo-01-undo", ":label: demo-01-bias-or-noise")], "used twice"),
    "label of solution": (
        [("{solution-start} demo-01-undo", "{solution-start} demo-01-do")],
        "no exercise above has that label",
    ),
    "label of check": (
        [('check("demo-01-undo", undo', 'check("demo-01-do", undo')],
        "check('demo-01-do') in a cell of 'demo-01-undo'",
    ),
    "gate left open": ([("```{solution-end}\n```", "")], "is never closed"),
    "gate in gate": ([(":::{solution-end}\n:::", "")], "inside the solution of"),
    "gate never opened": (
        [("```{solution-start} demo-01-undo\n:class: dropdown\n```", "")],
        "without {solution-start}",
    ),
    "solution outside": (
        [("```{solution-start} demo-01-undo\n:class: dropdown\n```", "")],
        "a solution cell outside",
    ),
    # Rule 2: blanks
    "blank as argument": (
        [(UNDO_STUB, "restored = undo(image, ...)\n")],
        "blank inside a line ('restored = undo(image, ...)')",
    ),
    "blank in a pair": ([(STUB, STUB.replace("answer =", "answer, x ="))], "blank inside a line"),
    "blank in a list": ([(STUB, STUB.replace("...", "[...]"))], "blank inside a line"),
    "blank in a sum": ([(UNDO_STUB, "restored = image / ...\n")], "blank inside a line"),
    "blank returned": (
        [("    ...\n", "    return ...\n")],
        "blank inside a line ('return ...')",
    ),
    "no blank": ([(STUB, SOLVED)], "has no blank"),
    "blank used early": (
        [(UNDO_STUB, "restored = ...\nhalf = restored / 2\n"),
         (UNDO_SOLVED, UNDO_SOLVED + "half = restored / 2\n")],
        "uses 'restored' before check",
    ),
    "other target": ([(SOLVED, SOLVED.replace("answer", "reply"))], "outside the blanks"),
    "other statement": ([(UNDO_SOLVED, UNDO_SOLVED + "print(restored)\n")], "outside the blanks"),
    "other arguments": (
        [("def undo(img, known_field):\n    \"\"\"The image without its field.\"\"\"\n    return",
          "def undo(img, known):\n    \"\"\"The image without its field.\"\"\"\n    return")],
        "outside the blanks",
    ),
    "other docstring": (
        [("field.\"\"\"\n    return", "shade.\"\"\"\n    return")], "outside the blanks"
    ),
    # Rule 3: the last line
    "no check in stub": (
        [(STUB, "answer = ...")], "0 of its 1 stub cells end in check"
    ),
    "no check in solution": ([(SOLVED, 'answer = "b"')], "0 of its 1 solution cells end in"),
    "check not last": (
        [(SOLVED, SOLVED + "\nprint(answer)")], "0 of its 1 solution cells end in check"
    ),
    "other context": (
        [("undo(image, field)\ncheck(\"demo-01-undo\", undo, restored, anatomy=anatomy)",
          "undo(image, field)\ncheck(\"demo-01-undo\", undo, restored, anatomy=image)")],
        "make them the same",
    ),
    # Rules 4 and 5: names
    "later cell": ([(LAST, "print(restored.mean())")], "an ordinary cell uses 'restored'"),
    "later function": ([(LAST, "f = lambda: restored")], "an ordinary cell uses 'restored'"),
    "overwritten name": (
        [("anatomy = np", "answer = 1\nanatomy = np"), (LAST, "print(answer)")],
        "an ordinary cell uses 'answer', which exercise 'demo-01-bias-or-noise' binds",
    ),
    "other solution": (
        [(UNDO_SOLVED, "restored = undo(image, field) if answer else image\n")],
        "a cell of 'demo-01-undo' uses 'answer'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(tmp_path, fault):
    changes, expected = FAULTS[fault]
    found = problems_after(tmp_path, *changes)
    assert any(expected in problem for problem in found), found
    assert all(problem.startswith("demo-01-shading.md") for problem in found)


def test_unregistered_label_is_found(tmp_path):
    (problem,) = problems_after(tmp_path, registry={"demo-01-undo"})
    assert "no check is registered for 'demo-01-bias-or-noise'" in problem
    assert "exercises/demo_01_....py" in problem


def test_default_registry_is_the_exercises_module(tmp_path):
    assert len(problems_after(tmp_path, registry=None)) == 2


@pytest.mark.parametrize(
    "changes",
    [
        [(LAST, "restored = image\nprint(restored.mean())")],
        [(LAST, "restored = 1\n```\n\n```{code-cell} ipython3\nprint(restored)")],
        [(LAST, "print([restored for restored in image])")],
        [(LAST, "def f(restored):\n    return restored")],
        [(UNDO_STUB, "first = image[..., 0]\nrestored = ...\n"),
         (UNDO_SOLVED, "first = image[..., 0]\n" + UNDO_SOLVED)],
        [(UNDO_STUB, "restored: np.ndarray = ...\n"),
         (UNDO_SOLVED, UNDO_SOLVED.replace("restored", "restored: np.ndarray"))],
        [(UNDO_STUB, "# two lines\nrestored = ...  # divide\n")],
        [("import numpy as np\n", "import numpy as np\n%matplotlib inline\n!true\n")],
    ],
)  # fmt: skip
def test_sound_variants_have_no_problems(tmp_path, changes):
    assert problems_after(tmp_path, *changes) == []


def test_line_of_a_problem_is_the_line_of_the_cell(tmp_path):
    changed = ("restored = ...\n", "restored = [...]\n")
    problems = problems_after(tmp_path, changed)
    lines = (tmp_path / SOURCE.name).read_text("utf-8").split("\n")
    line = next(int(p.split("line ")[1].split(":")[0]) for p in problems if "inside a line" in p)
    assert "code-cell" in lines[line - 2] or "code-cell" in lines[line - 1]
    assert line < lines.index("restored = [...]") + 1 <= line + 8


def test_exercises_are_found():
    found, problems = rules.find_exercises(editions.read_source(SOURCE), SOURCE.name)
    assert problems == []
    assert [e.title for e in found.values()] == ["Bias or noise?", "Undo a known field"]
    assert [(len(e.stubs), len(e.solutions)) for e in found.values()] == [(1, 1), (1, 2)]


@pytest.mark.parametrize(
    ("source", "needed", "bound"),
    [
        ("x = x + 1", "x", "x"),
        ("x += 1", "x", "x"),
        ("x = 1\ny = x", "", "x y"),
        ("y = x\nx = 1", "x", "x y"),
        ("a.b = c", "a c", ""),
        ("a[i] = c", "a i c", ""),
        ("for i in rows:\n    total = i", "rows", "i total"),
        ("with open_it(p) as f:\n    f.read()", "open_it p", "f"),
        ("try:\n    go()\nexcept E as error:\n    print(error)", "go E", "error"),
        ("[i for i in rows if i]", "rows", ""),
        ("{k: v for k, v in d.items()}", "d", ""),
        ("[n := i for i in rows]", "rows", "n"),
        ("import a.b, c as d\nfrom e import f as g", "", "a d g"),
        ("def f(a, *b, c=d, **e):\n    g = a\n    return g + h", "d h", "f"),
        ("def f():\n    return later\nlater = 1", "", "f later"),
        ("def f():\n    return f()", "", "f"),
        ("f = lambda x: x + y", "y", "f"),
        ("class A(B):\n    c = d\n    def e(self):\n        return c2", "B d c2", "A"),
        ("match v:\n    case [first, *rest]:\n        print(first, rest)", "v", "first rest"),
        ("(a, b), *c = d", "d", "a b c"),
        ("%time x = 1", "", ""),
        ("print(len('a'))", "", ""),
    ],
)
def test_names_in_cell(source, needed, bound):
    assert names_in_cell(source) == (set(needed.split()), set(bound.split()))
