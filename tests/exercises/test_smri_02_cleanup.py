"""Each known mistake in the clean-up exercises gets a hint of its own."""

import nibabel as nib
import numpy as np
import pytest
from nilearn import image
from scipy import ndimage

from mriworkbook.exercises import check, choices

RNG = np.random.default_rng(0)


def hint(verdict):
    assert verdict.status == "not yet"
    return verdict.hint


@pytest.mark.parametrize("label", ["smri-02-bias-or-noise", "smri-02-mask-volume"])
def test_a_quiz_has_one_right_choice_and_something_to_say_to_every_other(label):
    verdicts = {key: check(label, key) for key in choices(label)}
    right = [key for key, verdict in verdicts.items() if verdict.status == "correct"]
    assert len(right) == 1
    said = {repr(verdict) for verdict in verdicts.values()}
    assert len(said) == len(verdicts)


class TestUndoField:
    LABEL = "smri-02-undo-field"

    @pytest.fixture
    def scene(self):
        shape, affine = (30, 30, 30), np.diag([4.0, 4.0, 4.0, 1])
        x = np.linspace(-0.2, 0.2, 30)[:, None, None] * np.ones(shape)
        clean = 100 + RNG.normal(0, 2, shape)
        white = np.zeros(shape, "uint8")
        white[5:25, 5:25, 5:25] = 1
        as_image = lambda data: nib.Nifti1Image(data.astype("float32"), affine)  # noqa: E731
        return {
            "clean": as_image(clean),
            "planted": as_image(1 + x),
            "white": nib.Nifti1Image(white, affine),
            "log": as_image(np.log(1 + x)),
        }

    def ask(self, scene, shaded=None, log_field=None, undone=None):
        if shaded is None:
            shaded = image.math_img("u * f", u=scene["clean"], f=scene["planted"])
        if log_field is None:
            log_field = scene["log"]
        if undone is None:
            undone = image.math_img("v / np.exp(g)", v=shaded, g=scene["log"])
        context = {key: scene[key] for key in ["clean", "planted", "white"]}
        return check(self.LABEL, shaded, log_field, undone, **context)

    def test_the_right_answer(self, scene):
        assert self.ask(scene).status == "correct"

    def test_a_constant_in_the_log_does_no_harm(self, scene):
        log = image.math_img("g + 4.6", g=scene["log"])
        undone = image.math_img("u * f / np.exp(g)", u=scene["clean"], f=scene["planted"], g=log)
        assert self.ask(scene, log_field=log, undone=undone).status == "correct"

    def test_blanks(self, scene):
        context = {key: scene[key] for key in ["clean", "planted", "white"]}
        assert check(self.LABEL, ..., ..., ..., **context).status == "not attempted"

    def test_added_instead_of_multiplied(self, scene):
        added = image.math_img("u + f", u=scene["clean"], f=scene["planted"])
        assert "multiplies" in hint(self.ask(scene, shaded=added))

    def test_smoothed_before_the_logarithm(self, scene):
        assert "logarithm before" in hint(self.ask(scene, log_field=scene["clean"]))

    def test_logarithm_of_zero(self, scene):
        data = scene["log"].get_fdata().copy()
        data[15, 15, 15] = -np.inf
        broken = nib.Nifti1Image(data.astype("float32"), scene["log"].affine)
        assert "not finite" in hint(self.ask(scene, log_field=broken))

    def test_a_field_that_follows_something_else(self, scene):
        other = nib.Nifti1Image(
            RNG.normal(0, 0.1, (30, 30, 30)).astype("float32"), np.diag([4, 4, 4, 1])
        )
        assert "r = " in hint(self.ask(scene, log_field=other))

    def test_subtracted(self, scene):
        subtracted = image.math_img(
            "u * f - np.exp(g)", u=scene["clean"], f=scene["planted"], g=scene["log"]
        )
        assert "subtracted" in hint(self.ask(scene, undone=subtracted))

    def test_divided_by_the_logarithm(self, scene):
        log = image.math_img("g + 4.6", g=scene["log"])
        divided = image.math_img("u * f / g", u=scene["clean"], f=scene["planted"], g=log)
        assert "np.exp" in hint(self.ask(scene, log_field=log, undone=divided))

    def test_nothing_undone(self, scene):
        shaded = image.math_img("u * f", u=scene["clean"], f=scene["planted"])
        assert "nothing was taken out" in hint(self.ask(scene, undone=shaded))

    @pytest.mark.parametrize(
        ("formula", "words"),
        [
            ("u", "not `shaded` divided by the field that you estimated"),
            ("u * f - 30 * g", "not `shaded` divided by the field that you estimated"),
            ("u * f * np.exp(g)", "multiplied by the field once more"),
        ],
    )
    def test_undone_by_anything_but_the_estimate(self, scene, formula, words):
        # The estimate is a little off the truth, as estimates are.
        ripple = nib.Nifti1Image(
            RNG.normal(0, 1, (30, 30, 30)).astype("float32"), np.diag([4, 4, 4, 1])
        )
        log = image.math_img("g + r", g=scene["log"], r=image.smooth_img(ripple, 16))
        used = {"u": scene["clean"], "f": scene["planted"], "g": log}
        used = {name: img for name, img in used.items() if name in formula}
        undone = image.math_img(formula, **used)
        assert words in hint(self.ask(scene, log_field=log, undone=undone))

    def test_the_error_of_the_field_is_reported(self, scene):
        assert "RMS error of 0.000" in self.ask(scene).message

    def test_an_array_or_another_grid(self, scene):
        assert "ndarray" in hint(self.ask(scene, undone=np.ones(3)))
        small = image.resample_img(scene["clean"], target_affine=np.diag([8.0, 8, 8]))
        assert "another grid" in hint(self.ask(scene, undone=small))


