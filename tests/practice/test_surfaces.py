"""Surfaces: right files in the right place, thickness that is the mesh's own."""

import nibabel as nib
import numpy as np
import pytest
from nilearn import datasets, surface

from mriworkbook.practice import _mesh, _surfaces, _thickness, truth_path
from mriworkbook.practice._mapping import array_mirror, load_mapping, to_image, to_template
from mriworkbook.practice.parameters import PEOPLE, value
from mriworkbook.practice.regions import load_regions, surface_labels

KINDS = ("white", "pial", "midthickness", "inflated")


def gifti_path(core, label, hemi, kind):
    anat = core / "derivatives" / "fmriprep" / f"sub-{label}" / "anat"
    return anat / f"sub-{label}_hemi-{hemi}_{kind}.surf.gii"


def points_of(core, label, hemi, kind):
    return nib.load(gifti_path(core, label, hemi, kind)).agg_data("pointset").astype(float)


@pytest.fixture(scope="module")
def sphere():
    """A ball of 50 mm on the mesh of fsaverage5."""
    img = nib.load(datasets.fetch_surf_fsaverage("fsaverage5")["sphere_left"])
    points, faces = (array.data for array in img.darrays)
    points = points.astype(float)
    return 50 * points / np.linalg.norm(points, axis=1, keepdims=True), faces


def test_measures_of_a_mesh_are_those_of_the_ball(sphere):
    points, faces = sphere
    first, second = _mesh.principal_curvatures(points, faces)
    np.testing.assert_allclose(first.mean(), 1 / 50, rtol=0.01)
    np.testing.assert_allclose(second.mean(), 1 / 50, rtol=0.01)
    np.testing.assert_allclose(
        _mesh.vertex_areas(points, faces).sum(), 4 * np.pi * 50**2, rtol=2e-3
    )
    np.testing.assert_allclose(
        _mesh.ribbon_volumes(points, points * 1.06, faces).sum(),
        4 / 3 * np.pi * (53**3 - 50**3),
        rtol=2e-3,
    )
    assert (_mesh.vertex_normals(points, faces) * points).sum(axis=1).min() > 49.9
    # Turned inside out, every curvature changes its sign.
    inner, _ = _mesh.principal_curvatures(points, faces[:, ::-1])
    np.testing.assert_allclose(inner.mean(), -1 / 50, rtol=0.01)


def test_smoothing_widens_as_far_as_it_says(sphere):
    points, faces = sphere
    peak = np.zeros(len(points))
    peak[5000] = 1
    edge = _mesh.edge_length(points, faces)
    spread = _mesh.smooth(peak, faces, 6.0, edge)
    np.testing.assert_allclose(spread.sum(), 1, rtol=0.05)
    moved = ((points - points[5000]) ** 2).sum(axis=1)
    np.testing.assert_allclose(np.sqrt((spread * moved).sum() / 2), 6.0, rtol=0.1)


@pytest.mark.parametrize("hemi", ["L", "R"])
@pytest.mark.parametrize("kind", KINDS)
def test_gifti_is_read_by_nilearn_and_says_what_it_is(core, hemi, kind):
    path = gifti_path(core, "01", hemi, kind)
    mesh = surface.load_surf_mesh(path)
    assert mesh.coordinates.shape == (10242, 3)
    assert mesh.faces.shape == (20480, 3)
    about = nib.load(path).darrays[0]
    side = {"L": "CortexLeft", "R": "CortexRight"}[hemi]
    assert about.meta["AnatomicalStructurePrimary"] == side
    assert about.meta["GeometricType"] == ("Inflated" if kind == "inflated" else "Anatomical")
    # Scanner coordinates (1) need no further matrix; inflated points lie nowhere (0).
    assert about.coordsys.dataspace == (0 if kind == "inflated" else 1)
    np.testing.assert_array_equal(about.coordsys.xform, np.eye(4))
    assert nib.load(path).meta["Description"].startswith("Simulated")


