"""Check answers to exercises: a verdict and a hint, never the answer.

An episode's checks live in the module of this package named after it: the label
``smri-02-bias-or-noise`` is looked up in the module whose name begins with ``smri_02``.
"""

import difflib
import dis
import html
import importlib
import os
import pkgutil
from dataclasses import dataclass
from types import FunctionType

STATUSES = ("correct", "not yet", "not attempted")
# Mid tones: at least 3:1 against white and against the dark theme; text keeps the theme's colour.
BORDERS = {"correct": "#2e8540", "not yet": "#b26a00", "not attempted": "#767676"}
LEADS = {"correct": "Correct.", "not yet": "Not yet.", "not attempted": "Not attempted yet."}
BLANK = "Replace every ... in the cell by your own code, then run it again."

# Filled by the modules of this package when they are imported.
_CHECKS = {}
_CHOICES = {}


@dataclass(frozen=True, repr=False)
class Verdict:
    """Outcome of a check.

    Attributes
    ----------
    status : {"correct", "not yet", "not attempted"}
    message : str
        What was found.
    hint : str
        Where to look next; never the answer.

    Examples
    --------
    >>> Verdict("not yet", "The mask has 3 voxels.", "Is the threshold too high?")
    Not yet. The mask has 3 voxels.
    Hint: Is the threshold too high?
    """

    status: str
    message: str = ""
    hint: str = ""

    def __post_init__(self):
        if self.status not in STATUSES:
            raise ValueError(f"status={self.status!r}: choose one of {', '.join(STATUSES)}")

    def __repr__(self):
        first = f"{LEADS[self.status]} {self.message}".strip()
        return f"{first}\nHint: {self.hint}" if self.hint else first

    def _repr_html_(self):
        lead, message = LEADS[self.status], html.escape(self.message)
        hint = f"<p><strong>Hint:</strong> {html.escape(self.hint)}</p>" if self.hint else ""
        return (
            f'<div role="status" class="verdict" style="border-left: 0.4em solid '
            f'{BORDERS[self.status]}; padding: 0.2em 0.8em; color: inherit;">'
            f"<p><strong>{lead}</strong> {message}</p>{hint}</div>"
        )


class WrongAnswer(Exception):
    """Raised by a check for an answer that is not right (yet); becomes a verdict.

    Parameters
    ----------
    hint : str
        Where to look next.
    message : str, optional
        What was found in the answer.
    """

    def __init__(self, hint, message=""):
        super().__init__(hint)
        self.hint = hint
        self.message = message


class UnknownExercise(KeyError):
    """No check is registered for a label."""

    def __str__(self):
        return self.args[0]


@dataclass(frozen=True)
class Choice:
    """One choice of a quiz: its text, whether it is right, and what to say to who picks it."""

    text: str
    correct: bool = False
    feedback: str = ""


def exercise(label):
    """Register a function as the check of an exercise.

    Parameters
    ----------
    label : str
        Label of the exercise, e.g. ``smri-02-bias-or-noise``.

    Returns
    -------
    callable
        Decorator. The function takes what the notebook hands to `check` and returns the message of
        a correct answer (or None), or raises `WrongAnswer`.

    Examples
    --------
    >>> @exercise("demo-00-double")
    ... def double(answer):
    ...     if answer != 4:
    ...         raise WrongAnswer("Twice two, not two squared plus one.", f"You gave {answer}.")
    ...     return "Two times two."
    >>> check("demo-00-double", 4)
    Correct. Two times two.
    >>> check("demo-00-double", 5)
    Not yet. You gave 5.
    Hint: Twice two, not two squared plus one.
    >>> check("demo-00-double", ...)
    Not attempted yet. Replace every ... in the cell by your own code, then run it again.
    """

    def register(function):
        known = _CHECKS.get(label)
        # A reloaded module registers the same function again: that is no clash.
        if known is not None and _origin(known) != _origin(function):
            raise ValueError(f"{label!r} already has a check, {_origin(known)}; rename one")
        _CHECKS[label] = function
        return function

    return register


def _origin(function):
    return f"{function.__module__}.{function.__qualname__}"


def quiz(label, choices):
    """Register a quiz: an exercise that is answered by a letter.

    Parameters
    ----------
    label : str
        Label of the exercise.
    choices : dict
        For each letter a `Choice`, or its ``(text, correct, feedback)``. Exactly one is correct;
        feedback on a wrong one is the hint.

    Returns
    -------
    callable
        The registered check. It reads ``"c"``, ``"C "`` and ``"(c)"`` as the same answer.

    Examples
    --------
    >>> _ = quiz("demo-00-noise", choices={
    ...     "a": ("Noise is smooth.", False, "Look at two neighbouring voxels."),
    ...     "b": ("Noise is independent.", True, "Neighbours know nothing of each other."),
    ... })
    >>> check("demo-00-noise", "(B)")
    Correct. Neighbours know nothing of each other.
    """
    made = {k: c if isinstance(c, Choice) else Choice(*c) for k, c in choices.items()}
    if sum(choice.correct for choice in made.values()) != 1:
        raise ValueError(f"quiz {label!r}: exactly one choice must be correct")
    if any(not choice.feedback.strip() for choice in made.values()):
        raise ValueError(f"quiz {label!r}: every choice needs feedback")
    letters = ", ".join(made)

    def check_choice(answer):
        given = str(answer).strip().strip("()").strip().lower()
        if not isinstance(answer, str) or given not in made:
            raise WrongAnswer(
                f'Answer with one letter in quotes: {letters}. For example answer = "a".',
                f"You gave {answer!r}, a value of type {type(answer).__name__}.",
            )
        if not made[given].correct:
            raise WrongAnswer(made[given].feedback, f"You chose {given}.")
        return made[given].feedback

    check_choice.__qualname__ = f"quiz[{label}]"
    _CHOICES[label] = made
    return exercise(label)(check_choice)


