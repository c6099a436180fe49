"""The committed table of real and practice BOLD belongs to these real files and to this study."""

import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
AFFINE = np.diag([3.0, 3.0, 4.0, 1.0])


@pytest.fixture(scope="module")
def parts():
    """The benchmark's modules, which lie outside the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import bold_realism
        import bold_realism_measures
        import bold_realism_practice
        import bold_realism_real

        found = (bold_realism, bold_realism_measures, bold_realism_practice, bold_realism_real)
        yield {module.__name__: module for module in found}
    for name in [name for name in sys.modules if name.startswith(("realism", "bold_realism"))]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def measures(parts):
    return parts["bold_realism_measures"]


@pytest.fixture(scope="module")
def table():
    path = BENCHMARKS / "results" / "bold_realism.tsv"
    return pd.read_csv(path, sep="\t", keep_default_na=False, na_values=["nan", ""])


def compare(table, found, low, high, bounds):
    rows = table.set_index("quantity").loc[list(found)]
    again = np.array([bounds(values)[:2] for values in found.values()])
    np.testing.assert_allclose(rows[[low, high]], again, rtol=2e-3, err_msg=str(list(found)))


def test_practice_columns_follow_from_this_study(parts, table, practice_functional):
    module = parts["bold_realism_practice"]
    found = module.confound_values(practice_functional, list(module.BOLD_PEOPLE))
    assert len(found) == 25
    compare(table, found, "practice_low", "practice_high", parts["bold_realism"].bounds)


def test_real_columns_follow_from_the_real_files(parts, table, real_data):
    real = parts["bold_realism_real"]
    found = real.confound_values(real_data) | real.coarse_values(real_data)
    compare(table, found, "real_low", "real_high", parts["bold_realism"].bounds)


def test_what_lies_outside_is_explained_and_every_row_has_a_source(parts, table):
    assert table.source.notna().all() and table.real_commit.notna().all()
    assert list(table.source) == [parts["bold_realism_real"].source(q) for q in table.quantity]
    again = [parts["bold_realism"].verdict(row) for row in table.itertuples()]
    assert list(table.inside) == again and "not measured" not in again
    assert list(table.quantity[(table.inside != "yes") & table.note.isna()]) == []
    assert list(table.quantity[(table.inside == "yes") & table.note.notna()]) == []


def walk(rng, n=160):
    """A head that drifts and jitters, trans_* in mm and rot_* in rad."""
    steps = rng.standard_normal((n, 6)) * [0.02, 0.1, 0.06, 0.001, 0.0005, 0.0005]
    return 0.3 * np.cumsum(steps, axis=0) + steps


def blob(six=None, shape=(30, 32, 24)):
    """A smooth uneven head, moved by six, on 3 x 3 x 4 mm."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    points = index * [3.0, 3.0, 4.0] - [45, 48, 48]
    if six is not None:
        points = points - six[:3] - np.cross(six[3:], points)
    radius = np.sqrt(((points / [32, 36, 34]) ** 2).sum(axis=-1))
    texture = 1 + 0.3 * np.cos(points / 7).prod(axis=-1)
    return (1000 * texture / (1 + np.exp(12 * (radius - 1)))).astype(np.float32)


def test_realignment_finds_how_the_head_moved_and_undoes_it(measures):
    rng = np.random.default_rng(0)
    six = 3 * walk(rng, 12)
    run = np.stack([blob(moved) for moved in six], axis=-1)
    affine = AFFINE.copy()
    affine[:3, 3] = -45, -48, -48
    brain = run.mean(axis=-1) > 300
    found, centre = measures.realignment(run, affine, brain)
    shift = (six - six.mean(axis=0))[:, :3] + np.cross((six - six.mean(axis=0))[:, 3:], centre)
    np.testing.assert_allclose(found[:, :3] - found[:, :3].mean(axis=0), shift, atol=0.05)
    turned = (found - found.mean(axis=0))[:, 3:]
    np.testing.assert_allclose(turned, (six - six.mean(axis=0))[:, 3:], atol=0.001)
    assert turned.std() > 0.001
    still, _ = measures.realigned(run, affine, found, centre)
    moved, _ = measures.realigned(run, affine, 0 * found, centre)
    assert still.std(axis=-1).mean() < 0.5 * moved.std(axis=-1).mean()


