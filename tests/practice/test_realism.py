"""The committed realism table belongs to these real files and to this study."""

import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from mriworkbook.practice.parameters import PEOPLE

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
# Rows that take no registration and no N4.
CHEAP = ("Jacobian", "log Jacobian", "volume, ", "cohort ", "thickness, ")


@pytest.fixture(scope="module")
def parts():
    """The benchmark's modules, which lie outside the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import realism
        import realism_measures
        import realism_practice
        import realism_real

        yield {m.__name__: m for m in (realism, realism_measures, realism_practice, realism_real)}
    for name in [name for name in sys.modules if name.startswith("realism")]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def table():
    path = BENCHMARKS / "results" / "realism.tsv"
    return pd.read_csv(path, sep="\t", keep_default_na=False, na_values=["nan", ""])


def cheap_practice(module, root):
    sizes, spread = module.volumes(root, list(PEOPLE))
    values = module.jacobians(root, list(PEOPLE)).to_dict("list") | sizes.to_dict("list") | spread
    values |= module.surfaces(root, list(PEOPLE))
    return values | module.cohort_values(root / "derivatives" / "fs_stats")


def compare(table, found, low, high, bounds):
    rows = table.set_index("quantity").loc[list(found)]
    again = np.array([bounds(values)[:2] for values in found.values()])
    kept = rows[[low, high]].to_numpy()
    np.testing.assert_allclose(kept, again, rtol=1e-3, err_msg=str(list(found)))


def test_practice_columns_follow_from_this_study(parts, table, practice_anatomy):
    found = cheap_practice(parts["realism_practice"], practice_anatomy)
    assert len(found) > 25 and all(name.startswith(CHEAP) for name in found)
    compare(table, found, "practice_low", "practice_high", parts["realism"].bounds)


def test_real_columns_follow_from_the_real_files(parts, table, real_data):
    real = parts["realism_real"]
    found = real.mriqc_values(real_data / "mriqc")
    found |= real.jacobian_values(real_data / "aomic" / "derivatives" / "vbm" / "subset")
    found |= real.volume_values(real_data / "aomic" / "derivatives" / "freesurfer")
    found |= real.fs_stats_values(real_data / "aomic")
    compare(table, found, "real_low", "real_high", parts["realism"].bounds)


def test_what_lies_outside_is_explained_and_every_row_has_a_source(parts, table):
    assert set(table.quantity) == set(parts["realism_real"].SOURCES)
    assert table.source.notna().all() and table.real_commit.notna().all()
    again = [parts["realism"].verdict(row) for row in table.itertuples()]
    assert list(table.inside) == again and "not measured" not in again
    unexplained = table.quantity[(table.inside != "yes") & table.note.isna()]
    assert list(unexplained) == []
    spare = table.quantity[(table.inside == "yes") & table.note.notna()]
    assert list(spare) == []


def test_measures_see_blur_noise_and_lost_contrast(parts, practice_core):
    measures, practice = parts["realism_measures"], parts["realism_practice"]
    img, brain, tissues = practice.practice_head(practice_core, "01")
    sharp = np.asarray(img.dataobj, np.float32)
    blurred = measures.ndimage.gaussian_filter(sharp, 0.6)  # 2.8 mm full width at half maximum
    rng = np.random.default_rng(1)
    noisy = sharp + rng.normal(0, 0.03 * np.median(sharp[tissues["WM"]]), sharp.shape)
    one, two = (measures.sharpness(i, brain, tissues) for i in (sharp, blurred))
    assert two["detail"] < 0.8 * one["detail"]
    assert two["edge gradient (1/mm)"] < one["edge gradient (1/mm)"]
    levels = [measures.noise_in_white_matter(i, tissues) for i in (blurred, sharp, noisy)]
    assert levels[0] < levels[1] < levels[2]
    grey = sharp + 0.3 * np.median(sharp[tissues["WM"]]) * tissues["cortex"]
    air = measures.air_of(sharp)
    less, more = (measures.contrast(i, tissues, air)["cnr"] for i in (grey, sharp))
    assert less < more


def test_the_air_is_outside_the_head(parts, practice_core):
    img, brain, _ = parts["realism_practice"].practice_head(practice_core, "02")
    air = parts["realism_measures"].air_of(np.asarray(img.dataobj, np.float32))
    assert 0.1 < air.mean() < 0.7 and not (air & brain).any()
    truth = nib.load(practice_core / "sub-02" / "anat" / "sub-02_T1w.nii.gz")
    assert np.median(np.asarray(truth.dataobj)[air]) < 100


def test_a_table_of_another_study_is_noticed(parts, table):
    found = {"Jacobian SD": [0.5, 0.6]}
    with pytest.raises(AssertionError, match="Jacobian SD"):
        compare(table, found, "practice_low", "practice_high", parts["realism"].bounds)
