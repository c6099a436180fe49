"""Checks of the segmentation episode: each knows the answer's properties and the usual mistakes."""

from itertools import permutations
from pathlib import Path

import numpy as np
from nilearn import image

from mriworkbook.exercises import Choice, WrongAnswer, exercise, quiz

TISSUES = {"GM": [3, 42], "WM": [2, 41], "CSF": [4, 43]}  # cortex, white matter, ventricles in aseg


@exercise("smri-04-head-histogram")
def head_histogram(values, edges, *, head, brain_edges):
    """All of the head but its zeros, in bins of its own."""
    if isinstance(values, np.ma.MaskedArray):
        raise WrongAnswer(
            "A masked array still holds its zeros. Index with a condition: head[...]."
        )
    if isinstance(edges, tuple):
        raise WrongAnswer(
            "`head_edges` is a pair: np.histogram gives counts and edges. Ask for the edges alone."
        )
    values, edges = (np.asarray(answer) for answer in (values, edges))
    _judge_values(values, head)
    _judge_edges(edges, values, head, brain_edges)
    return f"{values.size} voxels in {edges.size - 1} bins."


def _judge_values(values, head):
    if values.dtype.kind not in "biuf":
        raise WrongAnswer("`head_values` should be numbers, taken from the array `head`.")
    if values.ndim != 1 and values.size == head.size:
        raise WrongAnswer(
            "`head_values` is still the whole image, zeros and all. Index it with a condition."
        )
    if values.dtype == bool:
        raise WrongAnswer("`head_values` is True or False: use it as an index, head[...].")
    if (values == 0).any():
        share = 100 * (values == 0).mean()
        raise WrongAnswer(
            "Zeros hold no tissue. In a defaced or skull-stripped image they dwarf all other bars.",
            f"{share:.0f} % of your values are 0.",
        )
    expected = np.sort(head[head > 0])
    if values.size < expected.size:
        raise WrongAnswer(
            "Is it the brain, or did you cut off more than the zeros? The whole head is asked for.",
            f"You kept {values.size} voxels; {expected.size} are above 0.",
        )
    if values.size > expected.size:
        raise WrongAnswer("There are more values than voxels above 0. Index the array `head`.")
    if not np.array_equal(np.sort(values.ravel()), expected):
        raise WrongAnswer(
            "Their number is right, but these are not the intensities of `head`. Index `head` itself."
        )


def _judge_edges(edges, values, head, brain_edges):
    if edges.ndim != 1 or edges.size < 2 or not (np.diff(edges) > 0).all():
        raise WrongAnswer(
            "`head_edges` should be rising numbers, one more than bins: np.histogram_bin_edges."
        )
    if edges.shape == np.shape(brain_edges) and np.allclose(edges, brain_edges):
        raise WrongAnswer(
            "These are the bins of the brain. Intensities that only the head has fall out of them."
        )
    if edges[0] > values.min() or edges[-1] < values.max():
        raise WrongAnswer(
            "The bins do not reach from the smallest to the largest value: compute them from "
            "`head_values`.",
            f"Bins {edges[0]:.0f} to {edges[-1]:.0f}, values {values.min():.0f} to {values.max():.0f}.",
        )
    if edges[0] <= 0:
        raise WrongAnswer(
            "The first bin begins at 0, a value you left out: compute the edges from `head_values`."
        )
    if edges.size < 30:
        raise WrongAnswer(
            f"{edges.size - 1} bins are too few to show peaks. Let NumPy choose: bins='auto'."
        )


@exercise("smri-04-label-order")
def label_order(function, *, dseg, aseg):
    """Name labels by overlap, whatever their order and whatever the reference says."""
    if not callable(function):
        raise WrongAnswer(
            f"`find_order` is a {type(function).__name__}; a function of labels and reference is "
            "expected, for the check calls it with other labels too."
        )
    labels, reference = (image.get_data(img).astype(int) for img in (dseg, aseg))
    codes = [int(code) for code in np.unique(labels) if code]
    cases = [(_renumber(labels, codes, order), reference) for order in permutations(codes)]
    # Tissues trade places in the reference: who ranks labels by size is found out.
    turned = _renumber(reference, [3, 42, 2, 41, 4, 43], [2, 41, 4, 43, 3, 42])
    cases += [(labels, turned), (cases[3][0], turned)]
    rights = [_order(*case) for case in cases]
    answers = [function(*(array.copy() for array in case)) for case in cases]
    for right, got in zip(rights, answers, strict=True):
        _judge_order(right, got)
    good = [dict(got) == right for right, got in zip(rights, answers, strict=True)]
    if all(good):
        return (
            f"Here: {', '.join(f'{code} is {name}' for code, name in sorted(rights[0].items()))}."
        )
    if len({str(got) for got in answers}) == 1:
        raise WrongAnswer(
            "Your function gives the same order whatever the labels are. Find it from the overlap.",
            f"It always returns {answers[0]}.",
        )
    if all(good[:-2]):
        raise WrongAnswer(
            "With another reference your function still gives the old names. Look which voxels of "
            "`reference` belong to the tissue, not how large a label is."
        )
    raise WrongAnswer(
        "For each tissue count the labels of its voxels (np.isin, np.bincount) and take the most "
        "frequent.",
        f"Right in {sum(good)} of {len(good)} cases.",
    )


