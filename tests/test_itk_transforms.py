"""itk_transforms: files written here are read alike by ANTs and nitransforms, and theirs here."""

import tempfile
import warnings

import ants
import nibabel as nib
import nitransforms
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from nibabel.affines import apply_affine
from registration_phantom import (
    FIXED,
    GRIDS,
    PLANTED,
    POINTS,
    SHAPE,
    affines,
    bends,
    grids,
    image_of,
    linear,
    moving_on,
    turned,
)

from mriworkbook.itk_transforms import invert_linear, move_points, read_itk
from mriworkbook.transforms import Transform

LPS = np.array([-1.0, -1.0, 1.0])
THERE = "from-moving_to-fixed_mode-image_xfm.h5"
BACK = "from-fixed_to-moving_mode-image_xfm.h5"


def as_ants(img):
    img = nib.Nifti1Image(np.asarray(img.dataobj, np.float32), img.affine)
    img.header.set_xyzt_units("mm", "sec")
    return ants.from_nibabel_nifti(img)


def ants_points(points, files, invert=None):
    """Points sent through files by ANTs."""
    table = pd.DataFrame(points * LPS, columns=list("xyz"))
    moved = ants.apply_transforms_to_points(3, table, files, whichtoinvert=invert)
    return moved[["x", "y", "z"]].to_numpy() * LPS


def by_nitransforms(file):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Reference space not set")
        return nitransforms.manip.TransformChain.from_filename(str(file), fmt="itk")


def assert_alike(one, other):
    """Equal everywhere: the moving image ends in air, so what counts as its rim does not matter."""
    assert one.max() > 900
    np.testing.assert_allclose(one, other, atol=0.1)


# ---------------------------------------------------------------- written here


@settings(max_examples=10)
@given(affines())
def test_ants_and_nitransforms_send_points_the_same_way(affine):
    transform, expected = linear(affine), apply_affine(affine, POINTS)
    with tempfile.TemporaryDirectory() as folder:
        there, back = f"{folder}/{THERE}", f"{folder}/{BACK}"
        transform.save(there, back)
        np.testing.assert_allclose(ants_points(POINTS, [there]), expected, atol=1e-4)
        np.testing.assert_allclose(ants_points(expected, [back]), POINTS, atol=1e-4)
        np.testing.assert_allclose(by_nitransforms(there).map(POINTS), expected, atol=1e-4)
        np.testing.assert_allclose(by_nitransforms(back).map(expected), POINTS, atol=1e-4)


@settings(max_examples=10)
@given(affines(), bends())
def test_ants_sends_points_through_a_warp_the_same_way(affine, bend):
    transform, points = Transform("syn", [bend, affine]), 2.2 * POINTS  # some beyond the field
    with tempfile.TemporaryDirectory() as folder:
        transform.save(f"{folder}/{THERE}")
        theirs = ants_points(points, [f"{folder}/{THERE}"])
        again = Transform.load(f"{folder}/{THERE}").map_points(points, "fixed_to_moving")
    expected = transform.map_points(points, "fixed_to_moving")
    np.testing.assert_allclose(theirs, expected, atol=1e-3)
    np.testing.assert_allclose(again, expected, atol=1e-4)


def smooth_warp():
    """A gentle bend and an affine, upright to upright."""
    points = np.moveaxis(np.indices(SHAPE), 0, -1) * 2 * np.pi / np.array(SHAPE)
    displacement = 4 * np.moveaxis(np.sin(points), -1, 0).astype(np.float32)
    fixed = (SHAPE, GRIDS["upright"][0])
    return Transform("syn", [(displacement, fixed[1]), PLANTED], None, fixed)


def test_nitransforms_sends_points_through_a_warp_nearly_the_same_way(tmp_path):
    """It reads the field by cubic splines, which differ little where the field is smooth."""
    transform = smooth_warp()
    transform.save(tmp_path / THERE)
    expected = transform.map_points(POINTS, "fixed_to_moving")
    theirs = by_nitransforms(tmp_path / THERE).map(POINTS)
    assert np.abs(theirs - expected).max() < 0.15


@settings(max_examples=10)
@given(affines(), grids(), grids())
def test_ants_resamples_images_alike_on_every_grid(affine, fixed_grid, moving_grid):
    fixed, moving = image_of(*fixed_grid), image_of(*moving_grid)
    transform = Transform("affine", [affine])
    with tempfile.TemporaryDirectory() as folder:
        transform.save(f"{folder}/{THERE}")
        theirs = ants.apply_transforms(as_ants(fixed), as_ants(moving), [f"{folder}/{THERE}"])
    ours = transform.apply(moving, reference=fixed).get_fdata()
    assert np.mean(np.abs(ours - theirs.numpy()) > 1) < 5e-3


def test_ants_and_nitransforms_resample_alike(tmp_path):
    transform = smooth_warp()
    transform.save(tmp_path / THERE)
    moving = moving_on("oblique, flipped, exchanged")
    ours = transform.apply(moving).get_fdata()
    theirs = ants.apply_transforms(as_ants(FIXED), as_ants(moving), [str(tmp_path / THERE)])
    assert_alike(ours, theirs.numpy())
    affine = linear(PLANTED)
    affine.save(tmp_path / BACK)
    chain = by_nitransforms(tmp_path / BACK)
    theirs = nitransforms.resampling.apply(chain, moving, reference=FIXED, order=1)
    assert_alike(affine.apply(moving).get_fdata(), theirs.get_fdata())


