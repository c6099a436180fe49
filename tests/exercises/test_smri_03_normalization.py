"""Each known mistake in the normalization exercises gets a hint of its own."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nibabel.affines import apply_affine

from mriworkbook.exercises import check, choices
from mriworkbook.normalization import Transform

DISPLAY = {"A": "radiological", "B": "neurological"}
QUIZZES = ["smri-03-downsampling", "smri-03-deformation", "smri-03-same-millimetres"]


def hint(verdict):
    assert verdict.status == "not yet"
    return verdict.hint


@pytest.mark.parametrize("label", QUIZZES)
def test_a_quiz_has_one_right_choice_and_something_to_say_to_every_other(label):
    verdicts = {key: check(label, key) for key in choices(label)}
    right = [key for key, verdict in verdicts.items() if verdict.status == "correct"]
    assert len(right) == 1
    said = {repr(verdict) for verdict in verdicts.values()}
    assert len(said) == len(verdicts)


class TestFlipped:
    LABEL = "smri-03-flipped"

    @pytest.fixture
    def heads(self):
        """A marker on the right: stored to the right, to the left, and flipped without header."""
        data = np.zeros((20, 20, 20), np.float32)
        data[17, 10, 12] = 5
        affine = np.diag([4.0, 4, 4, 1])
        affine[:3, 3] = -38
        right = nib.Nifti1Image(data, affine)
        return {
            "A": right.as_reoriented([[0, -1], [1, 1], [2, 1]]),
            "B": nib.Nifti1Image(data[::-1], affine),
            "C": right,
        }

    @staticmethod
    def voxel(img):
        return np.unravel_index(np.argmax(img.get_fdata()), img.shape)

    def world(self, heads):
        return {k: apply_affine(img.affine, self.voxel(img))[0] for k, img in heads.items()}

    def ask(self, heads, suspect="B", x=None, display=DISPLAY):
        x = self.world(heads) if x is None else x
        return check(self.LABEL, x, suspect, display, heads=heads)

    def test_the_right_answer(self, heads):
        x = self.world(heads)
        rounded = pd.Series(x).round().astype(int)
        for suspect, given in [("B", x), (" b", rounded), (np.array("B"), list(x.items()))]:
            assert self.ask(heads, suspect, given).status == "correct"
        spelt = {name: word.title() for name, word in DISPLAY.items()}
        assert self.ask(heads, display=spelt).status == "correct"

    def test_blanks(self, heads):
        assert check(self.LABEL, ..., ..., ..., heads=heads).status == "not attempted"

    def test_the_side_of_the_picture(self, heads):
        assert "in the picture" in hint(self.ask(heads, "A"))

    def test_voxel_indices(self, heads):
        indices = {name: self.voxel(img)[0] for name, img in heads.items()}
        assert "voxel indices" in hint(self.ask(heads, x=indices))

    def test_all_three_coordinates(self, heads):
        points = {k: apply_affine(img.affine, self.voxel(img)) for k, img in heads.items()}
        assert "one number" in hint(self.ask(heads, x=points))

    def test_one_affine_for_all(self, heads):
        affine = heads["C"].affine
        x = {k: apply_affine(affine, self.voxel(img))[0] for k, img in heads.items()}
        assert "each head's own affine" in hint(self.ask(heads, x=x))

    @pytest.mark.parametrize("suspect", ["Z", ["B"], np.array(["B", "C"]), None, 2])
    def test_no_letter(self, heads, suspect):
        assert "one letter" in hint(self.ask(heads, suspect))

    @pytest.mark.parametrize("x", [[1, 2, 3], "ABC", 5, {"A": 1}, np.ones(3)])
    def test_no_number_for_each(self, heads, x):
        assert "a dict" in hint(self.ask(heads, x=x))

    @pytest.mark.parametrize(
        ("display", "word"),
        [
            ({"A": "neurological", "B": "radiological"}, "of A, B again"),
            ({"A": "neurological", "B": "neurological"}, "of A again"),
            ({"A": "left", "B": "right"}, "a dict"),
            ("radiological", "a dict"),
            (["radiological", "neurological"], "a dict"),
        ],
    )
    def test_the_wrong_display(self, heads, display, word):
        assert word in hint(self.ask(heads, display=display))


class TestPoints:
    LABEL = "smri-03-points"
    LANDMARKS = np.array([[10.0, 20, 30], [-15, 4, 8]])

    @pytest.fixture
    def transform(self):
        affine = np.diag([1.1, 0.9, 1.0, 1])
        affine[:3, 3] = 5, -8, 12
        return Transform("affine", [affine], [np.linalg.inv(affine)])

    def ask(self, transform, answer):
        return check(self.LABEL, answer, transform=transform, landmarks=self.LANDMARKS)

    def test_the_right_answer(self, transform):
        answer = transform.map_points(self.LANDMARKS, "fixed_to_moving")
        assert self.ask(transform, answer).status == "correct"
        assert self.ask(transform, answer.tolist()).status == "correct"
        assert self.ask(transform, answer.round(1)).status == "correct"
        assert self.ask(transform, ...).status == "not attempted"

    def test_the_way_of_images(self, transform):
        answer = transform.map_points(self.LANDMARKS, "moving_to_fixed")
        assert "the way that images go" in hint(self.ask(transform, answer))

    @pytest.mark.parametrize(
        ("answer", "word"),
        [
            (LANDMARKS, "not moved"),
            (LANDMARKS[0], "shape"),
            (LANDMARKS * 2, "map_points"),
            ("fixed_to_moving", "array of numbers"),
            ({"x": 1}, "array of numbers"),
            ([[1, 2, 3], [4]], "array of numbers"),
            (Transform.map_points, "array of numbers"),
        ],
    )
    def test_other_mistakes(self, transform, answer, word):
        assert word in hint(self.ask(transform, answer))

    def test_signs_of_itk(self, transform):
        answer = transform.map_points(self.LANDMARKS, "fixed_to_moving") * [-1, -1, 1]
        assert "LPS+" in hint(self.ask(transform, answer))
