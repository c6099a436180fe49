"""Regions: which there are, and where they lie on the surface and in the volume."""

import numpy as np
import pytest
from nilearn import datasets

from mriworkbook.practice import regions
from mriworkbook.practice._mesh import MNI305_TO_MNI152, template_mesh
from mriworkbook.practice.parameters import value

TABLE = regions.load_regions()
COORDINATES = TABLE[["x", "y", "z"]].to_numpy()


def test_enough_regions_for_multiple_comparisons_and_all_have_a_network():
    assert 150 <= len(TABLE) <= 220
    assert TABLE["name"].is_unique
    assert list(TABLE.index) == list(range(1, len(TABLE) + 1))
    assert "unassigned" not in set(TABLE["network"])
    assert ((TABLE["x"] < 0) == (TABLE["hemi"] == "L")).all()


def test_regions_are_cortical_coordinates_of_the_atlas_and_not_crowded():
    atlas = datasets.fetch_coords_seitzman_2018(ordered_regions=False)
    cortical = np.char.startswith(atlas.regions.astype(str), "cortex")
    known = {tuple(row) for row in atlas.rois[cortical].to_numpy()}
    assert {tuple(row) for row in COORDINATES} <= known
    distance = np.linalg.norm(COORDINATES[:, None] - COORDINATES[None], axis=-1)
    assert distance[np.triu_indices(len(TABLE), 1)].min() >= value("region_spacing")


def test_the_published_matrix_moves_the_published_point():
    # The worked example of FreeSurfer's page: 10, -20, 35 in MNI305 is 10.695, -18.409, 36.137.
    moved = (MNI305_TO_MNI152 @ [10, -20, 35, 1])[:3]
    np.testing.assert_allclose(moved, [10.695, -18.409, 36.137], atol=0.004)


@pytest.mark.parametrize("hemi", ["L", "R"])
def test_each_vertex_has_the_nearest_coordinate_of_its_side(hemi):
    labels, mesh = regions.surface_labels(hemi), template_mesh(hemi)
    here = TABLE[TABLE["hemi"] == hemi]
    assert set(labels) == {0, *here.index}
    assert np.bincount(labels)[here.index].min() >= 20
    assert ((labels == 0) == ~mesh.cortex).all()
    # The medial wall of fsaverage5 has 888 vertices in FreeSurfer's own cortex label.
    assert 400 < (labels == 0).sum() < 900
    vertex = np.flatnonzero(labels)[::500]
    middle = ((mesh.white + mesh.pial) / 2)[vertex]
    distance = np.linalg.norm(middle[:, None] - here[["x", "y", "z"]].to_numpy(), axis=-1)
    assert (here.index[distance.argmin(axis=1)] == labels[vertex]).all()


def test_a_wrong_side_is_refused():
    with pytest.raises(ValueError, match="choose 'L' or 'R'"):
        regions.surface_labels("left")


def test_volume_labels_lie_at_their_coordinates_and_only_in_cortex():
    template = datasets.load_mni152_gm_template(resolution=4)
    grey = template.get_fdata()
    labels = regions.volume_labels(grey.shape, template.affine, grey)
    assert labels.dtype == np.int16
    assert not labels[grey <= 0.5].any()
    assert set(np.unique(labels)) == {0, *TABLE.index}
    world = np.argwhere(labels) @ template.affine[:3, :3].T + template.affine[:3, 3]
    away = np.linalg.norm(world - COORDINATES[labels[labels > 0] - 1], axis=1)
    assert np.median(away) < 12
    assert (np.sign(world[:, 0]) == np.where(TABLE["x"] < 0, -1, 1)[labels[labels > 0] - 1])[
        abs(world[:, 0]) > 8
    ].all()
    for deep in [(-12, -18, 8), (28, 2, 0), (20, -65, -40), (0, -28, -35)]:
        voxel = np.linalg.inv(template.affine) @ [*deep, 1]
        assert labels[tuple(voxel[:3].round().astype(int))] == 0


def test_grey_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"pass one of shape \(4, 4, 4\)"):
        regions.volume_labels((4, 4, 4), np.eye(4), np.ones((2, 2, 2)))
