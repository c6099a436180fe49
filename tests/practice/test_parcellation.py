"""The parcellation: maskers read it, volume and surface agree, specks get lost at 4 mm."""

import json
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from bids import BIDSLayout
from nilearn import datasets, image
from nilearn.interfaces.fmriprep import load_confounds
from nilearn.maskers import NiftiLabelsMasker, SurfaceLabelsMasker
from nilearn.regions import connected_label_regions
from nilearn.surface import PolyMesh, SurfaceImage

from mriworkbook.practice import truth_path
from mriworkbook.practice._parcellation import COLOURS, with_specks
from mriworkbook.practice.parameters import SPACE, value
from mriworkbook.practice.regions import load_regions, surface_labels, volume_labels

STEM = f"tpl-{SPACE}_atlas-practice"


@pytest.fixture(scope="module")
def volumes(practice_core):
    folder = practice_core / "derivatives" / "parcellation" / f"tpl-{SPACE}"
    images = {step: nib.load(folder / f"{STEM}_res-{step}_dseg.nii.gz") for step in (2, 4)}
    return images, pd.read_csv(folder / f"{STEM}_dseg.tsv", sep="\t")


@pytest.fixture(scope="module")
def specks(practice_core):
    return pd.read_csv(truth_path(practice_core, "parcellation", "specks"), sep="\t")


def labels_in(img):
    return {*np.unique(np.asarray(img.dataobj)).tolist()} - {0}


def test_volumes_lie_on_the_grids_of_the_template(volumes):
    images, _ = volumes
    for step, img in images.items():
        grid = datasets.load_mni152_template(resolution=step)
        assert img.shape == grid.shape
        np.testing.assert_array_equal(img.affine, grid.affine)
        assert img.get_data_dtype() == np.int16
        path = Path(img.get_filename().replace(".nii.gz", ".json"))
        assert json.loads(path.read_text(encoding="utf-8"))["Simulated"] is True


def test_every_region_but_the_specks_survives_nearest_resampling(volumes, specks):
    images, table = volumes
    everything = {*load_regions().index.tolist()}
    assert labels_in(images[2]) == everything == {*table["index"]} - {0}
    lost = {*specks["index"]}
    assert {*specks["name"]} == {*value("speck_regions")}
    assert labels_in(images[4]) == everything - lost
    resampled = image.resample_to_img(images[2], images[4], interpolation="nearest")
    np.testing.assert_array_equal(resampled.get_fdata(), images[4].get_fdata())
    counts = np.bincount(np.asarray(images[2].dataobj).ravel())
    assert (specks["voxels_res2"].to_numpy() == counts[specks["index"]]).all()
    assert specks["voxels_res2"].between(1, 19).all()
    assert (specks["voxels_res4"] == 0).all()


def test_all_but_the_specks_and_their_neighbours_is_the_voronoi_map(volumes, specks):
    images, _ = volumes
    grey = datasets.load_mni152_gm_template(resolution=2)
    whole = volume_labels(grey.shape, grey.affine, grey.get_fdata())
    ours = np.asarray(images[2].dataobj)
    changed = whole != ours
    assert {*np.unique(whole[changed]).tolist()} == {*specks["index"]}
    regions = load_regions()
    sides = regions["hemi"].reindex(range(1, len(regions) + 1)).to_numpy()
    np.testing.assert_array_equal(sides[whole[changed] - 1], sides[ours[changed] - 1])


def test_specks_are_shrunk_alike_on_any_grid(specks):
    speck = specks.iloc[0]
    affine = np.diag([1.0, 1, 1, 1])
    affine[:3, 3] = speck[["x", "y", "z"]].astype(float) - 10
    everywhere = np.full((21, 21, 21), speck["index"], np.int16)
    ours = with_specks(everywhere, affine)
    points = np.indices(ours.shape).reshape(3, -1) - 10
    inside = np.linalg.norm(points, axis=0).reshape(ours.shape) <= value("speck_radius")
    np.testing.assert_array_equal(ours == speck["index"], inside)


def test_surfaces_have_the_same_regions_and_names(practice_core, volumes, specks):
    _, table = volumes
    folder = practice_core / "derivatives" / "parcellation" / "tpl-fsaverage5"
    found = set()
    for hemi in "LR":
        img = nib.load(folder / f"tpl-fsaverage5_hemi-{hemi}_atlas-practice_dseg.label.gii")
        labels, whole = img.agg_data(), surface_labels(hemi)
        assert {*np.unique(whole[labels != whole]).tolist()} <= {*specks["index"]}
        here = {*np.unique(labels).tolist()} - {0}
        assert {load_regions()["hemi"][label] for label in here} == {hemi}
        found |= here
        names = img.labeltable.get_labels_as_dict()
        assert names == dict(zip(table["index"], table["name"], strict=True))
        assert "simulated" in img.meta["Description"]
    assert found == {*table["index"]} - {0}


def test_table_names_networks_and_colours(volumes):
    _, table = volumes
    assert list(table)[:3] == ["index", "name", "color"]
    regions = table.iloc[1:]
    assert {*regions["network"]} == {*COLOURS}
    assert regions["color"].str.fullmatch("#[0-9a-f]{6}").all()
    assert regions.groupby("network")["color"].nunique().eq(1).all()
    assert len({*COLOURS.values()}) == len(COLOURS)