class TestMaskByHand:
    LABEL = "smri-02-mask-by-hand"

    @pytest.fixture
    def scene(self):
        """A bright ball (brain) with a dark hole, in a bright shell (scalp), bridged."""
        grid = np.indices((60, 60, 60)) - 30
        radius = np.sqrt((grid**2).sum(0))
        brain = radius < 18
        head = 100.0 * brain * (radius > 4) + 150.0 * ((radius > 24) & (radius < 27))
        head[29:31, 29:31, 46:56] = 120
        reference = nib.Nifti1Image(brain.astype("uint8"), np.eye(4))
        return {"head": head, "reference": reference}

    @staticmethod
    def steps(head, erode=3, grow=3, fill=True, largest=True):
        mask = ndimage.binary_erosion(head > 50, iterations=erode) if erode else head > 50
        if largest:
            parts, _ = ndimage.label(mask)
            mask = parts == np.bincount(parts.ravel())[1:].argmax() + 1
        mask = ndimage.binary_dilation(mask, iterations=grow) if grow else mask
        return ndimage.binary_fill_holes(mask) if fill else mask

    @staticmethod
    def with_island(head, width):
        mask = TestMaskByHand.steps(head)
        mask[:width, :width, :width] = True
        return mask

    def test_the_right_answer(self, scene):
        verdict = check(self.LABEL, self.steps, **scene)
        assert verdict.status == "correct"
        assert "Dice 1.00" in verdict.message

    @pytest.mark.parametrize(
        ("wrong", "word"),
        [
            (lambda head: TestMaskByHand.steps(head, erode=0, grow=0, fill=False), "Scalp"),
            (lambda head: TestMaskByHand.steps(head, fill=False), "ventricles"),
            (lambda head: TestMaskByHand.steps(head, grow=0), "Brain is missing"),
            (lambda head: head > 1000, "empty"),
            (lambda head: head, "other than True and False"),
            (lambda head: (head > 50).sum(), "array of shape"),
            (lambda head: TestMaskByHand.with_island(head, 9), "separate pieces"),
            (lambda head: ~TestMaskByHand.steps(head), "label 0 is the background"),
        ],
    )
    def test_known_mistakes(self, scene, wrong, word):
        assert word in hint(check(self.LABEL, wrong, **scene))

    def test_a_stray_voxel_does_no_harm(self, scene):
        verdict = check(self.LABEL, lambda head: self.with_island(head, 1), **scene)
        assert verdict.status == "correct"

    def test_an_unwritten_body_is_not_attempted(self, scene):
        def mask_by_hand(head): ...

        assert check(self.LABEL, mask_by_hand, **scene).status == "not attempted"


class TestMotion:
    LABEL = "smri-02-motion"
    STILL = ndimage.gaussian_filter(RNG.random((48, 40)), 2)
    MOVED = ndimage.shift(STILL, (2, 3))

    @staticmethod
    def mix(still, moved, lines, axis=1, shift=True, magnitude=np.abs):
        centre, corner = (np.fft.fftshift, np.fft.ifftshift) if shift else (np.array, np.array)
        one, two = centre(np.fft.fft2(still)), centre(np.fft.fft2(moved))
        where = (slice(None), lines) if axis else (lines,)
        one[where] = two[where]
        return magnitude(np.fft.ifft2(corner(one)))

    def ask(self, function):
        return check(self.LABEL, function, still=self.STILL, moved=self.MOVED)

    def test_the_right_answer(self):
        assert self.ask(self.mix).status == "correct"

    def test_images_mixed_instead_of_k_space(self):
        def mix(still, moved, lines):
            still[:, lines] = moved[:, lines]
            return still

        assert "Transform both" in hint(self.ask(mix))

    @pytest.mark.parametrize(
        ("wrong", "word"),
        [
            (lambda s, m, k: TestMotion.mix(s, m, k, axis=0), "other axis"),
            (lambda s, m, k: TestMotion.mix(s, m, k, shift=False), "fftshift"),
            (lambda s, m, k: TestMotion.mix(s, m, k) + 0j, "complex"),
            (lambda s, m, k: (s + m) / 2, "double exposure"),
            (lambda s, m, k: TestMotion.mix(m, s, k), "other way round"),
            (lambda s, m, k: TestMotion.mix(s, m, k, magnitude=np.real), "real part"),
            (lambda s, m, k: s, "Nothing was mixed"),
            (lambda s, m, k: TestMotion.mix(s, m, k)[0], "shape"),
            (lambda s, m, k: TestMotion.mix(s, m, k) * 2, "Order"),
        ],
    )
    def test_known_mistakes(self, wrong, word):
        assert word in hint(self.ask(wrong))

    def test_the_learners_images_are_left_alone(self):
        before = self.STILL.copy()
        self.ask(lambda s, m, k: s.__iadd__(1))
        assert np.array_equal(self.STILL, before)
