"""Lesions planted in a phantom: found on FLAIR, filled on T1w, and nothing else touched."""

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from mriworkbook.images import dice
from mriworkbook.labels import label_volumes
from mriworkbook.lesions import fill_lesions, find_lesions
from mriworkbook.segmentation import kmeans_classes

SHAPE = (44, 40, 30)
OBLIQUE = nib.affines.from_matvec(
    nib.eulerangles.euler2mat(-0.3, 0.2, 0.6) @ np.diag([2, -2, 3]), [-30, 60, 4]
)
SPOTS = [((22, 19, 14), 3.2), ((16, 24, 12), 2.3), ((27, 16, 17), 2.6)]


def as_img(data, affine=OBLIQUE):
    return nib.Nifti1Image(np.asarray(data, np.float32), affine)


def brain(with_lesions=True, affine=OBLIQUE):
    """T1w, FLAIR, mask, maps of GM and WM as a segmentation gives them, and the true lesions."""
    place = np.moveaxis(np.indices(SHAPE), 0, -1)
    radius = np.sqrt((((place - (np.array(SHAPE) - 1) / 2) / [1, 1, 0.7]) ** 2).sum(axis=-1))
    mask, white = radius < 18, radius < 13
    lesions = np.zeros(SHAPE, bool)
    for centre, size in SPOTS if with_lesions else []:
        lesions |= np.sqrt(((place - centre) ** 2).sum(axis=-1)) < size
    rng = np.random.default_rng(0)
    t1, flair = (
        (np.select([lesions, white, mask], levels, 0) + rng.normal(0, 3, SHAPE)) * mask
        for levels in ([120, 200, 125], [220, 120, 140])
    )
    # On T1w a lesion looks like grey matter: the first segmentation is misled by it.
    maps = {"GM": mask & (~white | lesions), "WM": white & ~lesions}
    images = (as_img(data, affine) for data in (t1, flair, mask, lesions))
    return *images, {name: as_img(data, affine) for name, data in maps.items()}


T1, FLAIR, MASK, LESIONS, MAPS = brain()
WHITE = as_img(MAPS["WM"].get_fdata())


@pytest.mark.parametrize("affine", [OBLIQUE, np.diag([-1, 1, 1, 1.0])])
def test_planted_lesions_are_found_on_any_grid(affine):
    _, flair, mask, lesions, maps = brain(affine=affine)
    found = find_lesions(flair, mask, maps)
    assert dice(found, lesions) > 0.95
    np.testing.assert_array_equal(found.affine, affine)


def test_a_brain_without_lesions_has_none_and_is_not_filled():
    t1, flair, mask, _, maps = brain(with_lesions=False)
    found = find_lesions(flair, mask, maps)
    assert not found.get_fdata().any()
    filled = fill_lesions(t1, found, maps["WM"])
    np.testing.assert_array_equal(filled.get_fdata(), t1.get_fdata())


def radius_of_voxels():
    place = np.moveaxis(np.indices(SHAPE), 0, -1) - (np.array(SHAPE) - 1) / 2
    return np.sqrt(((place / [1, 1, 0.7]) ** 2).sum(axis=-1))


def test_a_bright_rim_of_the_brain_is_no_lesion_though_white_matter_be_near():
    radius, data = radius_of_voxels(), FLAIR.get_fdata()
    rim = (radius > 16.5) & (radius < 18)
    data[rim] = 220
    maps = MAPS | {"WM": as_img((radius < 17) & (LESIONS.get_fdata() == 0))}
    assert not find_lesions(as_img(data), MASK, maps).get_fdata()[rim].any()


