"""Tissues of a phantom with known fractions, on any grid, against scikit-learn and scipy."""

import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nilearn import datasets, image
from scipy import ndimage
from sklearn.cluster import KMeans

from mriworkbook import segmentation
from mriworkbook.labels import fuzzy_dice, most_likely
from mriworkbook.normalization import Transform
from mriworkbook.segmentation import (
    TISSUES,
    blur_priors,
    intensity_fractions,
    kmeans_classes,
    segment,
    warp_priors,
)

LEVELS = {"CSF": 40.0, "GM": 120.0, "WM": 200.0}
SHAPE = (36, 40, 32)
OBLIQUE = nib.affines.from_matvec(
    nib.eulerangles.euler2mat(0.2, 0.4, -0.3) @ np.diag([-2, 2, 3]), [50, -30, 8]
)


def as_img(data, affine=OBLIQUE):
    return nib.Nifti1Image(np.asarray(data, np.float32), affine)


def phantom():
    """Shells of CSF, GM and WM with soft edges, and a nucleus of GM that is as bright as WM.

    Returns the image, its mask, the true fractions and the nucleus.
    """
    middle = (np.array(SHAPE) - 1) / 2
    place = np.moveaxis(np.indices(SHAPE), 0, -1) - middle
    radius = np.sqrt((place**2).sum(axis=-1))
    nucleus = np.sqrt(((place - [4, 0, 0]) ** 2).sum(axis=-1)) < 3
    within = [np.clip(limit - radius + 0.5, 0, 1) for limit in (15, 13, 9)]
    maps = dict(
        zip(TISSUES, (within[0] - within[1], within[1] - within[2], within[2]), strict=True)
    )
    data = sum(maps[name] * level for name, level in LEVELS.items())
    maps["GM"] = np.where(nucleus, 1, maps["GM"])
    maps["WM"] = np.where(nucleus, 0, maps["WM"])
    mask = radius < 15
    data = data + np.random.default_rng(0).normal(0, 6, SHAPE)
    return (
        as_img(np.maximum(data, 0) * mask),
        nib.Nifti1Image(mask.astype(np.uint8), OBLIQUE),
        {name: as_img(fraction * mask) for name, fraction in maps.items()},
        nucleus,
    )


IMG, MASK, TRUTH, NUCLEUS = phantom()
INSIDE = MASK.get_fdata() > 0
PRIORS = blur_priors(TRUTH, MASK, fwhm=6)


@pytest.fixture(scope="module")
def found():
    return segment(IMG, MASK, PRIORS)


class TestKmeans:
    def test_the_classes_are_those_of_scikit_learn_from_another_start(self):
        values = IMG.get_fdata()[INSIDE][:, None]
        model = KMeans(3, n_init=5, random_state=3).fit(values)
        rank = np.argsort(np.argsort(model.cluster_centers_[:, 0]))
        agree = kmeans_classes(IMG, MASK).get_fdata()[INSIDE] == rank[model.labels_] + 1
        assert agree.mean() > 0.999

    def test_1_is_dark_3_is_bright_0_is_outside(self):
        labels = kmeans_classes(IMG, MASK)
        data, values = labels.get_fdata(), IMG.get_fdata()
        assert labels.get_data_dtype() == np.uint8
        np.testing.assert_array_equal(data > 0, INSIDE)
        for code in (1, 2):
            assert values[data == code].max() <= values[data == code + 1].min()

    @given(
        scale=st.floats(0.01, 1000), shift=st.floats(0, 5000), flips=st.tuples(*[st.booleans()] * 3)
    )
    @settings(max_examples=6)
    def test_neither_units_nor_grid_matter(self, scale, shift, flips):
        axes = tuple(axis for axis, flip in enumerate(flips) if flip)
        moved = nib.Nifti1Image(
            np.flip(IMG.get_fdata() * scale + shift, axes), np.diag([1, 3, 2, 1])
        )
        mask = nib.Nifti1Image(np.flip(MASK.get_fdata(), axes), moved.affine)
        expected = np.flip(kmeans_classes(IMG, MASK).get_fdata(), axes)
        agree = kmeans_classes(moved, mask).get_fdata() == expected
        assert agree.mean() > 0.999

    def test_too_few_intensities(self):
        flat = as_img(np.where(INSIDE, 5, 0))
        with pytest.raises(ValueError, match="1 intensities, too few for 3"):
            kmeans_classes(flat, MASK)