@pytest.mark.parametrize("label", ["01", "02", "03"])
def test_surfaces_lie_in_the_brain_on_their_side(core, label):
    mask = nib.load(truth_path(core, label, "brain_mask"))
    inside = np.asarray(mask.dataobj) > 0
    for hemi, sign in (("L", -1), ("R", 1)):
        pial = points_of(core, label, hemi, "pial")
        voxel = nib.affines.apply_affine(np.linalg.inv(mask.affine), pial).round().astype(int)
        assert inside[tuple(voxel.T)].mean() > 0.99
        places = to_template(load_mapping(core, label), pial.T)
        assert (sign * places[0] > -3).mean() > 0.999


@pytest.mark.parametrize("hemi", ["L", "R"])
def test_white_errs_about_the_mapped_surface_as_frozen(core, hemi):
    mesh = _mesh.template_mesh(hemi)
    mapped = to_image(load_mapping(core, "01"), mesh.white.T).T
    error = points_of(core, "01", hemi, "white") - mapped
    along = (error * _mesh.vertex_normals(mapped, mesh.faces)).sum(axis=1)
    np.testing.assert_allclose(along.std(), value("surface_error_sd"), rtol=0.05)


def test_few_faces_are_turned_over(core):
    for hemi in ("L", "R"):
        white, pial = (points_of(core, "02", hemi, kind) for kind in ("white", "pial"))
        mesh = _mesh.template_mesh(hemi)
        vectors = [_mesh.face_vectors(points, mesh.faces) for points in (white, pial)]
        turned = (vectors[0] * vectors[1]).sum(axis=1) < 0
        assert turned[mesh.cortex[mesh.faces].all(axis=1)].mean() < 0.005
        mapped = to_image(load_mapping(core, "02"), mesh.white.T).T
        turned = (vectors[0] * _mesh.face_vectors(mapped, mesh.faces)).sum(axis=1) < 0
        assert turned.mean() < 0.001


def test_middle_and_inflated_follow_from_white_and_pial(core):
    white, pial, middle, inflated = (points_of(core, "03", "L", kind) for kind in KINDS)
    faces = _mesh.template_mesh("L").faces
    np.testing.assert_allclose(middle, (white + pial) / 2, atol=0.02)
    np.testing.assert_allclose(
        _mesh.vertex_areas(inflated, faces).sum(), _mesh.vertex_areas(white, faces).sum(), rtol=1e-3
    )


@pytest.mark.parametrize("side", ["lh", "rh"])
def test_freesurfer_files_are_the_same_surfaces(core, side):
    subject = core / "derivatives" / "freesurfer" / "sub-02"
    hemi = side[0].upper()
    found = {}
    for kind in ("white", "pial"):
        points, _, about, stamp = nib.freesurfer.read_geometry(
            subject / "surf" / f"{side}.{kind}", read_metadata=True, read_stamp=True
        )
        assert "simulated" in stamp
        found[kind] = points
        np.testing.assert_allclose(
            points + about["cras"], points_of(core, "02", hemi, kind), atol=1e-4
        )
    # The other way round: the cube's own matrices put the points at the same place.
    orig = nib.load(subject / "mri" / "orig.mgz")
    to_scanner = orig.affine @ np.linalg.inv(orig.header.get_vox2ras_tkr())
    scanner = nib.affines.apply_affine(to_scanner, found["pial"])
    np.testing.assert_allclose(scanner, points_of(core, "02", hemi, "pial"), atol=1e-3)
    thickness = nib.freesurfer.read_morph_data(subject / "surf" / f"{side}.thickness")
    distance = np.linalg.norm(found["pial"] - found["white"], axis=1)
    np.testing.assert_allclose(thickness, distance, atol=1e-4)
    sulc = nib.freesurfer.read_morph_data(subject / "surf" / f"{side}.sulc")
    assert 4 < sulc.std() < 7  # AOMIC sub-0001 has 5.8 mm
    labels, _, names = nib.freesurfer.read_annot(subject / "label" / f"{side}.practice.annot")
    np.testing.assert_array_equal(labels, surface_labels(hemi))
    assert [name.decode() for name in names] == ["unknown", *load_regions()["name"]]