def test_bright_cortex_far_from_white_matter_is_no_lesion():
    radius, data = radius_of_voxels(), FLAIR.get_fdata()
    blob = (radius > 12.5) & (radius < 15.5)
    blob[: SHAPE[0] // 2 + 8] = False
    data[blob] = 220
    maps = MAPS | {"WM": as_img((radius < 9) & (LESIONS.get_fdata() == 0))}
    assert not find_lesions(as_img(data), MASK, maps).get_fdata()[blob].any()


def test_a_single_bright_voxel_is_noise():
    data = FLAIR.get_fdata()
    data[22, 28, 14] = 220
    assert not find_lesions(as_img(data), MASK, MAPS).get_fdata()[22, 28, 14]


def test_filled_voxels_look_like_white_matter_and_others_stay():
    filled = fill_lesions(T1, LESIONS, WHITE).get_fdata()
    before, lesions = T1.get_fdata(), LESIONS.get_fdata() > 0
    normal = before[WHITE.get_fdata() > 0]
    assert abs(filled[lesions].mean() - normal.mean()) < 1
    assert 0.7 < filled[lesions].std() / normal.std() < 1.3
    far = ~ndimage.binary_dilation(lesions)
    np.testing.assert_array_equal(filled[far], before[far])


def test_filling_follows_shading():
    """White matter that grows brighter to one side is continued, not levelled."""
    slope = np.linspace(0.8, 1.2, SHAPE[0])[:, None, None]
    data = T1.get_fdata() * slope
    filled = fill_lesions(as_img(data), LESIONS, WHITE).get_fdata()
    lesions = LESIONS.get_fdata() > 0
    expected = (200 * slope * np.ones(SHAPE))[lesions]
    assert np.corrcoef(filled[lesions], expected)[0, 1] > 0.7
    assert abs(filled[lesions] - expected).mean() < 8


def test_noise_repeats_with_its_seed_only():
    once, again, other = (
        fill_lesions(T1, LESIONS, WHITE, random_state=seed).get_fdata() for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()


def test_filling_at_least_halves_the_error_of_grey_matter():
    """As in benchmarks/segmentation_scores.py, by intensity alone, against the twin."""
    twin = brain(with_lesions=False)[0]
    found = find_lesions(FLAIR, MASK, MAPS)
    volumes = [
        label_volumes(kmeans_classes(img, MASK))["millilitres"][2]
        for img in (twin, T1, fill_lesions(T1, found, WHITE))
    ]
    left_alone, filled = volumes[1] - volumes[0], volumes[2] - volumes[0]
    assert left_alone > 2
    assert abs(filled) <= left_alone / 2


def test_inputs_on_other_grids_are_refused():
    elsewhere = as_img(LESIONS.get_fdata(), np.eye(4))
    with pytest.raises(ValueError, match="lesions and image lie on different grids"):
        fill_lesions(T1, elsewhere, WHITE)
    with pytest.raises(ValueError, match="map GM and FLAIR lie on different grids"):
        find_lesions(FLAIR, MASK, MAPS | {"GM": elsewhere})
    with pytest.raises(ValueError, match="different grids"):
        find_lesions(FLAIR, elsewhere, MAPS)


def test_a_map_that_is_missing_or_empty_is_refused():
    with pytest.raises(ValueError, match="maps has no 'WM'"):
        find_lesions(FLAIR, MASK, {"GM": MAPS["GM"]})
    with pytest.raises(ValueError, match="surely GM or surely WM"):
        find_lesions(FLAIR, MASK, MAPS | {"WM": as_img(np.full(SHAPE, 0.5))})
    with pytest.raises(ValueError, match="No white matter is left"):
        fill_lesions(T1, as_img(np.ones(SHAPE)), WHITE)


def test_an_image_that_is_no_flair_gives_a_warning():
    """On T1w white matter is brighter than grey: all of it stands out."""
    maps = {name: as_img(MAPS[name].get_fdata()) for name in ("GM", "WM")}
    with pytest.warns(UserWarning, match="% of the brain is marked as lesion"):
        find_lesions(T1, MASK, maps)


def test_fractions_of_lesion_are_refused_and_labels_taken():
    with pytest.raises(ValueError, match="fractions or probabilities"):
        fill_lesions(T1, as_img(LESIONS.get_fdata() * 0.3), WHITE)
    expected = fill_lesions(T1, LESIONS, WHITE).get_fdata()
    labelled = fill_lesions(T1, as_img(LESIONS.get_fdata() * 25), WHITE).get_fdata()
    np.testing.assert_array_equal(labelled, expected)


@pytest.mark.parametrize(
    ("data", "words"), [(np.full(SHAPE, np.nan), "NaN"), (np.ones(SHAPE), "every voxel is 1")]
)
def test_bad_images_are_refused(data, words):
    with pytest.raises(ValueError, match=words):
        find_lesions(as_img(data), MASK, MAPS)
    with pytest.raises(ValueError, match=words):
        fill_lesions(as_img(data), LESIONS, WHITE)