class TestIntensityFractions:
    def test_mixtures_of_known_shares_are_recovered(self):
        share = np.linspace(0, 1, 11)
        mixed = 120 * (1 - share) + 200 * share
        data = np.concatenate([[40] * 50, [120] * 500, [200] * 500, mixed])[:, None, None]
        labels = np.digitize(data, [80, 160]) + 1
        maps = intensity_fractions(as_img(data), as_img(labels))
        np.testing.assert_allclose(maps["WM"].get_fdata()[-11:, 0, 0], share, atol=0.02)
        np.testing.assert_allclose(maps["GM"].get_fdata()[-11:, 0, 0], 1 - share, atol=0.02)

    def test_mixed_voxels_do_not_move_the_scale(self):
        """Every tissue has a mixed layer at its edge; its share comes out exact all the same."""
        profile = np.array([0, *[40] * 4, 80, *[120] * 4, 160, *[200] * 4, 0])
        data = np.ones((8, 8, 1)) * profile
        maps = intensity_fractions(as_img(data), as_img(np.digitize(data, [1, 81, 161])))
        middle = {name: img.get_fdata()[4, 4] for name, img in maps.items()}
        assert (middle["CSF"][5], middle["GM"][5]) == pytest.approx((0.5, 0.5))
        assert (middle["GM"][10], middle["WM"][10]) == pytest.approx((0.5, 0.5))

    def test_shares_add_up_to_1_inside_and_0_outside(self):
        maps = intensity_fractions(IMG, kmeans_classes(IMG, MASK))
        total = sum(img.get_fdata() for img in maps.values())
        np.testing.assert_allclose(total, INSIDE, atol=1e-6)

    def test_another_order_of_labels_is_refused(self):
        labels = kmeans_classes(IMG, MASK).get_fdata()
        for codes in ([0, 2, 3, 1], [0, 3, 2, 1], [0, 1, 2, 2]):
            with pytest.raises(ValueError, match="mean intensities"):
                intensity_fractions(IMG, as_img(np.array(codes)[labels.astype(int)]))


class TestPriors:
    def test_blur_is_that_of_scipy_in_mm_and_stays_complete(self):
        everywhere = as_img(np.ones(SHAPE))
        rng = np.random.default_rng(1)
        share = rng.random(SHAPE)
        blurred = blur_priors({"GM": as_img(share), "WM": as_img(1 - share)}, everywhere, fwhm=5)
        sigma = 5 / 2.3548 / np.array([2, 2, 3])
        expected = [ndimage.gaussian_filter(m, sigma) for m in (share, np.ones(SHAPE))]
        np.testing.assert_allclose(blurred["GM"].get_fdata(), expected[0] / expected[1], atol=1e-4)
        total = sum(img.get_fdata() for img in PRIORS.values())
        np.testing.assert_allclose(total, INSIDE, atol=1e-5)

    def test_template_maps_go_where_the_transform_sends_them(self, tmp_path):
        """A head 12 mm to the right of the template, on a grid of its own."""
        brain = image.resample_img(
            datasets.load_mni152_brain_mask(resolution=2),
            target_affine=np.diag([-4.0, 4, 5]),
            interpolation="nearest",
            copy_header=True,
            force_resample=True,
        )
        shift = np.eye(4)
        shift[0, 3] = 12
        mask = nib.Nifti1Image(brain.get_fdata().astype(np.uint8), shift @ brain.affine)
        img = as_img(mask.get_fdata() * 100, mask.affine)
        moved = Transform("affine", [np.linalg.inv(shift)], [shift])
        priors = warp_priors(img, mask, transform=moved)
        total = sum(one.get_fdata() for one in priors.values())
        np.testing.assert_allclose(total, mask.get_fdata(), atol=1e-5)
        # White matter lies where the template has it, 12 mm further.
        white = image.resample_to_img(
            datasets.load_mni152_wm_template(resolution=2),
            brain,
            copy_header=True,
            force_resample=True,
        )
        expected = nib.Nifti1Image(white.get_fdata() * brain.get_fdata(), mask.affine)
        assert fuzzy_dice(priors["WM"], expected) > 0.95


