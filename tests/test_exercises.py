"""The engine of exercise checks: verdicts, blanks, quizzes, look-up."""

import sys
import types

import numpy as np
import pytest

from mriworkbook import exercises
from mriworkbook.exercises import Choice, UnknownExercise, Verdict, WrongAnswer, check


@pytest.fixture
def registry(monkeypatch):
    """A registry of two checks in place of the real one."""
    monkeypatch.setattr(exercises, "_CHECKS", {})
    monkeypatch.setattr(exercises, "_CHOICES", {})
    monkeypatch.delenv("MRIWORKBOOK_STRICT", raising=False)
    calls = []

    @exercises.exercise("demo-01-volume")
    def volume(answer, unit="ml"):
        calls.append(answer)
        if not isinstance(answer, int | float):
            raise WrongAnswer(
                "Give the volume as one number.",
                f"You gave a {type(answer).__name__}, expected a number.",
            )
        if answer != 4:
            raise WrongAnswer("Count voxels, then multiply.", f"{answer} {unit} is too much.")
        return f"{answer} {unit} it is."

    @exercises.exercise("demo-01-undo")
    def undo(function, img):
        assert np.isfinite(function(img)).all(), "a fault of the check itself"

    exercises.quiz(
        "demo-01-noise",
        choices={
            "a": ("Noise is smooth.", False, "Look at two neighbours."),
            "b": Choice("Noise is independent.", True, "Neighbours know nothing."),
            "c": ("Both are noise.", False, "One of them is smooth."),
        },
    )
    return calls


def test_correct(registry):
    assert check("demo-01-volume", 4) == Verdict("correct", "4 ml it is.")
    assert check("demo-01-volume", 4, unit="cm3").message == "4 cm3 it is."


def test_wrong_answer_gets_its_hint(registry):
    verdict = check("demo-01-volume", 5)
    assert verdict.status == "not yet"
    assert verdict.message == "5 ml is too much."
    assert verdict.hint == "Count voxels, then multiply."


def test_wrong_type_says_what_was_given_and_expected(registry):
    assert check("demo-01-volume", "four") == Verdict(
        "not yet", "You gave a str, expected a number.", "Give the volume as one number."
    )


def blank_function(img): ...


def blank_with_docstring(img):
    """Restore `img`."""
    ...


def blank_line_in_function(img):
    field = ...
    return field


def full_function(img):
    half = img[..., 0]
    return half


@pytest.mark.parametrize(
    "answer",
    [..., [1, ...], (..., 1), {"a": ...}, blank_function, blank_with_docstring,
     blank_line_in_function],
)  # fmt: skip
def test_blank_is_not_attempted_and_check_does_not_run(registry, answer):
    verdict = check("demo-01-volume", answer)
    assert verdict.status == "not attempted"
    assert registry == []


@pytest.mark.parametrize("answer", [None, 0, np.zeros(2), full_function, len, "...", [1], {}])
def test_answer_is_not_blank(answer):
    assert not exercises.is_blank(answer)


def test_blank_in_context_is_not_attempted(registry):
    assert check("demo-01-volume", 4, unit=...).status == "not attempted"


def test_other_exceptions_propagate(registry):
    with pytest.raises(AssertionError, match="fault of the check itself"):
        check("demo-01-undo", lambda img: img / 0.0 if img else np.inf, 0)
    with pytest.raises(TypeError, match="unexpected keyword"):
        check("demo-01-volume", 4, units="ml")


def test_check_must_not_return_other_things(registry):
    exercises.exercise("demo-01-false")(lambda answer: False)
    with pytest.raises(TypeError, match="returned False"):
        check("demo-01-false", 1)


def test_unknown_label_lists_close_ones(registry):
    with pytest.raises(UnknownExercise) as caught:
        check("demo-01-volumes", 4)
    assert isinstance(caught.value, KeyError)
    assert "did you mean 'demo-01-volume'" in str(caught.value)
    with pytest.raises(UnknownExercise, match="known: demo-01-noise"):
        check("zzz", 4)


