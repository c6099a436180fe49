"""The coverage rules find the faults they are for."""

import notebook_rules as rules
import pytest

CURRICULUM = {
    "S1": ("concept", "demo"),
    "S2": ("exercise", "demo"),
    "S3": ("figure", "demo"),
    "S4": ("skill", "demo"),
    "X1": ("concept", "other"),
}
SOUND = """\
---
episode: demo
---
# Demo

% covers: S1

Prose.

% covers: S2

````{exercise} What?
:label: demo-what
````

```{code-cell} ipython3
:tags: [exercise, skip-execution]
answer = ...
```

## Look

% covers: S3, S4

```{code-cell} ipython3
---
mystnb:
  image:
    alt: A histogram with one peak for each tissue.
---
plot(1)  # the text below is code
# % covers: S1
```
"""


def problems_of(text):
    return rules.check_coverage(text, "demo", CURRICULUM, "demo.md")


def test_sound_source_has_no_problems():
    assert problems_of(SOUND) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        ("Prose.\n", "Prose.\n% covers: S1\n", 9, "must stand alone"),
        ("% covers: S1\n", "% covers: S1\nProse.\n", 6, "must stand alone"),
        ("% covers: S1\n", "% a\n% covers: S1\n", 7, "must stand alone"),
        ("% covers: S1\n", "- item\n\n  % covers: S1\n", 8, "must stand alone"),
        ("% covers: S1\n", "% covers: S1, S1, S1, S1\n", 6, "4 ids"),
        ("% covers: S1\n", "% covers: S1, S9\n", 6, "no 'S9'"),
        ("% covers: S1\n", "% covers: S1, X1\n", 6, "belongs to other"),
        ("% covers: S1\n", "% covers: S1\n\n% covers: S1\n", 8, "covered on line 6 already"),
        ("% covers: S1\n", "", None, "not covered: S1"),
        ("````{exercise}", "Prose.\n\n````{exercise}", 10, "followed by its {exercise}"),
        ("[exercise, skip-execution]", "[exercise]", None, None),
        ("alt: A histogram with one peak for each tissue.", "alt: Histogram.", 23, "no cell"),
        ("---\nmystnb", "---\ntags: [skip-execution]\nmystnb", 23, "no executed cell"),
        ("---\nmystnb", "---\ntags: [remove-output]\nmystnb", 23, "no executed cell"),
        ("```{code-cell} ipython3\n---", "## Next\n\n```{code-cell} ipython3\n---", 23,
         "no executed cell"),
    ],
)  # fmt: skip
def test_fault_is_found(old, new, line, expected):
    assert old in SOUND
    found = problems_of(SOUND.replace(old, new, 1))
    if expected is None:
        assert found == []
        return
    where = f"demo.md, line {line}:" if line else "demo.md"
    assert any(problem.startswith(where) and expected in problem for problem in found), found


def test_heading_inside_a_quote_does_not_end_the_search():
    text = SOUND.replace("% covers: S3, S4\n", "% covers: S3, S4\n\n> ## A quoted heading\n")
    assert problems_of(text) == []
