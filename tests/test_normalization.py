"""normalization: planted maps are found on every grid; what cannot be registered is refused."""

import importlib
import subprocess
import sys
import tempfile

import ants
import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import apply_affine
from nilearn.datasets import load_mni152_template
from registration_phantom import (
    FIXED,
    GRIDS,
    PLANTED,
    POINTS,
    RIGID,
    SHAPE,
    UPRIGHT,
    VOXEL,
    bulge,
    image_of,
    moving_on,
)

from mriworkbook.itk_transforms import move_points
from mriworkbook.normalization import register


def find(moving, fixed=FIXED, kind="affine", **options):
    """Register on the coarse grid of the phantoms."""
    return register(moving, fixed, kind, resolution=VOXEL, **options)


def error(transform, planted=PLANTED):
    """Mean distance to the planted map, mm."""
    found = transform.map_points(POINTS, "fixed_to_moving")
    return np.linalg.norm(found - apply_affine(planted, POINTS), axis=1).mean()


@pytest.fixture(scope="module")
def bent():
    """A bent head and its registration."""
    fixed = image_of(UPRIGHT, SHAPE, there=bulge)
    return FIXED, fixed, find(FIXED, fixed, "SyN", history=True)


@pytest.fixture(scope="module")
def turned_far():
    """A head that was turned and lies far away, the map that did it, and its registration."""
    far = np.eye(4)
    far[:3, 3] = 700, -300, 200
    img = moving_on("upright", RIGID)
    moving = nib.Nifti1Image(img.get_fdata(dtype=np.float32), far @ img.affine)
    return moving, far @ RIGID, find(moving, kind="rigid")


# ---------------------------------------------------------------- finding the map


@pytest.mark.parametrize("name", ["oblique, flipped, exchanged", "anisotropic", "skewed"])
def test_a_planted_affine_is_found_on_every_grid(name):
    transform = find(moving_on(name))
    assert error(transform) < 0.8
    back = transform.map_points(apply_affine(PLANTED, POINTS), "moving_to_fixed")
    assert np.linalg.norm(back - POINTS, axis=1).mean() < 0.8
    stretches = np.linalg.svd(transform.forward[0][:3, :3])[1]
    np.testing.assert_allclose(stretches, [1.08, 1.04, 0.93], atol=0.03)


def test_the_fixed_grid_may_lie_anyhow_too():
    fixed = image_of(*GRIDS["oblique, flipped, exchanged"])
    transform = find(moving_on("upright"), fixed)
    assert error(transform) < 0.8
    moved = transform.apply(moving_on("upright"))
    assert moved.shape == fixed.shape
    np.testing.assert_allclose(moved.affine, fixed.affine)
    assert np.corrcoef(moved.get_fdata().ravel(), fixed.get_fdata().ravel())[0, 1] > 0.98


def test_rigid_finds_a_head_far_away_and_keeps_distances(turned_far):
    _, planted, transform = turned_far
    assert error(transform, planted) < 0.5
    np.testing.assert_allclose(np.linalg.svd(transform.forward[0][:3, :3])[1], 1, atol=1e-4)


def test_the_seed_makes_runs_agree(turned_far):
    moving, _, one = turned_far
    two = find(moving, kind="rigid")
    apart = one.map_points(POINTS, "fixed_to_moving") - two.map_points(POINTS, "fixed_to_moving")
    assert np.abs(apart).max() < 0.1


def test_syn_bends_where_an_affine_cannot(bent):
    _, _, syn = bent
    there = syn.map_points(POINTS, "fixed_to_moving")
    affine = apply_affine(syn.forward[-1], POINTS)
    errors = [np.linalg.norm(found - bulge(POINTS), axis=1).mean() for found in (affine, there)]
    assert errors[1] < 0.5 * errors[0]
    assert np.abs(syn.map_points(there, "moving_to_fixed") - POINTS).max() < 0.3
    np.testing.assert_allclose(syn.map_points(POINTS[0], "fixed_to_moving"), there[0], rtol=1e-12)


def test_the_other_way_round_is_the_inverse(bent):
    _, _, syn = bent
    turned_round = syn.inverse()
    np.testing.assert_array_equal(
        turned_round.map_points(POINTS, "moving_to_fixed"),
        syn.map_points(POINTS, "fixed_to_moving"),
    )
    assert turned_round.apply(FIXED).shape == syn.moving[0]


def test_history_has_the_cost_of_every_iteration(bent, turned_far):
    history = bent[2].history
    assert list(history["stage"].unique()) == ["rigid", "affine", "syn"]
    assert history["level"].max() == 3
    for _, level in history.groupby(["stage", "level"]):
        assert list(level["iteration"]) == list(range(1, len(level) + 1))
    first = history[(history.stage == "rigid") & (history.level == 1)]["cost"]
    assert first.iloc[-1] < first.iloc[0] < 0
    assert turned_far[2].history is None