def test_motion_numbers_know_mean_share_and_memory(measures):
    six = np.zeros((50, 6))
    six[1::2, 1] = 0.2
    numbers = measures.motion_numbers(six + 1e-9 * np.random.default_rng(0).normal(size=(50, 6)))
    assert numbers["FD, mean of a run (mm)"] == pytest.approx(0.2, abs=1e-6)
    assert numbers["FD, share of trans_y"] == pytest.approx(1, abs=1e-6)


def confounds(measures, rng, six, slope=4.0, n=160):
    """A table whose DVARS rises with FD by a known slope, and a global signal of its own."""
    moved = six * ([1] * 3 + [50] * 3)
    fd = np.append(np.nan, np.abs(np.diff(moved, axis=0)).sum(axis=1))
    dvars = 10 * np.sqrt(2.0**2 + (slope * fd) ** 2)
    table = pd.DataFrame(six, columns=measures.SIX)
    own = rng.standard_normal((n, 3))
    table[["global_signal", "csf", "white_matter"]] = 500 + own
    return table.assign(
        framewise_displacement=fd, dvars=dvars, std_dvars=dvars / 20, cosine00=np.linspace(-1, 1, n)
    )


def test_confound_numbers_find_the_slope_and_what_motion_explains(measures):
    rng = np.random.default_rng(1)
    six = walk(rng)
    table = confounds(measures, rng, six)
    numbers = measures.confound_numbers(table)
    assert numbers["DVARS for motion (% per mm of FD)"] == pytest.approx(4.0, rel=1e-6)
    assert numbers["DVARS without motion (%)"] == pytest.approx(2.0, rel=1e-6)
    assert numbers["R2 of global signal, 148 volumes"] < 0.35
    moved = table.assign(global_signal=500 + 20 * table["trans_y"] + 10 * table["trans_y"].diff())
    moved.loc[0, "global_signal"] = 500 + 20 * table.loc[0, "trans_y"]
    assert measures.confound_numbers(moved)["R2 of global signal, 148 volumes"] > 0.99
    other = confounds(measures, rng, walk(rng))
    (own, _) = measures.stranger_numbers([moved, other]).popitem()[1]
    assert own < 0.5


def test_smoothness_of_a_known_field(measures):
    rng = np.random.default_rng(2)
    shape = (24, 24, 24)
    brain = np.ones(shape, bool)
    fields = [
        ndimage.gaussian_filter(rng.standard_normal(shape), 1.0, mode="wrap") for _ in range(40)
    ]
    series = np.array([field[brain] for field in fields])
    width = measures.full_width(measures.neighbours(series, brain, 0), 4.0)
    # Noise smoothed by a Gaussian of sigma 1 voxel: 2.355 voxels of 4 mm.
    assert width == pytest.approx(2.355 * 4.0, rel=0.05)


def test_coupling_is_measured_in_networks_and_across(measures):
    rng = np.random.default_rng(3)
    network = rng.standard_normal((50, 2))
    volumes = np.full((20, 20, 20, 50), 1000.0) + rng.standard_normal((20, 20, 20, 50))
    volumes[:10] += 10 * network[:, 0]
    volumes[10:] += 10 * network[:, 1]
    places = [(3, 3, 3), (6, 16, 9), (15, 4, 4), (16, 15, 12)]
    regions = pd.DataFrame(places, columns=["x", "y", "z"]).assign(network=list("aabb"))
    img = nib.Nifti1Image(volumes.astype(np.float32), np.eye(4))
    numbers = measures.coarse_numbers(img, np.ones((20, 20, 20), bool), regions)
    assert numbers["7.5 mm: coupling in networks"] > 0.95
    assert abs(numbers["7.5 mm: coupling across networks"]) < 0.4
    assert numbers["7.5 mm: SD of a region's series (%)"] == pytest.approx(1.0, rel=0.3)


def test_a_table_of_another_study_is_noticed(parts, table):
    found = {"corr(FD, std_dvars)": [0.1, 0.9]}
    with pytest.raises(AssertionError, match="std_dvars"):
        compare(table, found, "real_low", "real_high", parts["bold_realism"].bounds)