def test_one_label_one_check(registry):
    with pytest.raises(ValueError, match="already has a check"):
        exercises.exercise("demo-01-volume")(len)


def test_reloaded_check_replaces_itself(registry):
    known = exercises._CHECKS["demo-01-volume"]
    assert exercises.exercise("demo-01-volume")(known) is known


@pytest.mark.parametrize("answer", ["b", "B ", "(b)", " ( B ) ", "b"])
def test_quiz_reads_a_letter(registry, answer):
    assert check("demo-01-noise", answer) == Verdict("correct", "Neighbours know nothing.")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [("a", "Look at two neighbours."), ("c", "One of them is smooth."), ("d", "one letter"),
     ("", "one letter"), (2, "one letter"), (None, "one letter"), (["b"], "one letter")],
)  # fmt: skip
def test_quiz_has_feedback_for_every_answer(registry, answer, hint):
    verdict = check("demo-01-noise", answer)
    assert verdict.status == "not yet"
    assert hint in verdict.hint
    assert check("demo-01-noise", ...).status == "not attempted"


def test_choices(registry):
    found = exercises.choices("demo-01-noise")
    assert list(found) == ["a", "b", "c"]
    assert found["b"] == Choice("Noise is independent.", True, "Neighbours know nothing.")
    with pytest.raises(UnknownExercise, match="no quiz"):
        exercises.choices("demo-01-volume")


@pytest.mark.parametrize(
    ("choices", "message"),
    [({"a": ("x", True, "y"), "b": ("x", True, "y")}, "exactly one"),
     ({"a": ("x", False, "y")}, "exactly one"), ({"a": ("x", True, " ")}, "feedback")],
)  # fmt: skip
def test_bad_quiz_is_refused(registry, choices, message):
    with pytest.raises(ValueError, match=message):
        exercises.quiz("demo-01-bad", choices=choices)


def test_strict_raises_unless_correct(registry, monkeypatch):
    monkeypatch.setenv("MRIWORKBOOK_STRICT", "1")
    assert check("demo-01-volume", 4).status == "correct"
    for answer in (5, ...):
        with pytest.raises(AssertionError, match="demo-01-volume: Not"):
            check("demo-01-volume", answer)


def test_module_is_imported_by_prefix(registry, monkeypatch, tmp_path):
    (tmp_path / "demo_77_extra.py").write_text(
        "from mriworkbook.exercises import exercise\n"
        "@exercise('demo-77-one')\ndef one(answer):\n    return 'Loaded.'\n"
    )
    monkeypatch.setattr(exercises, "__path__", [*exercises.__path__, str(tmp_path)])
    assert "mriworkbook.exercises.demo_77_extra" not in sys.modules
    assert check("demo-77-one", 1).message == "Loaded."
    assert isinstance(sys.modules.pop("mriworkbook.exercises.demo_77_extra"), types.ModuleType)


@pytest.mark.parametrize("status", exercises.STATUSES)
def test_verdict_says_its_status_in_words(status):
    verdict = Verdict(status, "5 < 7 & so on", "<b>look</b>")
    assert repr(verdict).lower().startswith(status)
    html = verdict._repr_html_()
    assert 'role="status"' in html
    assert "5 &lt; 7 &amp; so on" in html
    assert "<b>look" not in html
    assert "background" not in html
    assert "color: inherit" in html


def test_unknown_status_is_refused():
    with pytest.raises(ValueError, match="choose one of"):
        Verdict("wrong")


def luminance(colour):
    """Relative luminance of ``#rrggbb`` as WCAG 2 defines it."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return np.dot(linear, [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("colour", exercises.BORDERS.values())
@pytest.mark.parametrize("page", ["#ffffff", "#121212"])
def test_borders_are_seen_on_light_and_dark_pages(colour, page):
    dark, light = sorted([luminance(colour), luminance(page)])
    assert (light + 0.05) / (dark + 0.05) >= 3
