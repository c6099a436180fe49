"""Labels on small arrays: any numbers in any order, volumes in millilitres, and what is refused."""

from itertools import permutations

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from mriworkbook.images import dice
from mriworkbook.labels import fuzzy_dice, label_overlap, label_volumes, most_likely

RNG = np.random.default_rng(0)
ASEG = RNG.choice([0, 3, 42, 2, 41, 4, 43], (16, 14, 12)).astype(np.int32)
TISSUES = {"GM": [3, 42], "WM": [2, 41], "CSF": [4, 43]}
TRUE = np.select([np.isin(ASEG, numbers) for numbers in TISSUES.values()], [1, 2, 3])
# A fifth of the voxels carries a label at random, background included.
NOISY = np.where(RNG.random(ASEG.shape) < 0.2, RNG.integers(0, 4, ASEG.shape), TRUE)
OBLIQUE = nib.affines.from_matvec(
    nib.eulerangles.euler2mat(0.3, -0.2, 0.5) @ np.diag([-1, 2, 3.5]), [10, -20, 5]
)


def as_img(data, affine=OBLIQUE):
    return nib.Nifti1Image(np.asarray(data), affine)


def renumbered(codes):
    """The noisy labels with GM, WM, CSF called by other numbers."""
    return np.array([0, *codes], np.int32)[NOISY]


@pytest.mark.parametrize("codes", [*permutations([1, 2, 3]), (300, 70_000, 256), (5, 1, 9)])
def test_labels_are_named_whatever_their_numbers(codes):
    _, names = label_overlap(as_img(renumbered(codes)), as_img(ASEG), TISSUES)
    assert names == dict(zip(codes, TISSUES, strict=True))


def test_shares_are_those_of_the_tissues_labelled_voxels():
    table, _ = label_overlap(as_img(renumbered((3, 1, 2))), as_img(ASEG), TISSUES)
    np.testing.assert_allclose(table.sum(), 1)
    cortex = NOISY[np.isin(ASEG, [3, 42])]
    assert table.loc[3, "GM"] == (cortex == 1).sum() / (cortex > 0).sum()


def test_two_tissues_never_share_a_label_even_where_one_label_is_most_frequent_in_both():
    """Most of both tissues is label 1; label 2 exists in WM only, so it has to be WM."""
    labels, reference = np.ones((1, 1, 20), np.int32), np.full((1, 1, 20), 3)
    reference[..., 10:] = 2
    labels[..., 10:14] = 2
    _, names = label_overlap(
        as_img(labels), as_img(reference.astype(np.int32)), {"WM": [2], "GM": [3]}
    )
    assert names == {1: "GM", 2: "WM"}


def test_a_missing_label_or_tissue_is_an_error():
    without = np.where(NOISY == 3, 0, NOISY).astype(np.int32)
    with pytest.raises(ValueError, match=r"3 tissues, but only the labels \[1, 2\]"):
        label_overlap(as_img(without), as_img(ASEG), TISSUES)
    with pytest.raises(ValueError, match=r"No voxel of lesion \(labels \[77\]\)"):
        label_overlap(as_img(renumbered((1, 2, 3))), as_img(ASEG), {"lesion": [77]})


def test_a_reference_on_another_grid_or_in_another_space_is_refused_with_both_names(tmp_path):
    paths = tmp_path / "sub-01_dseg.nii.gz", tmp_path / "sub-01_space-MNI_aseg.nii.gz"
    nib.save(as_img(renumbered((1, 2, 3))), paths[0])
    shifted = OBLIQUE.copy()
    shifted[0, 3] += 4
    for other in (as_img(ASEG, shifted), as_img(ASEG[:-1])):
        nib.save(other, paths[1])
        with pytest.raises(ValueError, match="different grids") as error:
            label_overlap(*paths, TISSUES)
        assert all(path.name in str(error.value) for path in paths)


@given(
    zooms=st.tuples(*[st.floats(0.5, 8)] * 3),
    angles=st.tuples(*[st.floats(-3, 3)] * 3),
    flip=st.sampled_from([1, -1]),
)
def test_volumes_are_voxels_times_their_size_on_any_grid(zooms, angles, flip):
    matrix = nib.eulerangles.euler2mat(*angles) @ np.diag([flip * zooms[0], *zooms[1:]])
    affine = nib.affines.from_matvec(matrix, [5, -7, 9])
    labels = renumbered((300, 70_000, 2))
    table = label_volumes(as_img(labels, affine))
    voxels = ndimage.sum_labels(np.ones(labels.shape), labels, table.index)
    np.testing.assert_array_equal(table["voxels"], voxels)
    np.testing.assert_allclose(table["millilitres"], voxels * np.prod(zooms) / 1000, rtol=1e-5)


def test_named_volumes_keep_the_order_and_list_absent_labels_with_0():
    table = label_volumes(as_img(renumbered((1, 2, 3))), {3: "CSF", 8: "cerebellum"})
    assert table["name"].tolist() == ["CSF", "cerebellum"]
    assert table["millilitres"].tolist() == pytest.approx([(NOISY == 3).sum() * 7 / 1000, 0])


def test_probabilities_are_no_labels():
    with pytest.raises(ValueError, match="not whole numbers"):
        label_volumes(as_img(RNG.random((3, 3, 3))))


def test_fuzzy_dice_is_dice_for_masks_and_counts_shared_amounts_for_fractions():
    a, b = (as_img((RNG.random((6, 6, 6)) > 0.5).astype(np.uint8)) for _ in range(2))
    assert fuzzy_dice(a, b) == pytest.approx(dice(a, b))
    a, b = as_img(np.array([[[0.2, 0.8]]])), as_img(np.array([[[0.6, 0.4]]]))
    assert fuzzy_dice(a, b) == pytest.approx(2 * (0.2 + 0.4) / 2)


def test_fuzzy_dice_of_nothing_is_nan_with_a_warning():
    empty = as_img(np.zeros((2, 2, 2), np.float32))
    with pytest.warns(UserWarning, match="two empty maps"):
        assert np.isnan(fuzzy_dice(empty, empty))


def test_fuzzy_dice_needs_one_grid():
    with pytest.raises(ValueError, match="different grids"):
        fuzzy_dice(as_img(np.ones((2, 2, 2))), as_img(np.ones((2, 2, 2)), np.eye(4)))


def test_most_likely_follows_the_order_of_the_maps_and_leaves_the_background():
    data = RNG.random((3, 5, 5, 5)).astype(np.float32)
    data[:, 0] = 0
    labels = most_likely({name: as_img(d) for name, d in zip("abc", data, strict=True)})
    expected = np.where(data.sum(axis=0) > 0, data.argmax(axis=0) + 1, 0)
    np.testing.assert_array_equal(labels.get_fdata(), expected)
    assert labels.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(labels.affine, OBLIQUE)


def test_nothing_to_choose_from_is_an_error():
    with pytest.raises(ValueError, match="no maps to choose from"):
        most_likely({})