def test_masker_gives_named_columns_that_can_be_put_in_order(volumes, specks):
    images, table = volumes
    labels = np.asarray(images[4].dataobj)
    # Each region's series is its own number plus the time.
    data = labels[..., None] + np.arange(6.0)
    run = nib.Nifti1Image(data, images[4].affine)
    masker = NiftiLabelsMasker(images[2], lut=table, resampling_target="data", standardize=None)
    with pytest.warns(UserWarning, match="labels were removed"):
        series = masker.set_output(transform="pandas").fit_transform(run)
    assert not {*specks["name"]} & {*series.columns}
    aligned = series.reindex(columns=table["name"][1:])
    assert aligned.isna().all().sum() == len(specks)
    for index, name in zip(table["index"][1:], table["name"][1:], strict=True):
        if name in series:
            np.testing.assert_allclose(aligned[name], index + np.arange(6))


def test_surface_masker_reads_the_labels(practice_core, volumes):
    _, table = volumes
    folder = practice_core / "derivatives" / "parcellation" / "tpl-fsaverage5"
    paths = {
        side: folder / f"tpl-fsaverage5_hemi-{hemi}_atlas-practice_dseg.label.gii"
        for side, hemi in (("left", "L"), ("right", "R"))
    }
    mesh = PolyMesh(**datasets.load_fsaverage("fsaverage5")["pial"].parts)
    labels = SurfaceImage(mesh, paths)
    numbers = {side: part.astype(float)[:, None] for side, part in labels.data.parts.items()}
    masker = SurfaceLabelsMasker(labels, lut=table, standardize=None).fit()
    series = masker.transform(SurfaceImage(mesh, numbers))
    np.testing.assert_allclose(np.squeeze(series), table["index"][1:])


def test_networks_split_into_pieces_of_which_small_ones_vanish(volumes):
    images, table = volumes
    codes = table["network"].astype("category").cat.codes.to_numpy() + 1
    network = nib.Nifti1Image(
        codes[np.asarray(images[2].dataobj)].astype(np.int16), images[2].affine
    )
    pieces = connected_label_regions(network)
    coarse = image.resample_to_img(pieces, images[4], interpolation="nearest")
    assert len(labels_in(pieces)) > 100
    assert len(labels_in(coarse)) < 0.8 * len(labels_in(pieces))


@pytest.fixture(scope="module")
def layout(practice_core):
    with warnings.catch_warnings():
        # pybids itself uses what its own dependencies will drop.
        warnings.simplefilter("ignore", DeprecationWarning)
        return BIDSLayout(practice_core / "derivatives" / "fmriprep", is_derivative=True)


def test_pybids_finds_runs_by_their_entities(layout):
    assert "01" in layout.get_subjects()
    assert layout.get_tasks() == ["motor", "rest"]
    runs = {"datatype": "func", "desc": "preproc", "suffix": "bold"}
    here = {"subject": "01", "extension": ".nii.gz", **runs}
    assert len(layout.get(**here)) == 3
    assert len(layout.get(subject="01", **runs)) == 6  # sidecars match, too
    assert len(layout.get(space=SPACE, **here)) == 2
    assert len(layout.get(space="T1w", **here)) == 1
    assert layout.get(space=None, **here) == []
    native = {"datatype": "anat", "desc": "preproc", "suffix": "T1w", "extension": ".nii.gz"}
    assert len(layout.get(subject="01", space=None, **native)) == 1
    assert layout.get(space="T1w", **here)[0].get_metadata()["RepetitionTime"] == 2.0


@pytest.mark.parametrize("task", ["rest", "motor"])
def test_pybids_finds_one_table_of_confounds_a_run(layout, task):
    (table,) = layout.get(subject="01", task=task, desc="confounds", extension=".tsv")
    assert layout.get(subject="01", task=task, desc="confounds", extension=".json")
    assert "framewise_displacement" in table.get_df()


def test_cleaned_regions_follow_what_was_planted(practice_core, layout, volumes):
    images, table = volumes
    one = {"subject": "01", "task": "rest", "space": SPACE, "extension": ".nii.gz"}
    (run,) = layout.get(desc="preproc", suffix="bold", **one)
    (mask,) = layout.get(desc="brain", suffix="mask", **one)
    confounds, sample_mask = load_confounds(run.path, ["motion", "high_pass", "global_signal"])
    masker = NiftiLabelsMasker(
        images[4], lut=table, mask_img=mask.path, standardize="zscore_sample", t_r=2.0
    )
    masker.set_output(transform="pandas")
    series = masker.fit_transform(run.path, confounds=confounds, sample_mask=sample_mask)
    assert series.shape == (148, len(load_regions()) - len(value("speck_regions")))
    planted = pd.read_csv(truth_path(practice_core, "01", "network_series"), sep="\t")
    planted = planted.iloc[sample_mask].reset_index(drop=True)
    own = series.corrwith(planted[series.columns])
    shuffled = planted[series.columns].set_axis(np.roll(series.columns, 90), axis=1)
    assert own.mean() > 0.4
    assert abs(series.corrwith(shuffled).mean()) < 0.2
