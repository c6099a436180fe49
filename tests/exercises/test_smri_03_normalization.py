"""Each known mistake in the normalization exercises gets a hint of its own."""

import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import apply_affine

from mriworkbook.exercises import check, choices
from mriworkbook.normalization import Transform

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

    def test_the_right_answer(self, heads):
        verdict = check(self.LABEL, self.world(heads), "B", heads=heads)
        assert verdict.status == "correct"

    def test_blanks(self, heads):
        assert check(self.LABEL, ..., ..., heads=heads).status == "not attempted"

    def test_the_side_of_the_picture(self, heads):
        assert "in the picture" in hint(check(self.LABEL, self.world(heads), "A", heads=heads))

    def test_voxel_indices(self, heads):
        indices = {name: self.voxel(img)[0] for name, img in heads.items()}
        assert "voxel indices" in hint(check(self.LABEL, indices, "B", heads=heads))

    def test_all_three_coordinates(self, heads):
        points = {k: apply_affine(img.affine, self.voxel(img)) for k, img in heads.items()}
        assert "one number" in hint(check(self.LABEL, points, "B", heads=heads))

    def test_one_affine_for_all(self, heads):
        affine = heads["C"].affine
        x = {k: apply_affine(affine, self.voxel(img))[0] for k, img in heads.items()}
        assert "each head's own affine" in hint(check(self.LABEL, x, "B", heads=heads))

    def test_another_letter_or_no_dict(self, heads):
        assert "one letter" in hint(check(self.LABEL, self.world(heads), "Z", heads=heads))
        assert "a dict" in hint(check(self.LABEL, [1, 2, 3], "B", heads=heads))


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
        assert self.ask(transform, ...).status == "not attempted"

    def test_the_way_of_images(self, transform):
        answer = transform.map_points(self.LANDMARKS, "moving_to_fixed")
        assert "the way that images go" in hint(self.ask(transform, answer))

    @pytest.mark.parametrize(
        ("answer", "word"),
        [
            (LANDMARKS, "not moved"),
            (LANDMARKS[0], "shape"),
            (LANDMARKS * [-1, -1, 1], "map_points"),
        ],
    )
    def test_other_mistakes(self, transform, answer, word):
        assert word in hint(self.ask(transform, answer))
