"""Each known mistake in the segmentation exercises gets a hint of its own."""

import nibabel as nib
import numpy as np
import pytest

from mriworkbook.exercises import check, choices
from mriworkbook.exercises.smri_04_segmentation import TISSUES

RNG = np.random.default_rng(1)
ASEG = RNG.choice([0, 3, 42, 2, 41, 4, 43], (20, 20, 20))
TRUE = np.select([np.isin(ASEG, TISSUES[name]) for name in ("GM", "WM", "CSF")], [1, 2, 3])
DSEG = np.where(RNG.random(ASEG.shape) < 0.2, RNG.integers(0, 4, ASEG.shape), TRUE)
SURFACES = tuple(f"/x/sub-01_hemi-L_{name}.surf.gii" for name in ("inflated", "pial", "white"))


def hint(verdict):
    assert verdict.status == "not yet"
    return verdict.hint


@pytest.mark.parametrize("label", ["smri-04-thresholds", "smri-04-ms"])
def test_a_quiz_has_one_right_choice_and_something_to_say_to_every_other(label):
    verdicts = {key: check(label, key) for key in choices(label)}
    assert [verdict.status for verdict in verdicts.values()].count("correct") == 1
    assert len({repr(verdict) for verdict in verdicts.values()}) == len(verdicts)


class TestHeadHistogram:
    HEAD = np.maximum(np.random.default_rng(0).normal(80, 60, (30, 30, 30)), 0)
    BRAIN_EDGES = np.linspace(60, 120, 61)

    def ask(self, values=None, edges=None):
        if values is None:
            values = self.HEAD[self.HEAD > 0]
        if edges is None:
            edges = np.histogram_bin_edges(self.HEAD[self.HEAD > 0], bins="auto")
        return check(
            "smri-04-head-histogram", values, edges, head=self.HEAD, brain_edges=self.BRAIN_EDGES
        )

    def test_the_right_answer_and_the_blank(self):
        assert self.ask().status == "correct"
        assert self.ask(..., ...).status == "not attempted"

    def test_zeros_kept(self):
        assert "Zeros" in hint(self.ask(self.HEAD[self.HEAD >= 0]))
        assert "still the whole image" in hint(self.ask(self.HEAD))

    def test_a_condition_instead_of_values(self):
        assert "index" in hint(self.ask((self.HEAD > 0).ravel()))

    def test_the_brain_instead_of_the_head(self):
        assert "whole head" in hint(self.ask(self.HEAD[self.HEAD > 60]))

    def test_the_bins_of_the_brain(self):
        assert "bins of the brain" in hint(self.ask(edges=self.BRAIN_EDGES))

    def test_bins_that_do_not_reach(self):
        assert "reach" in hint(self.ask(edges=np.linspace(0, 100, 50)))

    def test_too_few_bins(self):
        assert "too few" in hint(self.ask(edges=np.linspace(1e-9, 1000, 8)))

    def test_bins_of_the_zeros_too(self):
        assert "begins at 0" in hint(self.ask(edges=np.histogram_bin_edges(self.HEAD, bins="auto")))

    def test_right_number_of_wrong_values(self):
        right = self.HEAD[self.HEAD > 0]
        for wrong in (np.ones(right.size), np.where(right > right[0], right, np.nan)):
            assert "not the intensities" in hint(self.ask(wrong))

    def test_answers_of_another_kind(self):
        right = self.HEAD[self.HEAD > 0]
        assert "masked array" in hint(self.ask(np.ma.masked_equal(self.HEAD, 0)))
        assert "a pair" in hint(self.ask(edges=np.histogram(right, bins="auto")))
        assert "numbers" in hint(self.ask("head"))

    def test_a_number_of_bins(self):
        assert "rising numbers" in hint(self.ask(edges=50))