# ---------------------------------------------------------------- written by others


@pytest.fixture(scope="module")
def of_ants(tmp_path_factory):
    """What ``ants.registration`` returns for a head that a known affine moved."""
    prefix = f"{tmp_path_factory.mktemp('ants')}/a_"
    fixed, moving = as_ants(FIXED), as_ants(moving_on("oblique"))
    return ants.registration(fixed, moving, "SyN", outprefix=prefix, reg_iterations=(5, 0))


def test_files_of_ants_are_read(of_ants):
    forward, inverse = of_ants["fwdtransforms"], of_ants["invtransforms"]
    transform = Transform.load(forward)
    assert transform.backward is None
    moved = transform.map_points(POINTS, "fixed_to_moving")
    np.testing.assert_allclose(moved, ants_points(POINTS, forward), atol=1e-3)
    back = [*invert_linear(read_itk(inverse[0])), *read_itk(inverse[1])]
    theirs = ants_points(POINTS, inverse, (True, False))
    np.testing.assert_allclose(move_points(POINTS, back), theirs, atol=1e-3)


def test_a_text_of_a_real_study_is_read(real_data):
    folder = real_data / "aomic/derivatives/fmriprep/sub-0001/anat"
    there, back = (
        Transform.load(folder / f"sub-0001_from-{a}_to-{b}_mode-image_xfm.txt")
        for a, b in (("orig", "T1w"), ("T1w", "fsnative"))
    )
    for transform in (there, back):
        assert abs(np.linalg.det(transform.forward[0][:3, :3]) - 1) < 1e-3
        moved = transform.map_points(POINTS, "fixed_to_moving")
        np.testing.assert_allclose(
            transform.map_points(moved, "moving_to_fixed"), POINTS, atol=1e-6
        )


# ---------------------------------------------------------------- what is refused


def one_way():
    return Transform("syn", [(np.zeros((3, 4, 4, 4), np.float32), np.eye(4))])


def test_what_a_file_does_not_say_is_asked_for(tmp_path):
    linear(PLANTED).save(tmp_path / THERE)
    loaded = Transform.load(tmp_path / THERE)
    for use in (lambda: loaded.apply(FIXED), loaded.jacobian):
        with pytest.raises(ValueError, match="reference="):
            use()
    assert loaded.apply(FIXED, reference=FIXED).shape == SHAPE
    one_way().save(tmp_path / "one.h5")
    known = Transform.load(tmp_path / "one.h5")
    for use in (
        known.inverse,
        lambda: known.map_points([0, 0, 0], "moving_to_fixed"),
        lambda: known.save(tmp_path / "two.h5", tmp_path / "back.h5"),
    ):
        with pytest.raises(ValueError, match="inverse_path"):
            use()


@pytest.mark.parametrize("bent", [False, True])
def test_two_files_that_are_no_pair_are_a_warning(bent, tmp_path, recwarn):
    transform = smooth_warp() if bent else linear(turned(5, (12.0, -30, 8)))
    affine = transform.forward[-1]
    there, back, other = (tmp_path / name for name in (THERE, BACK, "other.h5"))
    transform.save(there)
    nearly = Transform("affine", [np.linalg.inv(affine)])
    nearly.save(back)
    Transform.load(there, back)
    assert not recwarn
    with pytest.warns(UserWarning, match=r"no pair: there and back ends \d+ mm away"):
        Transform.load(there, there)
    Transform("affine", [turned(40)]).save(other)
    with pytest.warns(UserWarning, match="wrong direction"):
        Transform.load(there, other)


def test_where_a_file_cannot_go():
    with pytest.raises(ValueError, match=r"ends in \.h5"):
        linear(PLANTED).save("x.mat")
    with pytest.raises(FileNotFoundError, match="no folder"):
        linear(PLANTED).save("/no/such/folder/x.h5")


MOTION = (
    b"Transform: AffineTransform_double_3_3\n"
    b"Parameters: 1 0 0 0 1 0 0 0 1 0 0 0\nFixedParameters: 0 0 0\n"
)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.xfm", b"MNI Transform File", "talairach"),
        ("a.h5", b"no hdf", "cannot be read"),
        ("a.txt", b"hello", "no transform"),
        ("motion.txt", 2 * MOTION, "2 transforms and expected was one"),
        ("flirt.mat", b"1 0 0 3\n0 1 0 2\n0 0 1 1\n0 0 0 1\n", "c3d_affine_tool"),
        ("a.nii.gz", None, "image rather than a warp"),
    ],
)
def test_files_that_are_no_transform(name, content, says, tmp_path):
    if content is None:
        FIXED.to_filename(tmp_path / name)
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=says):
        Transform.load(tmp_path / name)


def test_a_missing_transform_is_named():
    with pytest.raises(FileNotFoundError, match=r"no-such\.h5"):
        Transform.load("no-such.h5")
