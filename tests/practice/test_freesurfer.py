"""The FreeSurfer-like folder: segmentation, affine and tables in FreeSurfer's format."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from mriworkbook.practice import _mesh, _stats, truth_path
from mriworkbook.practice._aseg import segment
from mriworkbook.practice._freesurfer import read_xfm
from mriworkbook.practice._mapping import load_mapping, to_image
from mriworkbook.practice._talairach import xfm_text
from mriworkbook.practice.parameters import PEOPLE
from mriworkbook.practice.regions import load_regions, surface_labels
from mriworkbook.practice.structures import STRUCTURES


def read_stats(path):
    """As one reads such a file by hand: names from its last comment, then the rows."""
    lines = path.read_text(encoding="utf-8").splitlines()
    (header,) = [line for line in lines if line.startswith("# ColHeaders")]
    return pd.read_csv(path, comment="#", sep=r"\s+", names=header.split()[2:])


def measures(path):
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if "# Measure" in line]
    return {line.split(", ")[1]: float(line.split(", ")[-2]) for line in lines}


@pytest.fixture(params=["01", "02", "03"])
def subject(core, request):
    return core / "derivatives" / "freesurfer" / f"sub-{request.param}"


def test_the_segmentation_errs_about_the_truth(core):
    aseg = nib.load(core / "derivatives" / "freesurfer" / "sub-01" / "mri" / "aseg.mgz")
    labels = np.asarray(aseg.dataobj)
    # Orientation and grid are those of the other images.
    orig = nib.load(core / "derivatives" / "freesurfer" / "sub-01" / "mri" / "orig.mgz")
    np.testing.assert_allclose(aseg.affine, orig.affine)
    assert labels.dtype == np.uint8
    assert set(np.unique(labels)) - {0} <= set(STRUCTURES.values())
    truth = nib.load(truth_path(core, "01", "structures"))
    values = np.asarray(truth.dataobj).astype(int)
    back = np.linalg.inv(truth.affine) @ aseg.affine
    for name in ("Left-Hippocampus", "Right-Thalamus", "Left-Lateral-Ventricle", "Brain-Stem"):
        voxels = np.argwhere(labels == STRUCTURES[name])
        true = values[tuple(nib.affines.apply_affine(back, voxels).round().astype(int).T)]
        agreement = (true == STRUCTURES[name]).mean()
        assert 0.6 < agreement < 0.995
        size = len(voxels) / (values == STRUCTURES[name]).sum()
        assert 0.75 < size < 1.3


def test_left_is_left(core):
    mapping = load_mapping(core, "02")
    points = np.array([[-25.0, 25], [-20, -20], [-14, -14]])
    there = to_image(mapping, points)
    assert there[0, 0] < there[0, 1]
    labels = segment(core, "02", PEOPLE["02"], mapping, there)
    assert labels.tolist() == [STRUCTURES["Left-Hippocampus"], STRUCTURES["Right-Hippocampus"]]


def test_talairach_is_a_fair_but_imperfect_fit(core, subject):
    label = subject.name.removeprefix("sub-")
    xfm = read_xfm(subject / "mri" / "transforms" / "talairach.xfm")
    points = _mesh.template_mesh("L").white.T
    scanner = to_image(load_mapping(core, label), points)
    found = nib.affines.apply_affine(xfm, scanner.T).T
    wanted = nib.affines.apply_affine(np.linalg.inv(_mesh.MNI305_TO_MNI152), points.T).T
    away = np.linalg.norm(found - wanted, axis=0)
    assert 0.5 < np.median(away) < 12
    assert np.linalg.det(xfm[:3, :3]) > 1  # people are smaller than MNI305


def test_xfm_is_written_as_in_real_files(real_data, tmp_path):
    folder = real_data / "aomic" / "derivatives" / "freesurfer" / "sub-0001"
    path = folder / "mri" / "transforms" / "talairach.xfm"
    real = path.read_text(encoding="utf-8")
    ours = xfm_text(read_xfm(path))
    comment = "% simulated by mriworkbook.practice"
    assert ours.replace(comment, "% avi2talxfm").split() == real.split()
    # And eTIV follows from it as in the same person's table.
    assert _stats.etiv(read_xfm(path)) == pytest.approx(
        measures(folder / "stats" / "aseg.stats")["eTIV"], rel=1e-5
    )


def test_rows_are_written_as_in_real_files(real_data):
    folder = real_data / "aomic" / "derivatives" / "freesurfer" / "sub-0001" / "stats"
    for name, write in (
        ("lh.aparc.stats", _stats.surface_row),
        ("aseg.stats", _stats.volume_row),
    ):
        rows = read_stats(folder / name)
        text = (folder / name).read_text(encoding="utf-8").splitlines()
        assert [write(*row) for row in rows.itertuples(index=False)] == text[-len(rows) :]


def test_surface_tables_are_those_of_the_surfaces(subject):
    table = load_regions()
    for side, hemi in (("lh", "L"), ("rh", "R")):
        path = subject / "stats" / f"{side}.practice.stats"
        stats = read_stats(path).set_index("StructName")
        assert list(stats.index) == list(table.loc[table["hemi"] == hemi, "name"])
        assert not stats.isna().any().any()
        assert (stats > 0).drop(columns=["FoldInd", "CurvInd"]).all().all()
        white, faces = nib.freesurfer.read_geometry(subject / "surf" / f"{side}.white")
        thickness = nib.freesurfer.read_morph_data(subject / "surf" / f"{side}.thickness")
        labels = surface_labels(hemi)
        name = stats.index[7]
        here = labels == table.index[table["name"] == name][0]
        assert stats.loc[name, "NumVert"] == here.sum()
        assert stats.loc[name, "ThickAvg"] == pytest.approx(thickness[here].mean(), abs=6e-4)
        assert stats.loc[name, "ThickStd"] == pytest.approx(thickness[here].std(), abs=6e-4)
        area = _mesh.vertex_areas(white, faces)[here].sum()
        assert stats.loc[name, "SurfArea"] == pytest.approx(area, abs=0.6)
        # Area times thickness is not volume, but near it.
        ratio = stats["GrayVol"] / (stats["SurfArea"] * stats["ThickAvg"])
        assert 0.7 < ratio.median() < 1.4
        header = measures(path)
        assert header["NumVert"] == stats["NumVert"].sum()
        assert header["MeanThickness"] == pytest.approx(thickness[labels > 0].mean(), abs=1e-4)
        assert "no person was scanned" in path.read_text(encoding="utf-8")


def test_volume_table_is_that_of_the_segmentation(subject):
    path = subject / "stats" / "aseg.stats"
    stats = read_stats(path).set_index("StructName")
    aseg, t1 = (nib.load(subject / "mri" / f"{name}.mgz") for name in ("aseg", "T1"))
    labels, t1 = np.asarray(aseg.dataobj), np.asarray(t1.dataobj)
    here = labels == STRUCTURES["Left-Putamen"]
    row = stats.loc["Left-Putamen"]
    assert row["NVoxels"] == here.sum()
    assert row["Volume_mm3"] == pytest.approx(here.sum() * 8)
    assert row["normMean"] == pytest.approx(t1[here].mean(), abs=1e-3)
    assert row["normStdDev"] == pytest.approx(t1[here].std(), abs=1e-3)
    header = measures(path)
    assert header["BrainSegVol"] == 8 * ((labels > 0) & (labels != STRUCTURES["Brain-Stem"])).sum()
    assert header["CortexVol"] == 8 * np.isin(labels, (3, 42)).sum()
    xfm = read_xfm(subject / "mri" / "transforms" / "talairach.xfm")
    assert header["eTIV"] == pytest.approx(_stats.etiv(xfm), rel=1e-6)
    # AOMIC: MaskVol over eTIV is 1.02 in sub-0001.
    assert 0.85 < header["MaskVol-to-eTIV"] < 1.25
