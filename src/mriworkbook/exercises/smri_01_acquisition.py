"""Checks of the acquisition episode: each knows the answer's properties and the usual mistakes."""

import numpy as np

from mriworkbook.exercises import Choice, WrongAnswer, exercise, quiz
from mriworkbook.practice.contrast import spin_echo_signal
from mriworkbook.practice.parameters import TISSUES

BRAIN = ("WM", "GM", "CSF")

quiz(
    "smri-01-timings",
    {
        "a": Choice(
            "TR and TE; the longer one matters more.",
            feedback="Length does not decide. What happens to the magnetisation until TR, and what to the "
            "signal until TE?",
        ),
        "b": Choice(
            "TR and TE: TR steers how much T1 shows, TE how much T2 shows.",
            correct=True,
            feedback="TE must fit inside TR, so TR is the longer one, but each steers a contrast of its own. "
            "In an MPRAGE, TI takes the part of TR.",
        ),
        "c": Choice(
            "TR and TE: TR steers how much T2 shows, TE how much T1 shows.",
            feedback="The other way round. TR is the time for regrowth. Which of the two times describes regrowth?",
        ),
        "d": Choice(
            "T1 and T2.",
            feedback="Those belong to the tissue. Which times does the operator set?",
        ),
    },
)


@exercise("smri-01-rank")
def rank(answer, *, tr, te):
    """Order of three tissues in a T1w spin echo, brightest first."""
    given = [str(name).strip().upper() for name in answer] if _is_list(answer) else None
    if given is None or sorted(given) != sorted(BRAIN):
        raise WrongAnswer(
            'Give a list with each of "WM", "GM" and "CSF" once, brightest first.',
            f"You gave {answer!r}.",
        )
    signals = {
        name: spin_echo_signal(*_times(name), repetition_time=tr, echo_time=te) for name in BRAIN
    }
    right = sorted(BRAIN, key=signals.get, reverse=True)
    if given == right:
        shares = ", ".join(f"{name} {signals[name] / signals[right[0]]:.2f}" for name in right)
        return f"Relative to the brightest: {shares}."
    if given == right[::-1]:
        raise WrongAnswer(
            "A long T1 does not make a tissue bright: it means slow regrowth. Which tissue has regrown most at TR?"
        )
    if given[-1] == right[-1]:
        raise WrongAnswer("Fluid is right. Which of the other two has the shorter T1?")
    raise WrongAnswer(
        "Look at the left panel: in what order do the curves meet the dashed line at TR?"
    )


def _is_list(answer):
    return isinstance(answer, list | tuple)


def _times(name):
    tissue = TISSUES[name]
    return tissue.t1, tissue.t2, tissue.pd


@exercise("smri-01-null")
def null(answer):
    """The inversion time at which fluid is at zero, TR long."""
    if not isinstance(answer, int | float | np.number) or isinstance(answer, bool):
        raise WrongAnswer("Give one number, in ms.", f"You gave a {type(answer).__name__}.")
    t1 = TISSUES["CSF"].t1
    left = 1 - 2 * np.exp(-float(answer) / t1)
    message = f"At {float(answer):.0f} ms, Mz / M0 of fluid is {left:+.2f}."
    if abs(left) < 0.005:
        return message
    if np.isclose(answer, t1 * np.log(2) / 1000, rtol=0.01):
        raise WrongAnswer("The number is in seconds; give it in ms.", message)
    if np.isclose(answer, t1, rtol=0.01):
        raise WrongAnswer("After one T1 fluid has passed zero already. Solve for zero.", message)
    if np.isclose(answer, t1 / 2, rtol=0.01):
        raise WrongAnswer(
            "Not half of T1: regrowth is exponential, it does not go along a straight line.",
            message,
        )
    if np.isclose(answer, t1 * np.log10(2), rtol=0.01):
        raise WrongAnswer("That is the logarithm to base 10; np.log is the natural one.", message)
    if answer < 0:
        raise WrongAnswer("A time before the inversion: check the sign of the logarithm.", message)
    raise WrongAnswer(
        f"Fluid is {'still below' if left < 0 else 'above'} zero. Set the equation to zero and take logarithms.",
        message,
    )


def _picture(k_space):
    return np.abs(np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(k_space))))


@exercise("smri-01-undersample")
def undersample(function, *, k_space):
    """The picture from every n-th line of k-space."""
    for step in (2, 4):
        got = function(k_space.copy(), step)
        right = _picture(k_space[:, ::step])
        if not isinstance(got, np.ndarray):
            raise WrongAnswer(f"`keep_every` returned a {type(got).__name__}; return the picture.")
        if got.shape == right.shape and np.allclose(got, right, atol=1e-6 * right.max()):
            continue
        _hint_undersample(got, k_space, step, right)
    return (
        f"With a step of 2 the picture is {k_space.shape[1] // 2} lines high instead of "
        f"{k_space.shape[1]}: half the field of view, and what lies outside folds in."
    )


def _hint_undersample(got, k_space, step, right):
    if np.iscomplexobj(got):
        raise WrongAnswer(
            "The result is complex: `to_picture` transforms it and takes the magnitude."
        )
    if got.shape == _picture(k_space[::step]).shape and got.shape != right.shape:
        raise WrongAnswer("You left out along the first axis. Lines are the second: `[:, ...]`.")
    filled = np.zeros_like(k_space)
    filled[:, ::step] = k_space[:, ::step]
    if got.shape == k_space.shape and np.allclose(got, _picture(filled), atol=1e-6 * right.max()):
        raise WrongAnswer(
            "You set the other lines to zero: the picture is as high as before and holds several heads. Leave them out."
        )
    if got.shape == k_space.shape:
        raise WrongAnswer("The picture is as high as before: were any lines left out?")
    small = _picture(k_space)[:, ::step]
    if got.shape == small.shape and np.allclose(got, small, atol=1e-6 * small.max()):
        raise WrongAnswer(
            "You left out lines of the picture. Leave out lines of k-space, then transform."
        )
    raise WrongAnswer(
        "Not the picture of these lines. Take every `step`th line, then `to_picture`."
    )
