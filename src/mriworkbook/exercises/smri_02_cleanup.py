"""Checks of the clean-up episode: each knows the answer's properties and the usual mistakes."""

import numpy as np
from nilearn import image
from scipy import ndimage

from mriworkbook.exercises import Choice, WrongAnswer, exercise, quiz
from mriworkbook.practice.artefacts import mix_k_space_lines

quiz(
    "smri-02-bias-or-noise",
    {
        "a": Choice(
            "Both are random; the bias field is just noise with a larger amplitude.",
            feedback="Scan again and the noise is new in every voxel, but the shading comes back the same. "
            "Only one of them is random.",
        ),
        "b": Choice(
            "The bias field adds to the signal, the noise multiplies it.",
            feedback="It is the other way round. Look at the formula: which symbol stands next to u?",
        ),
        "c": Choice(
            "The bias field multiplies and varies slowly; the noise adds and is independent from voxel to voxel.",
            correct=True,
            feedback="Smooth and multiplicative against independent and additive: that is why one can be "
            "divided out and the other can be averaged down.",
        ),
        "d": Choice(
            "Averaging several scans removes the bias field but not the noise.",
            feedback="Averaging lowers what is different in each scan. The shading is the same in all of them.",
        ),
    },
)

quiz(
    "smri-02-mask-volume",
    {
        "a": Choice(
            "Fine: the mask is the brain, so its volume is the brain volume.",
            feedback="Look into the mask: the ventricles and the sulci are in it. What fills them?",
        ),
        "b": Choice(
            "No: the mask also holds fluid. Report grey plus white matter; use the mask volume for quality control.",
            correct=True,
            feedback="Brain volume is grey plus white matter. For head size there is eTIV.",
        ),
        "c": Choice(
            "No: the mask volume is the intracranial volume, so call it head size.",
            feedback="A brain mask stops at the brain's rim and leaves out much of the fluid around it. Head size is eTIV.",
        ),
        "d": Choice(
            "No: erode the mask until the fluid in the sulci is gone, then count.",
            feedback="Erosion takes cortex along with the fluid, and the ventricles stay in. Fluid is sorted out by segmentation.",
        ),
    },
)


def _volume(answer, name, like):
    """Data of an answer that must be an image on the grid of `like`."""
    if not hasattr(answer, "affine"):
        raise WrongAnswer(
            f"`{name}` is a {type(answer).__name__}; an image is expected, as `image.math_img` returns it."
        )
    if answer.shape != like.shape or not np.allclose(answer.affine, like.affine):
        raise WrongAnswer(
            f"`{name}` has another grid than `clean`: {answer.shape} against {like.shape}."
        )
    return answer.get_fdata(dtype="float32")


@exercise("smri-02-undo-field")
def undo_field(shaded, log_field, undone, *, clean, planted, white):
    """Multiply by a field, estimate its logarithm in white matter, divide it out."""
    inside = image.get_data(white) > 0
    product = clean.get_fdata(dtype="float32") * planted.get_fdata(dtype="float32")
    got = _volume(shaded, "shaded", clean)
    if not np.allclose(got[inside], product[inside], rtol=1e-3, atol=1e-2):
        total = clean.get_fdata(dtype="float32") + planted.get_fdata(dtype="float32")
        if np.allclose(got[inside], total[inside], rtol=1e-3, atol=1e-2):
            raise WrongAnswer("`shaded` is the sum of image and field. Shading multiplies.")
        raise WrongAnswer("`shaded` is not `clean` times `planted`. Look at v = u · f.")

    estimate = _volume(log_field, "log_field", clean)
    true_log = np.log(planted.get_fdata(dtype="float32")[inside])
    if not np.isfinite(estimate[inside]).all():
        raise WrongAnswer(
            "`log_field` has values that are not finite: there is no logarithm of zero. Use np.maximum(v, 1)."
        )
    if estimate[inside].mean() > np.log(got[inside]).mean() + 1:
        raise WrongAnswer(
            "`log_field` is as large as the image itself: take the logarithm before you smooth."
        )
    fit = np.corrcoef(estimate[inside], true_log)[0, 1]
    if not fit > 0.7:
        raise WrongAnswer(
            f"`log_field` follows the planted field with r = {fit:.2f} only. "
            "Is the logarithm taken before smoothing, and is the mask white matter?"
        )

    repaired = _volume(undone, "undone", clean)[inside]
    if np.allclose(repaired, got[inside] - estimate[inside], rtol=1e-3, atol=1e-2) or np.allclose(
        repaired, got[inside] - np.exp(estimate[inside]), rtol=1e-3, atol=1e-2
    ):
        raise WrongAnswer("`undone` has the field subtracted. It was multiplied on: divide.")
    if np.allclose(repaired, got[inside] / estimate[inside], rtol=1e-3):
        raise WrongAnswer(
            "`undone` is divided by the logarithm of the field. Divide by its exponential, np.exp."
        )
    if np.allclose(repaired, got[inside], rtol=1e-3):
        raise WrongAnswer("`undone` is still `shaded`: nothing was taken out.")
    removed = np.log(np.maximum(got[inside], 1e-6) / np.maximum(repaired, 1e-6))
    # A constant factor is free: it changes no contrast.
    spread = estimate[inside].std()
    if (removed + estimate[inside]).std() < 0.1 * spread:
        raise WrongAnswer("`undone` is multiplied by the field once more. Divide.")
    if not (removed - estimate[inside]).std() < 0.1 * spread:
        raise WrongAnswer(
            "`undone` is not `shaded` divided by the field that you estimated, np.exp(log_field)."
        )
    before, after = (100 * values.std() / values.mean() for values in (got[inside], repaired))
    error, left_alone = (np.std(true_log - log) for log in (estimate[inside], 0))
    return (
        f"White matter varies by {after:.1f} % instead of {before:.1f} %; "
        f"your log field follows the planted one with r = {fit:.2f}, "
        f"with an RMS error of {error:.3f} (left alone: {left_alone:.3f})."
    )