def _renumber(labels, old, new):
    table = np.arange(labels.max() + 1)
    table[list(old)] = new
    return table[labels]


def _order(labels, reference):
    """Label -> tissue by the most frequent label."""
    order = {}
    for name, numbers in TISSUES.items():
        here = labels[np.isin(reference, numbers) & (labels > 0)]
        order[int(np.bincount(here).argmax())] = name
    return order


def _judge_order(right, got):
    """Raise a hint for an answer that has not even the right form."""
    if not isinstance(got, dict):
        raise WrongAnswer(
            f"`find_order` returned a {type(got).__name__}; a dictionary label -> tissue is expected."
        )
    if set(got) == set(TISSUES):
        raise WrongAnswer("Keys and values are the wrong way round: labels are the keys.")
    if any(isinstance(label, str) for label in got):
        raise WrongAnswer("The keys are text; give the labels as numbers, 1 and not '1'.")
    strange = [name for name in got.values() if name not in TISSUES]
    if strange:
        raise WrongAnswer(
            f"The names are {', '.join(TISSUES)}, in capitals.", f"You gave {strange[0]!r}."
        )
    if 0 in got:
        raise WrongAnswer(
            "Label 0 is the background, it is no tissue: leave its voxels out before you count."
        )
    if len(got) != len(right):
        raise WrongAnswer(
            f"`find_order` named {len(got)} labels, {len(right)} are expected. Does every tissue "
            "get a label of its own?"
        )


quiz(
    "smri-04-thresholds",
    {
        "a": Choice(
            "Yes: three peaks, so two thresholds in the valleys.",
            feedback="The valleys are not empty. Look at the curves of thalamus, putamen and pallidum: on which "
            "side of a threshold would each fall?",
        ),
        "b": Choice(
            "Yes, if the bias field is corrected well enough.",
            feedback="Even without any shading, voxels at the borders hold two tissues and deep nuclei have "
            "intensities between cortex and white matter.",
        ),
        "c": Choice(
            "No: the tissues' intensities overlap. Place (priors, an atlas) and neighbours have to help.",
            correct=True,
            feedback="Pallidum has the intensity of white matter: only an atlas of structures tells.",
        ),
        "d": Choice(
            "No: three tissues need three thresholds.",
            feedback="Two thresholds do make three classes. Their number is not what is wrong.",
        ),
    },
)


@exercise("smri-04-white-surface")
def white_surface(hits, *, available):
    """One file: left hemisphere, white surface."""
    if isinstance(hits, str | Path):
        raise WrongAnswer(
            "`hits` is one path. Keep the list: its length tells whether the question was exact."
        )
    if not np.iterable(hits):
        raise WrongAnswer(
            f"`hits` is {hits!r}; it should be the list that study.layout.get(...) gives back."
        )
    names = [Path(str(getattr(hit, "path", hit))).name for hit in hits]
    known = {Path(path).name for path in available}
    if not available:
        if names:
            raise WrongAnswer("This study has no surfaces here, so nothing can come back.")
        return "This study's surfaces were not fetched: an empty list is right here."
    if not names:
        raise WrongAnswer(
            "Nothing was found. Look at the list of names above: what stands after the last "
            "underscore is the suffix, and the extension is .surf.gii."
        )
    people = {name.split("_")[0] for name in known}
    strangers = sorted({name.split("_")[0] for name in names} - people)
    if strangers:
        raise WrongAnswer(
            f"Files of other people came back ({', '.join(strangers)}): name the subject."
        )
    if len(names) > 1:
        if any("inflated" in name for name in names):
            raise WrongAnswer(
                "The question is too wide: name the suffix. The first of these is the inflated one.",
                f"{len(names)} files came back.",
            )
        raise WrongAnswer(
            "More than one file came back: give hemi, suffix and extension.", ", ".join(names)
        )
    (name,) = names
    if "hemi-R" in name:
        raise WrongAnswer("That is the right hemisphere.", name)
    if not name.endswith((".surf.gii", ".surf")) or "_inflated" in name or "_pial" in name:
        raise WrongAnswer(
            "That is another surface. The white one is called white or smoothwm.", name
        )
    if not name.endswith(("_white.surf.gii", "_smoothwm.surf.gii")):
        raise WrongAnswer("The white surface is called white or smoothwm.", name)
    if name not in known:
        raise WrongAnswer("That file is not in the list above. Let study.layout.get find it.", name)
    return name


quiz(
    "smri-04-ms",
    {
        "a": Choice(
            "Nothing: three classes suffice, for lesions are white matter and stay white matter.",
            feedback="They are in white matter, but compare their intensity on T1w with that of the cortex.",
        ),
        "b": Choice(
            "Lesions are taken for grey matter. Fill them before segmenting, or give a lesion mask.",
            correct=True,
            feedback="And they shift the estimated intensities of the tissues, which moves borders elsewhere.",
        ),
        "c": Choice(
            "Lesions become fluid. Add a fourth class, and it will be the lesions.",
            feedback="Only the darkest come near fluid. A further class goes where most voxels are, which is "
            "partial volume at the borders, not to a few millilitres of lesion.",
        ),
        "d": Choice(
            "Lesions are taken for grey matter, but FreeSurfer fills them on its own.",
            feedback="The first half is right. It labels some as hypointensities, and for the surfaces it "
            "closes those away from cortex; others stay grey, and the T1w image is not filled.",
        ),
    },
)