class TestAtropos:
    def test_every_map_beats_k_means_and_priors(self, found):
        labels = kmeans_classes(IMG, MASK).get_fdata()
        for code, name in enumerate(TISSUES, start=1):
            score = fuzzy_dice(found[name], TRUTH[name])
            assert score > fuzzy_dice(as_img(labels == code), TRUTH[name])
            assert score > fuzzy_dice(PRIORS[name], TRUTH[name])

    def test_place_tells_what_intensity_cannot(self, found):
        assert (kmeans_classes(IMG, MASK).get_fdata()[NUCLEUS] == 3).mean() > 0.95
        strong = segment(IMG, MASK, blur_priors(TRUTH, MASK, fwhm=2), prior_weight=0.8)
        assert (most_likely(strong).get_fdata()[NUCLEUS] == 2).mean() > 0.9

    def test_maps_are_probabilities_on_the_same_grid(self, found):
        for img in found.values():
            np.testing.assert_array_equal(img.affine, OBLIQUE)
            assert img.get_data_dtype() == np.float32
            assert img.get_fdata().min() >= 0 and img.get_fdata().max() <= 1
        total = sum(img.get_fdata() for img in found.values())
        np.testing.assert_allclose(total, INSIDE, atol=1e-4)

    def test_it_repeats_exactly_and_leaves_no_files(self, found, tmp_path, monkeypatch):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        again = segment(IMG, MASK, PRIORS)
        assert not list(Path(tmp_path).iterdir())
        for name in TISSUES:
            np.testing.assert_array_equal(again[name].get_fdata(), found[name].get_fdata())

    def test_the_priors_decide_the_order(self, found):
        turned = segment(IMG, MASK, {name: PRIORS[name] for name in ("WM", "CSF", "GM")})
        assert list(turned) == ["WM", "CSF", "GM"]
        for name in TISSUES:
            assert fuzzy_dice(turned[name], found[name]) > 0.999

    @pytest.mark.parametrize("codes", [(0, 0), (0, 1)])
    def test_empty_space_and_missing_codes_change_nothing(self, found, codes):
        def pad(img):
            padded = nib.Nifti1Image(np.pad(np.asarray(img.dataobj), 5), img.affine)
            padded.set_qform(img.affine, codes[0])
            padded.set_sform(img.affine, codes[1])
            return padded

        img = pad(IMG)
        # Without both codes nibabel falls back to another affine: all images share it here.
        priors = {name: pad(one) for name, one in PRIORS.items()}
        maps = segment(img, pad(MASK), priors)
        for name in TISSUES:
            inner = maps[name].get_fdata()[5:-5, 5:-5, 5:-5]
            np.testing.assert_allclose(inner, found[name].get_fdata(), atol=1e-6)
            np.testing.assert_array_equal(maps[name].affine, img.affine)

    def test_a_prior_on_another_grid_or_of_nothing_is_named(self):
        with pytest.raises(ValueError, match="prior GM and image lie on different grids"):
            segment(IMG, MASK, PRIORS | {"GM": as_img(PRIORS["GM"].get_fdata(), np.eye(4))})
        with pytest.raises(ValueError, match="prior of WM is 0 all over the mask"):
            segment(IMG, MASK, PRIORS | {"WM": as_img(~INSIDE)})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"likelihood": "Gausian"}, "'Gausian': choose one of Gaussian, HistogramParzenWindows"),
        ({"prior_weight": 25}, "prior_weight is 25; give a number from 0 to 1"),
    ],
)
def test_settings_that_atropos_does_not_know_are_named(settings, words):
    with pytest.raises(ValueError, match=words):
        segment(IMG, MASK, PRIORS, **settings)


def test_priors_need_names_and_a_blur_is_not_negative():
    for function in (lambda p: segment(IMG, MASK, p), lambda p: blur_priors(p, MASK)):
        with pytest.raises(TypeError, match="priors is a list; give a dictionary"):
            function(list(PRIORS.values()))
    with pytest.raises(ValueError, match="fwhm is -4 mm"):
        blur_priors(PRIORS, MASK, fwhm=-4)


BAD = {
    "NaN": (as_img(np.where(INSIDE, np.nan, 0)), MASK, "NaN"),
    "constant": (as_img(np.ones(SHAPE)), MASK, "every voxel is 1"),
    "empty mask": (IMG, as_img(np.zeros(SHAPE)), "it is empty"),
    "mask elsewhere": (IMG, as_img(MASK.get_fdata(), np.eye(4)), "different grids"),
    "4D": (as_img(np.ones((*SHAPE, 2))), MASK, "expected 3 axes"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("function", ["kmeans_classes", "segment", "warp_priors"])
def test_bad_input_is_refused_with_the_reason(case, function):
    img, mask, words = BAD[case]
    rest = [PRIORS] if function == "segment" else []
    with pytest.raises(ValueError, match=words):
        getattr(segmentation, function)(img, mask, *rest)


def test_scores_of_a_practice_head(practice_core):
    """Small version of benchmarks/segmentation_scores.py, with the saved transform."""
    anat = practice_core / "derivatives" / "fmriprep" / "sub-01" / "anat"
    t1, mask = (anat / f"sub-01_desc-{name}.nii.gz" for name in ("preproc_T1w", "brain_mask"))
    (xfm,) = anat.glob("*_from-MNI*_to-T1w_mode-image_xfm.h5")
    truth = {
        name: practice_core / f"derivatives/truth/sub-01/anat/sub-01_label-{name}_probseg.nii.gz"
        for name in TISSUES
    }
    priors = warp_priors(t1, mask, transform=xfm)
    atropos = segment(t1, mask, blur_priors(priors, mask))
    classes = kmeans_classes(t1, mask)
    for code, name in enumerate(TISSUES, start=1):
        score = fuzzy_dice(atropos[name], truth[name])
        labels = image.math_img(f"1.0 * (img == {code})", img=classes)
        assert score > fuzzy_dice(labels, truth[name]) + 0.02
        assert score > fuzzy_dice(priors[name], truth[name]) + 0.02
    shares = intensity_fractions(t1, classes)
    assert fuzzy_dice(shares["WM"], truth["WM"]) > fuzzy_dice(atropos["WM"], truth["WM"])