def test_thickness_is_that_of_real_people():
    young = PEOPLE["01"]._replace(age=22, diagnosis="")
    maps, means = [], []
    for number in range(12):
        person = young._replace(number=1000 + number)
        both = [_thickness.person_thickness(person, hemi, 2.75) for hemi in ("L", "R")]
        cortex = [_mesh.template_mesh(hemi).cortex for hemi in ("L", "R")]
        assert all((t[~c] == 0).all() for t, c in zip(both, cortex, strict=True))
        maps.append(np.concatenate([t[c] for t, c in zip(both, cortex, strict=True)]))
        labels = np.concatenate([surface_labels(hemi) for hemi in ("L", "R")])
        counts = np.bincount(labels)[1:]
        means.append(np.bincount(labels, np.concatenate(both))[1:] / counts)
    # AOMIC: 2.54 mm with SD .084 over 226 people; vertices of sub-0001 have SD .68.
    assert np.mean(maps) == pytest.approx(2.54, abs=0.08)
    assert np.mean([m.std() for m in maps]) == pytest.approx(0.68, abs=0.04)
    expected = _thickness.region_means(22).to_numpy()
    assert np.corrcoef(np.mean(means, axis=0), expected)[0, 1] > 0.98


def test_age_and_disease_are_planted_at_the_regions_that_they_concern():
    person = PEOPLE["01"]._replace(age=22, diagnosis="")
    old = person._replace(age=72)
    ill = person._replace(diagnosis="AD-like")
    table = load_regions()
    for hemi in ("L", "R"):
        labels = surface_labels(hemi)
        young, aged, sick = (_thickness.person_thickness(p, hemi, 2.75) for p in (person, old, ill))
        here = table.index[table["hemi"] == hemi]
        counts = np.bincount(labels)[here]
        for change, planted in (
            (aged - young, 50 * _thickness.age_slopes()[here]),
            (sick - young, _thickness.disease_effects("AD-like")[here]),
        ):
            found = np.bincount(labels, change)[here] / counts
            # Effects end softly, so neighbours mix; on average all of it arrives.
            assert found.mean() == pytest.approx(planted.mean(), rel=0.05)
            assert np.corrcoef(found, planted)[0, 1] > 0.9
    assert _thickness.disease_effects("AD-like")[table["network"] == "SomatomotorDorsal"].max() == 0


def test_a_mirrored_image_has_its_surfaces_on_the_mirrored_side(core):
    mapping = load_mapping(core, "01")
    raw = nib.load(core / "sub-01" / "anat" / "sub-01_T1w.nii.gz")
    mirror = array_mirror(raw)
    np.testing.assert_allclose(mirror @ mirror, np.eye(4), atol=1e-9)
    seen = mapping._replace(mirror=mirror, mirrored=True)
    left = _mesh.template_mesh("L").white[::50]
    true_right = to_image(mapping, (left * [-1, 1, 1]).T)
    expected = nib.affines.apply_affine(mirror, true_right.T)
    np.testing.assert_allclose(to_image(seen, left.T).T, expected, atol=1e-3)
    # A pipeline that trusts the header calls left what lies at smaller x.
    right = to_image(seen, _mesh.template_mesh("R").white[::50].T)
    assert np.median(to_image(seen, left.T)[0]) < np.median(right[0])
    back = to_template(seen, to_image(seen, left.T))
    np.testing.assert_allclose(back.T, left, atol=0.5)


def test_the_same_person_has_the_same_surfaces(core):
    mapping = load_mapping(core, "03")
    again = _surfaces.person_surfaces(PEOPLE["03"], mapping, "R")
    np.testing.assert_array_equal(again.pial, points_of(core, "03", "R", "pial"))