class TestLabelOrder:
    """Cortex, white matter and ventricles of aseg; a little of each carries a wrong label."""

    def ask(self, function):
        dseg, aseg = (nib.Nifti1Image(a.astype("int16"), np.eye(4)) for a in (DSEG, ASEG))
        return check("smri-04-label-order", function, dseg=dseg, aseg=aseg)

    @staticmethod
    def right(labels, reference):
        order = {}
        for tissue, numbers in TISSUES.items():
            here = labels[np.isin(reference, numbers) & (labels > 0)]
            order[int(np.bincount(here).argmax())] = tissue
        return order

    def test_the_right_answer(self):
        verdict = self.ask(self.right)
        assert verdict.status == "correct"
        assert "1 is GM, 2 is WM, 3 is CSF" in verdict.message

    def test_a_blank(self):
        def find_order(labels, reference): ...

        assert self.ask(find_order).status == "not attempted"

    @pytest.mark.parametrize("order", [("CSF", "GM", "WM"), ("GM", "WM", "CSF")])
    def test_an_order_that_is_assumed(self, order):
        said = hint(self.ask(lambda labels, reference: dict(enumerate(order, start=1))))
        assert "same order whatever" in said

    def test_keys_and_values_swapped(self):
        def swapped(labels, reference):
            return {name: code for code, name in self.right(labels, reference).items()}

        assert "wrong way round" in hint(self.ask(swapped))

    def test_the_background_taken_for_a_tissue(self):
        def with_background(labels, reference):
            return {0: "CSF"} | self.right(labels, reference)

        assert "background" in hint(self.ask(with_background))

    def test_labels_ranked_by_size(self):
        """Right for every numbering of this brain, and yet it never looks at the reference."""
        sizes = {name: np.sum(code == DSEG) for code, name in enumerate(TISSUES, start=1)}

        def by_size(labels, reference):
            codes = np.argsort(np.bincount(labels[labels > 0]))[::-1][:3]
            names = sorted(sizes, key=sizes.get, reverse=True)
            return dict(zip(codes.tolist(), names, strict=True))

        assert "another reference" in hint(self.ask(by_size))

    def test_names_in_small_letters_keys_as_text_or_no_function(self):
        def small(labels, reference):
            return {code: name.lower() for code, name in self.right(labels, reference).items()}

        def text(labels, reference):
            return {str(code): name for code, name in self.right(labels, reference).items()}

        assert "in capitals" in hint(self.ask(small))
        assert "as numbers" in hint(self.ask(text))
        assert "function" in hint(self.ask({1: "GM", 2: "WM", 3: "CSF"}))

    def test_a_function_that_changes_its_arguments_is_judged_all_the_same(self):
        def spoiling(labels, reference):
            order = self.right(labels, reference)
            labels[:], reference[:] = 0, 0
            return order

        assert self.ask(spoiling).status == "correct"

    def test_a_tissue_forgotten_or_no_dictionary(self):
        assert "2 labels" not in hint(self.ask(lambda a, b: {1: "GM", 2: "WM", 3: "WM"}))
        assert "named 1 labels" in hint(self.ask(lambda a, b: {1: "GM"}))
        assert "dictionary" in hint(self.ask(lambda a, b: ["GM", "WM", "CSF"]))


class TestWhiteSurface:
    def ask(self, hits, available=SURFACES):
        return check("smri-04-white-surface", hits, available=available)

    @pytest.mark.parametrize("suffix", ["white", "smoothwm"])
    def test_the_right_answer(self, suffix):
        path = f"/x/sub-01_hemi-L_{suffix}.surf.gii"
        assert self.ask([path], available=(*SURFACES[:2], path)).status == "correct"

    @pytest.mark.parametrize(
        ("hits", "words"),
        [
            (SURFACES, "too wide"),
            (SURFACES[1:], "More than one"),
            (SURFACES[:1], "another surface"),
            (SURFACES[1:2], "another surface"),
            ([], "Nothing was found"),
            (SURFACES[2], "Keep the list"),
            (["/x/sub-01_hemi-R_white.surf.gii"], "right hemisphere"),
            (["/x/sub-02_hemi-L_white.surf.gii"], "name the subject"),
            ((*SURFACES[2:], "/x/sub-02_hemi-L_white.surf.gii"), "name the subject"),
            (["sub-01_hemi-X_white.surf.gii"], "not in the list"),
            (None, "should be the list"),
            (["/x/sub-01_hemi-L_midthickness.surf.gii"], "called white or smoothwm"),
        ],
    )
    def test_the_usual_mistakes(self, hits, words):
        assert words in hint(self.ask(hits))

    def test_a_study_without_surfaces(self):
        assert self.ask([], available=[]).status == "correct"
        assert "nothing can come back" in hint(self.ask(SURFACES[2:], available=[]))