def choices(label):
    """Choices of a quiz.

    Parameters
    ----------
    label : str

    Returns
    -------
    dict of Choice
        By letter, in the order of the quiz.
    """
    _load(label)
    if label not in _CHOICES:
        raise UnknownExercise(_unknown("quiz", label, _CHOICES))
    return dict(_CHOICES[label])


def labels_like(label):
    """Labels of all checks known once the module that should hold `label` is loaded."""
    _load(label)
    return set(_CHECKS)


def module_prefix(label):
    """Start of the name of the module that holds a label's check.

    Examples
    --------
    >>> module_prefix("smri-02-bias-or-noise")
    'smri_02'
    """
    return "_".join(label.split("-")[:2])


def _load(label):
    prefix = module_prefix(label)
    for module in pkgutil.iter_modules(__path__):
        if module.name == prefix or module.name.startswith(f"{prefix}_"):
            importlib.import_module(f"{__name__}.{module.name}")


def _unknown(kind, label, known):
    close = difflib.get_close_matches(label, known, n=3, cutoff=0.5)
    meant = f"did you mean {' or '.join(map(repr, close))}?" if close else (
        f"known: {', '.join(sorted(known)) or 'none'}"
    )  # fmt: skip
    return f"no {kind} has the label {label!r}; {meant}"


def check(label, *answer, **context):
    """Check an answer to an exercise.

    Parameters
    ----------
    label : str
        Label of the exercise.
    *answer
        The learner's answer: values, images, arrays or functions.
    **context
        What the check needs besides the answer, e.g. the study.

    Returns
    -------
    Verdict
        "not attempted" while a blank (``...``) is left in the answer.

    Raises
    ------
    UnknownExercise
        No check has this label; the message lists close ones.
    AssertionError
        With ``MRIWORKBOOK_STRICT=1`` in the environment, for every verdict but "correct": builds
        use it to prove that each solution passes its own check.
    """
    _load(label)
    if label not in _CHECKS:
        raise UnknownExercise(_unknown("exercise", label, _CHECKS))
    verdict = _judge(_CHECKS[label], answer, context)
    if os.environ.get("MRIWORKBOOK_STRICT") == "1" and verdict.status != "correct":
        raise AssertionError(f"{label}: {verdict!r}")
    return verdict


def _judge(function, answer, context):
    if any(map(is_blank, (*answer, *context.values()))):
        return Verdict("not attempted", BLANK)
    try:
        message = function(*answer, **context)
    except WrongAnswer as error:
        return Verdict("not yet", error.message, error.hint)
    if not isinstance(message, str | None):
        raise TypeError(
            f"the check {_origin(function)} returned {message!r}; return the message of a correct "
            "answer or nothing, and raise WrongAnswer for any other"
        )
    return Verdict("correct", message or "")


def is_blank(answer):
    """Whether an answer, or a part of it, is still the blank of its stub.

    Parameters
    ----------
    answer : object
        Blank are ``...``, a function whose body does nothing or still sets a name to ``...``, and a
        list, tuple or dict that holds one of these.

    Returns
    -------
    bool

    Examples
    --------
    >>> def to_fill(img):
    ...     "Correct the image."
    ...     ...
    >>> is_blank(to_fill), is_blank([1, ...]), is_blank(lambda img: img)
    (True, True, False)
    """
    if isinstance(answer, FunctionType):
        return _is_blank_function(answer)
    if isinstance(answer, list | tuple):
        return any(map(is_blank, answer))
    if isinstance(answer, dict):
        return any(map(is_blank, answer.values()))
    return answer is Ellipsis


def _is_blank_function(function):
    """Whether a function only returns None or ``...``, or has a blank right-hand side in it."""
    steps = [s for s in dis.get_instructions(function) if s.opname not in ("RESUME", "NOP")]
    names = [step.opname for step in steps]
    # Python 3.12 and 3.13 return a constant in one instruction, others in two.
    returns = names in (["LOAD_CONST", "RETURN_VALUE"], ["RETURN_CONST"])
    if returns and steps[0].argval in (None, Ellipsis):
        return True
    # `name = ...` stores the constant at once; `img[..., 0]` uses it as an index first.
    return any(
        step.opname == "LOAD_CONST" and step.argval is Ellipsis and after.startswith("STORE_")
        for step, after in zip(steps, names[1:], strict=False)
    )
