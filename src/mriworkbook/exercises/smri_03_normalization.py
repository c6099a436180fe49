"""Checks of the normalization episode: coordinates, sizes, and which way points go."""

import numpy as np
from nibabel import aff2axcodes
from nibabel.affines import apply_affine

from mriworkbook.exercises import Choice, WrongAnswer, exercise, quiz

quiz(
    "smri-03-downsampling",
    {
        "a": Choice(
            "The anatomy shrinks to a third of its size.",
            feedback="Multiply voxels by voxel size before and after: how long is the box in mm?",
        ),
        "b": Choice(
            "Only the shape of the array changes; the affine stays.",
            feedback="With the old affine each voxel would still be as small as before. Where would the last one lie?",
        ),
        "c": Choice(
            "Fewer, larger voxels: shape and affine change, values are interpolated, the anatomy keeps its size in mm.",
            correct=True,
            feedback="Shape and affine change together, so the anatomy keeps its place and size in mm. Smooth first, or detail finer than the new voxels turns into false patterns.",
        ),
        "d": Choice(
            "Of every three voxels two are dropped, and nothing else needs doing.",
            feedback="Stripes three voxels apart would come out all white or all black. What must happen to detail finer than the new grid?",
        ),
    },
)

quiz(
    "smri-03-deformation",
    {
        "a": Choice(
            "How the person's brain has changed over time.",
            feedback="One scan was used, and it has no past. What was it compared with?",
        ),
        "b": Choice(
            "How large the person's brain is at each place, relative to the template.",
            correct=True,
            feedback="The Jacobian determinant of the map is a ratio of volumes, person to template. Only two scans of one person can show change.",
        ),
        "c": Choice(
            "How well the two images match.",
            feedback="A large deformation can end in a poor match and a small one in a good match. Which number was optimised to match them?",
        ),
        "d": Choice(
            "How far the head lay from the middle of the scanner.",
            feedback="That is a shift, and a shift has a Jacobian determinant of 1 everywhere.",
        ),
    },
)

quiz(
    "smri-03-same-millimetres",
    {
        "a": Choice(
            "Yes: millimetres are millimetres.",
            feedback="Both are millimetres, but from where, and along which axes? Compare the two origins.",
        ),
        "b": Choice(
            "Yes, if both images have the same voxel size.",
            feedback="Voxel size says how finely a space is sampled, not where its origin is.",
        ),
        "c": Choice(
            "No: the two frames have other origins, axes and proportions; a registration must lead from one to the other.",
            correct=True,
            feedback="The same three numbers name another place in each frame.",
        ),
        "d": Choice(
            "No, but a shift of the origin would make them agree.",
            feedback="A shift leaves the turn of the head and the size and shape of the brain. Look at how far apart the marks are in different places.",
        ),
    },
)


@exercise("smri-03-flipped")
def flipped(marker_x, suspect, shown_as, *, heads):
    """World x of a marker in every head, the head whose affine contradicts it, two displays."""
    given, voxels = _numbers(marker_x, heads), {k: _brightest(img) for k, img in heads.items()}
    true = {name: apply_affine(img.affine, voxels[name])[0] for name, img in heads.items()}
    if all(np.isclose(given[name], voxels[name][0]) for name in heads):
        raise WrongAnswer("These are voxel indices. Send them through the affine of each head.")
    if not all(np.isclose(given[name], true[name], atol=1) for name in heads):
        raise WrongAnswer(
            "Not the x coordinates of the brightest voxels. Use each head's own affine and take "
            "the first of the three coordinates."
        )
    (odd,) = (name for name, x in true.items() if x < 0)
    letter = str(suspect).strip().upper()
    if letter not in heads:
        raise WrongAnswer(f"`suspect` should be one letter of {', '.join(heads)}, in quotes.")
    if letter != odd:
        raise WrongAnswer(
            "Do not go by the side on which the capsule appears in the picture. On which side of "
            "the person does each affine put it?"
        )
    _check_display(shown_as, heads)
    return "Its affine puts the capsule on the person's left: array and header disagree."


def _brightest(img):
    return np.unravel_index(np.argmax(np.asarray(img.dataobj)), img.shape)


def _numbers(marker_x, heads):
    """The answer as a dict of floats, one for each head."""
    try:
        given = dict(marker_x)
    except (TypeError, ValueError):
        given = {}
    if set(given) != set(heads):
        raise WrongAnswer(
            f"`marker_x` should be a dict with one number for each of {', '.join(heads)}."
        )
    try:
        return {name: float(value) for name, value in given.items()}
    except (TypeError, ValueError):
        raise WrongAnswer(
            "Each entry of `marker_x` should be one number, the x coordinate in mm: "
            "`apply_affine` returns three."
        ) from None


def _check_display(shown_as, heads):
    """How A and B are shown, if axis i runs to the right of the picture."""
    words = {"L": "radiological", "R": "neurological"}
    right = {name: words[aff2axcodes(heads[name].affine)[0]] for name in "AB"}
    try:
        given = {name: str(word).strip().lower() for name, word in dict(shown_as).items()}
    except (TypeError, ValueError):
        given = {}
    if set(given) != set(right) or not set(given.values()) <= set(words.values()):
        raise WrongAnswer(
            "`shown_as` should be a dict that says for A and for B either 'neurological' or "
            "'radiological'."
        )
    wrong = ", ".join(name for name in right if given[name] != right[name])
    if wrong:
        raise WrongAnswer(
            f"Look at the display of {wrong} again. The capsule is at the right temple: on which "
            "side of the picture is it? Which display has the person's left on the left?"
        )


@exercise("smri-03-points")
def points(in_person, *, transform, landmarks):
    """Landmarks of the template, taken to the person."""
    right = transform.map_points(landmarks, "fixed_to_moving")
    try:
        given = np.asarray(in_person, dtype=float)
    except (TypeError, ValueError):
        raise WrongAnswer(
            "`in_person` should be an array of numbers, one row of x, y, z for each landmark: what "
            "`syn.map_points` returns when it is given the points and a direction."
        ) from None
    if given.shape != right.shape:
        raise WrongAnswer(
            f"`in_person` has the shape {given.shape}; one row of x, y, z for each landmark gives "
            f"{right.shape}."
        )

    def are(points):
        return np.allclose(given, points, rtol=0, atol=0.1)

    if are(right):
        return "From fixed to moving: against the way that images take."
    if are(transform.map_points(landmarks, "moving_to_fixed")):
        raise WrongAnswer(
            "You sent the points the way that images go. The landmarks lie in the template, the "
            "fixed image; where should they end up?"
        )
    if are(landmarks):
        raise WrongAnswer("The points have not moved: these are still template coordinates.")
    if are(right * [-1, -1, 1]):
        raise WrongAnswer(
            "Right but for the signs of x and y: that is LPS+. `map_points` takes and gives RAS+."
        )
    raise WrongAnswer(
        "Not what the registration gives. Use `syn.map_points` on `landmarks` as they are."
    )
