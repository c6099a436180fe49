"""Each known mistake in the acquisition exercises gets a hint of its own."""

import numpy as np
import pytest

from mriworkbook.exercises import check, choices
from mriworkbook.practice.parameters import TISSUES

T1 = TISSUES["CSF"].t1


def hint(verdict):
    assert verdict.status == "not yet"
    return verdict.hint


@pytest.mark.parametrize(
    ("letter", "word"), [("a", "Length"), ("c", "other way round"), ("d", "belong to the tissue")]
)
def test_the_timings_quiz(letter, word):
    assert word in hint(check("smri-01-timings", letter))
    assert check("smri-01-timings", "b").status == "correct"
    assert len(choices("smri-01-timings")) == 4


class TestRank:
    @staticmethod
    def ask(answer, tr=600, te=15):
        return check("smri-01-rank", answer, tr=tr, te=te)

    @pytest.mark.parametrize("answer", [["WM", "GM", "CSF"], ("wm", "gm ", "csf")])
    def test_the_right_order(self, answer):
        assert self.ask(answer).status == "correct"

    @pytest.mark.parametrize(
        ("answer", "word"),
        [
            (["CSF", "GM", "WM"], "long T1 does not make"),
            (["GM", "WM", "CSF"], "Fluid is right"),
            (["CSF", "WM", "GM"], "in what order"),
            (["WM", "GM"], "once"),
            ("WM", "list"),
            (7, "list"),
        ],
    )
    def test_mistakes(self, answer, word):
        assert word in hint(self.ask(answer))

    def test_the_order_is_computed_and_not_fixed(self):
        assert self.ask(["CSF", "GM", "WM"], tr=9000, te=120).status == "correct"


class TestNull:
    def test_the_right_time(self):
        assert check("smri-01-null", T1 * np.log(2)).status == "correct"
        assert check("smri-01-null", round(T1 * np.log(2))).status == "correct"

    @pytest.mark.parametrize(
        ("answer", "word"),
        [
            (T1 * np.log(2) / 1000, "in seconds"),
            (T1, "passed zero already"),
            (T1 / 2, "Not half"),
            (T1 * np.log10(2), "base 10"),
            (-T1 * np.log(2), "before the inversion"),
            (2000, "still below"),
            (3500, "above zero"),
            ("2987", "one number"),
            (True, "one number"),
        ],
    )
    def test_mistakes(self, answer, word):
        assert word in hint(check("smri-01-null", answer))


class TestUndersample:
    K_SPACE = np.fft.fftshift(np.fft.fft2(np.random.default_rng(0).random((12, 16))))

    @staticmethod
    def picture(k_space):
        return np.abs(np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(k_space))))

    def ask(self, function):
        return check("smri-01-undersample", function, k_space=self.K_SPACE)

    def test_the_right_answer(self):
        verdict = self.ask(lambda k, step: self.picture(k[:, ::step]))
        assert verdict.status == "correct"
        assert "8 lines high instead of 16" in verdict.message

    def test_mistakes(self):
        def zeros(k, step):
            kept = np.zeros_like(k)
            kept[:, ::step] = k[:, ::step]
            return self.picture(kept)

        for wrong, word in [
            (zeros, "to zero"),
            (lambda k, step: self.picture(k[::step]), "first axis"),
            (lambda k, step: k[:, ::step], "complex"),
            (lambda k, step: self.picture(k), "any lines left out"),
            (lambda k, step: self.picture(k)[:, ::step], "lines of the picture"),
            (lambda k, step: self.picture(k[:, ::2]), "Not the picture"),
            (lambda k, step: 3, "int"),
            (lambda k, step: self.picture(k[:, 1::step]) * 2, "Not the picture"),
        ]:
            assert word in hint(self.ask(wrong)), word
