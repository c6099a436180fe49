"""Checks of the parcellation episode: a name's number, its voxels, its vertices, its space."""

import nibabel as nib
import numpy as np
from nilearn import image

from mriworkbook.exercises import Choice, WrongAnswer, exercise, quiz
from mriworkbook.images import check_same_grid

quiz(
    "smri-05-space",
    {
        "a": Choice(
            "The patient has lost grey matter.",
            feedback="The same person's values are fine when the atlas goes through the transform. What has changed between the two tables?",
        ),
        "b": Choice(
            "Nothing: both files have the same voxel size and shape, so they fit.",
            feedback="Voxel size and shape say how a box is cut up, not whose brain is in it.",
        ),
        "c": Choice(
            "The atlas lies in template space and the scan in the person's. Bring the atlas to the scan through the transform, with nearest neighbour.",
            correct=True,
            feedback="Resampling by the headers alone makes the grids equal, not the brains. Compare the names of the spaces before you compare numbers.",
        ),
        "d": Choice(
            "The labels were interpolated: resample them again, with nearest neighbour.",
            feedback="Nearest neighbour keeps labels whole, wherever they lie. Are they in the right place?",
        ),
    },
)

quiz(
    "smri-05-threshold",
    {
        "a": Choice(
            "0.5: above it only one structure can be.",
            feedback="Look at the row of 0.5: one label at most, yes. But how many voxels have none?",
        ),
        "b": Choice(
            "A low one, such as 0.1, so that no voxel is left without a label.",
            feedback="Look at the row of 0.1: some voxels now have several labels, and some still have none.",
        ),
        "c": Choice(
            "None. Take the most probable structure in each voxel, and background where even that one is improbable.",
            correct=True,
            feedback="A threshold asks about each structure alone. The largest compares them, so there is one answer (ties aside); the minimum for the background is a choice that you report.",
        ),
        "d": Choice(
            "One threshold for each structure, tuned until the volumes are right.",
            feedback="Right volumes do not make labels unique: two neighbours can still both claim a voxel.",
        ),
    },
)


@exercise("smri-05-by-name")
def by_name(index, mask, *, labels_img, lut, name):
    """Number of a name in a look-up table, and a mask of its voxels."""
    numbers = dict(zip(lut["name"], lut["index"].astype(int), strict=True))
    _judge_index(index, numbers, name)
    _judge_mask(mask, labels_img, numbers, name)
    voxels = int(image.get_data(mask).sum())
    volume = voxels * np.prod(labels_img.header.get_zooms()[:3]) / 1000
    return f"{name} is {numbers[name]}, and {voxels} voxels of this image: {volume:.1f} mL."


def _judge_index(index, numbers, name):
    if np.ndim(index) or isinstance(index, str | bool):
        raise WrongAnswer(
            "`index` should be one whole number. `lut.loc[condition, column]` is a column with one "
            "row; `.item()` takes the number out of it."
        )
    if index == numbers[name]:
        return
    position = list(numbers).index(name)
    if index in (position, position + 1):
        raise WrongAnswer(
            "You counted rows. Where a name stands in the table is not the number that it has in "
            "the image; which column has that?"
        )
    _judge_neighbour(index, numbers, name)


def _judge_neighbour(index, numbers, name):
    """Say which region was given instead."""
    named = [other for other, number in numbers.items() if number == index]
    if named:
        raise WrongAnswer(f"{index} is {named[0]}. The name asked for is {name}.")
    raise WrongAnswer(f"No region of the table has the number {index!r}. Look up {name}.")


def _judge_mask(mask, labels_img, numbers, name):
    labels = image.get_data(labels_img)
    if not isinstance(mask, nib.spatialimages.SpatialImage):
        raise WrongAnswer(
            f"`mask` is of the type {type(mask).__name__}. An array has lost the affine, and with "
            "it its place in the world; `image.math_img` gives an image."
        )
    try:
        check_same_grid(mask, labels_img, "mask", "labels")
    except ValueError as error:
        raise WrongAnswer("Make the mask from the labels, on their own grid.", str(error)) from None
    given = image.get_data(mask)
    if given.shape != labels.shape:
        raise WrongAnswer(
            "The mask has another number of axes than the labels.",
            f"It has the shape {given.shape}, the labels have {labels.shape}.",
        )
    if not np.isin(given, (0, 1)).all():
        raise WrongAnswer(
            "A mask holds 0 and 1. Yours still holds labels: compare with ==, do not multiply."
        )
    if np.array_equal(given > 0, labels == numbers[name]):
        return
    if not given.any():
        raise WrongAnswer("The mask is empty: no voxel has the number that you compared with.")
    found = np.unique(labels[given > 0]).tolist()
    if len(found) == 1:
        _judge_neighbour(found[0], numbers, name)
    raise WrongAnswer(f"The mask covers {len(found)} different labels. It should cover one.")