def test_a_practice_head_comes_nearer_with_every_step(practice_core, repository, monkeypatch):
    """A small version of the validation: one head at 5 mm."""
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    benchmark = importlib.import_module("registration_error")
    points, names = benchmark.landmarks()
    assert len(points) == len(names) > 10
    brain, fixed = benchmark.person_brain(practice_core, "03"), load_mni152_template(resolution=5)
    rigid, syn = (register(brain, fixed, kind, resolution=5) for kind in ("rigid", "syn"))
    truth = benchmark.true_places(practice_core, "03", points)
    maps = (rigid.forward, [syn.forward[-1]], syn.forward)
    errors = [np.linalg.norm(move_points(points, parts) - truth, axis=1).mean() for parts in maps]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 2.5
    # No affine comes nearer than the one fitted to the truth, but for luck.
    assert errors[1] > benchmark.best_error(practice_core, "03", "affine", points) - 0.3
    r, folds = benchmark.jacobian_correlation(syn, practice_core, "03")
    assert r > 0.2
    assert folds == 0


# ---------------------------------------------------------------- what is refused


def headless():
    """An image whose header does not say where it lies."""
    img = nib.Nifti1Image(FIXED.get_fdata(dtype=np.float32), UPRIGHT)
    img.set_sform(None, 0)
    img.set_qform(None, 0)
    return img


def with_nan():
    data = FIXED.get_fdata(dtype=np.float32).copy()
    data[3, 4, 5] = np.nan
    return nib.Nifti1Image(data, UPRIGHT)


BAD = {
    "4D": (nib.Nifti1Image(np.ones((4, 4, 4, 2), np.float32), np.eye(4)), "expected 3 axes"),
    "empty": (nib.Nifti1Image(np.zeros((9, 9, 9), np.float32), np.eye(4)), "every voxel is 0"),
    "headless": (headless(), "neither qform nor sform"),
    "NaN": (with_nan(), "1 of .* NaN or infinite"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("role", ["moving", "fixed"])
def test_bad_images_are_refused_by_name(kind, role, tmp_path):
    img, problem = BAD[kind]
    img.to_filename(tmp_path / "bad.nii.gz")
    given = {"moving": FIXED, "fixed": FIXED} | {role: tmp_path / "bad.nii.gz"}
    with pytest.raises(ValueError, match=rf"{role} image .*bad\.nii\.gz: .*{problem}"):
        register(**given, kind="rigid")


@pytest.mark.parametrize("kind", ["nonlinear", "syn ants", None, 12])
def test_another_kind_is_refused(kind):
    with pytest.raises(ValueError, match="choose one of rigid, affine, syn"):
        register(FIXED, FIXED, kind)


def test_capitals_of_a_kind_do_not_matter(bent):
    assert bent[2].kind == "syn"
    assert set(bent[2].history["stage"]) == {"rigid", "affine", "syn"}


@pytest.mark.parametrize("resolution", [0, -2.0, np.nan])
def test_an_impossible_resolution_is_refused(resolution):
    with pytest.raises(ValueError, match="above 0, for instance 2"):
        register(FIXED, FIXED, "rigid", resolution=resolution)


def test_images_that_hardly_overlap_are_a_warning():
    slab = FIXED.slicer[:, :, 10:14]
    with pytest.warns(UserWarning, match=r"Only \d+% of what the fixed image shows"):
        find(slab, kind="rigid")


@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError, None])
def test_nothing_is_left_behind(failure, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def stop(command, _):
        prefix = command[command.index("-o") + 1]
        (tmp_path / prefix / "0GenericAffine.mat").write_text("half")
        assert list(tmp_path.iterdir())
        raise failure

    if failure is None:
        find(moving_on("upright"), kind="rigid", history=True)
        assert capfd.readouterr().out == ""
    else:
        monkeypatch.setattr(ants, "registration", stop)
        with pytest.raises(failure):
            find(moving_on("upright"), kind="rigid", history=True)
    assert not list(tmp_path.iterdir())


def test_a_run_of_ants_without_result_says_so(monkeypatch):
    monkeypatch.setattr(ants, "registration", lambda command, _: None)
    with pytest.raises(RuntimeError, match="show the same thing"):
        find(moving_on("upright"))


def test_without_ants_the_error_says_where_there_are_wheels(monkeypatch):
    monkeypatch.setitem(sys.modules, "ants", None)
    with pytest.raises(ImportError, match="pip install antspyx"):
        register(FIXED, FIXED, "rigid")


def test_importing_normalization_does_not_import_ants():
    code = "import sys, mriworkbook.normalization; sys.exit('ants' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