def _expect_array(answer, shape, function_name):
    """Raise a hint unless a learner's function returned an array of the expected shape."""
    if isinstance(answer, np.ndarray) and answer.shape == shape:
        return
    given = (
        f"an array of shape {answer.shape}"
        if isinstance(answer, np.ndarray)
        else f"a {type(answer).__name__}"
    )
    raise WrongAnswer(f"`{function_name}` returned {given}; an array of shape {shape} is expected.")


@exercise("smri-02-mask-by-hand")
def mask_by_hand(function, *, head, reference):
    """Threshold, largest component, grow and close, fill; scored by Dice and volume."""
    truth = image.get_data(reference) > 0
    mask = function(head)
    _expect_array(mask, truth.shape, "mask_by_hand")
    if not np.isin(np.unique(mask), [0, 1]).all():
        raise WrongAnswer(
            "The mask holds values other than True and False: compare with a threshold, `head > ...`."
        )
    mask = mask.astype(bool)
    if not mask.any():
        raise WrongAnswer(
            "The mask is empty. Is the threshold too high, or did erosion take everything?"
        )

    if mask[0, 0, 0] and mask[-1, -1, -1]:
        raise WrongAnswer(
            "The mask holds the corners of the image: label 0 is the background. "
            "Leave it out when you look for the largest component."
        )

    overlap = 2 * (mask & truth).sum() / (mask.sum() + truth.sum())
    error = 100 * (mask.sum() / truth.sum() - 1)
    score = f"Dice {overlap:.2f}, volume {error:+.0f} %"
    if error > 40:
        raise WrongAnswer(
            f"{score}. Scalp is still in: cut the bridges (erode), then keep the largest component."
        )
    parts, _ = ndimage.label(mask)
    if np.bincount(parts.ravel())[1:].max() < 0.99 * mask.sum():
        raise WrongAnswer(
            f"{score}. The mask has several separate pieces: keep the largest component."
        )
    holes = ndimage.binary_fill_holes(mask).sum() - mask.sum()
    core = ndimage.binary_erosion(truth, iterations=10)  # 2 cm deep at 2 mm
    lost = (core & ~mask).sum() / max(core.sum(), 1)
    if holes > 20 or lost > 0.02:
        raise WrongAnswer(
            f"{score}. Deep in the brain {100 * lost:.0f} % is missing, and {holes} voxels are holes: "
            "the ventricles dropped out. Close, then fill."
        )
    if error < -25:
        raise WrongAnswer(
            f"{score}. Brain is missing: grow back what you eroded, or lower the threshold."
        )
    if not overlap >= 0.85:
        raise WrongAnswer(
            f"{score}; a Dice of 0.85 can be reached. Look at the mask: what is too much, what is missing?"
        )
    return score + "."


def _real_part(still, moved, lines):
    """What the right steps give when the magnitude is forgotten and only the real part kept."""
    k_still, k_moved = (np.fft.fftshift(np.fft.fft2(picture)) for picture in (still, moved))
    k_still[:, lines] = k_moved[:, lines]
    return np.fft.ifft2(np.fft.ifftshift(k_still)).real


@exercise("smri-02-motion")
def motion(function, *, still, moved):
    """Replace k-space lines of one image by those of another."""

    def same(one, other):
        return np.allclose(one, other, rtol=1e-4, atol=1e-4 * np.abs(still).max())

    middle = still.shape[1] // 2
    lines = np.arange(middle - 5, middle + 5)
    got = function(still.copy(), moved.copy(), lines)
    _expect_array(got, still.shape, "mix_lines")
    if np.iscomplexobj(got):
        raise WrongAnswer(
            "The result is complex. Return its magnitude, np.abs: that is what a scanner saves."
        )
    right = mix_k_space_lines(still, moved, lines)
    if same(got, right):
        if not same(function(still.copy(), moved.copy(), np.arange(still.shape[1])), moved):
            raise WrongAnswer(
                "With all lines from the moved head the result should be the moved head."
            )
        return "With no lines exchanged you get the still head, with all of them the moved one; in between, ghosts."
    pasted = still.copy()
    pasted[:, lines] = moved[:, lines]
    # Without the shift, line number 0 is the zero frequency.
    unshifted = np.fft.fftshift(np.arange(still.shape[1]))
    hints = {
        "You mixed the images themselves. Transform both to k-space first.": pasted,
        "That is an average of two images, a double exposure. Motion mixes lines of k-space.": (
            still + moved
        )
        / 2,
        "You exchanged `[lines]`, along the other axis. Phase encoding is the second axis: `[:, lines]`.": mix_k_space_lines(
            still, moved, lines, axis=0
        ),
        "The centre of your k-space is in the corner. Shift it to the middle: np.fft.fftshift.": mix_k_space_lines(
            still, moved, np.flatnonzero(np.isin(unshifted, lines))
        ),
        "You copied the lines of the still head into the moved one. It is the other way round.": mix_k_space_lines(
            moved, still, lines
        ),
    }
    for hint, wrong in hints.items():
        if same(got, wrong):
            raise WrongAnswer(hint)
    if same(got, _real_part(still, moved, lines)):
        raise WrongAnswer(
            "You returned the real part. Return the magnitude, np.abs: that is what a scanner saves."
        )
    if same(got, still) or same(got, moved):
        raise WrongAnswer("Nothing was mixed: the result is one of the two inputs.")
    raise WrongAnswer(
        "Not the image that these lines give. Order: fft2, fftshift, copy lines, ifftshift, ifft2, np.abs."
    )