@exercise("smri-05-onto-grid")
def onto_grid(moved, *, labels_img, target):
    """Labels resampled onto another grid of the same space."""
    if not isinstance(moved, nib.spatialimages.SpatialImage):
        raise WrongAnswer(
            f"`moved` is of the type {type(moved).__name__}; `image.resample_to_img` gives an image."
        )
    try:
        check_same_grid(moved, target, "moved", "target")
    except ValueError as error:
        same = moved.shape == labels_img.shape
        hint = "The first image moves, the second gives the grid. Which one is to move?"
        raise WrongAnswer(hint if same else "Use the grid of `target`.", str(error)) from None
    right = image.resample_to_img(
        labels_img, target, interpolation="nearest", force_resample=True, copy_header=True
    )
    given, right = (np.asarray(img.dataobj) for img in (moved, right))
    if np.array_equal(given, right):
        kept = len(np.unique(right)) - 1
        lost = len(np.unique(image.get_data(labels_img))) - 1 - kept
        return f"{kept} regions arrive as they were; {lost} are too small for this grid."
    if not np.array_equal(given, np.round(given)):
        raise WrongAnswer(
            "Some labels are no whole numbers now. The default of `resample_to_img` draws a smooth "
            "curve through the numbers, as if a region could be half a name."
        )
    others = (given != right).sum()
    if others > 0.02 * (right > 0).sum():
        raise WrongAnswer(
            "All labels are whole numbers, and many are wrong: halfway between the regions 10 and "
            "50 lies 30, which is somewhere else. Which interpolation only copies?",
            f"{others} voxels have another region than their nearest neighbour.",
        )
    raise WrongAnswer("Nearly: some voxels differ from their nearest neighbour.")


@exercise("smri-05-precuneus")
def precuneus(index, roi, hemi, *, parcels, lut, name, shown):
    """The vertices of a region of the right hemisphere, and the hemisphere to draw it on."""
    numbers = dict(zip(lut["name"], lut["index"].astype(int), strict=True))
    if not isinstance(hemi, str) or hemi not in ("left", "right"):
        raise WrongAnswer('`hemi` should be "left" or "right", as nilearn writes it.')
    if np.ndim(index) == 0 and index == numbers[shown]:
        raise WrongAnswer(
            f"You changed the hemisphere, but not the region: {index} is still {shown}."
        )
    _judge_index(index, numbers, name)
    roi = _vertices(roi)
    maps = {side: np.asarray(parcels.data.parts[side]) for side in ("left", "right")}
    if roi.shape != maps["right"].shape:
        raise WrongAnswer(
            f"`roi` has the shape {roi.shape}; one hemisphere has {len(maps['right'])} vertices."
        )
    if not np.isin(roi, (0, 1)).all():
        raise WrongAnswer("`roi` should be 1 inside the region and 0 elsewhere: compare with ==.")
    inside = roi > 0
    if not inside.any() and not (maps["left"] == numbers[name]).any():
        raise WrongAnswer(
            "`roi` is empty. Either you compared with something else than `index`, or you took the "
            "left map, in which this number does not occur."
        )
    if np.array_equal(inside, maps["left"] == numbers[name]):
        raise WrongAnswer(
            "You changed the region, but not the hemisphere: these are vertices of the left map."
        )
    if not np.array_equal(inside, maps["right"] == numbers[name]):
        raise WrongAnswer("Compare the map of the right hemisphere with `index`.")
    if hemi != "right":
        raise WrongAnswer(
            "The vertices are those of the right hemisphere, but you would draw them on the left "
            "one: the numbers of its vertices mean other places."
        )
    return (
        f"{int(inside.sum())} vertices of the right hemisphere: region, mesh and background agree."
    )


def _vertices(roi):
    if hasattr(roi, "mesh"):
        raise WrongAnswer(
            "`roi` should be the array of one hemisphere; `parcels.data.parts` has both by name."
        )
    return np.asarray(roi)
