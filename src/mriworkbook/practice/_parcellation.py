"""The practice study's parcellation: its regions as a volume, as surfaces and as a table.

The regions are those of `regions`, but for a few that are specks here: a handful of voxels around
one point, the rest of the region given to its neighbours. The point lies between the voxels of the
4 mm grid, so that nearest-neighbour resampling, right for labels, loses them without a word.
"""

import functools

import nibabel as nib
import numpy as np
import pandas as pd
from nilearn import datasets
from scipy import ndimage
from scipy.spatial import cKDTree

from mriworkbook.practice import truth_path
from mriworkbook.practice._fields import grid_points
from mriworkbook.practice._files import save, sidecar, write_json
from mriworkbook.practice._mesh import HEMISPHERES, template_mesh
from mriworkbook.practice.parameters import SPACE, value
from mriworkbook.practice.regions import load_regions, surface_labels, volume_labels

ATLAS = "practice"
# mm between voxels -> what is said of the file.
RESOLUTIONS = {
    2: "2 mm, nilearn's template grid",
    4: "4 mm, the grid of the BOLD runs; resampled from 2 mm (nearest neighbour)",
}
# Colours that the field often gives to these networks, hence more than a colour-blind eye can
# tell apart; names and numbers are in the table.
COLOURS = {
    "Auditory": "#fe9ed5",
    "CinguloOpercular": "#7f3fa8",
    "DefaultMode": "#d7282f",
    "DorsalAttention": "#1f9e3a",
    "FrontoParietal": "#f2d324",
    "MedialTemporalLobe": "#8a7a5c",
    "ParietoMedial": "#6fb7e0",
    "Reward": "#b5c98e",
    "Salience": "#303030",
    "SomatomotorDorsal": "#39c8d6",
    "SomatomotorLateral": "#ee7d1e",
    "VentralAttention": "#0d7c80",
    "Visual": "#2346b0",
}
_TEXT = (
    "Regions around cortical coordinates of Seitzman 2020 (10.1016/j.neuroimage.2019.116290), made "
    "for simulated data; not an atlas of the brain."
)


def write_parcellation(root):
    """Write volumes at 2 and 4 mm, surfaces, the table, and the truth about its specks.

    Parameters
    ----------
    root : Path
        Folder of the practice study.
    """
    folder = root / "derivatives" / "parcellation"
    volumes, surfaces = folder / f"tpl-{SPACE}", folder / "tpl-fsaverage5"
    for path in (volumes, surfaces):
        path.mkdir(parents=True, exist_ok=True)
    table = parcellation_table()
    stem = f"tpl-{SPACE}_atlas-{ATLAS}"
    _write_table(table, volumes / f"{stem}_dseg.tsv")
    images = {resolution: parcels(resolution) for resolution in RESOLUTIONS}
    for resolution, img in images.items():
        path = volumes / f"{stem}_res-{resolution}_dseg.nii.gz"
        save(img, path, np.int16)
        write_json(path, sidecar(_TEXT, Resolution=RESOLUTIONS[resolution]))
    for hemi in HEMISPHERES:
        path = surfaces / f"tpl-fsaverage5_hemi-{hemi}_atlas-{ATLAS}_dseg.label.gii"
        nib.save(_label_gifti(surface_parcels(hemi), hemi, table), path)
    path = truth_path(root, "parcellation", "specks")
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_table(speck_table(), path)


def _write_table(table, path):
    path.write_text(table.to_csv(sep="\t", index=False, na_rep="n/a"), encoding="utf-8")


def parcellation_table():
    """The regions in the form of nilearn's ``lut``.

    Returns
    -------
    DataFrame
        index, name, color; network, hemi and the coordinate x, y, z in MNI152 mm. The first row is
        the background, 0.

    Examples
    --------
    >>> parcellation_table()["name"].tolist()[:2]
    ['Background', 'Auditory_01']
    """
    regions = load_regions().reset_index()
    regions.insert(2, "color", regions["network"].map(COLOURS))
    background = pd.DataFrame({"index": [0], "name": ["Background"], "color": ["#000000"]})
    return pd.concat([background, regions], ignore_index=True)


@functools.lru_cache(maxsize=2)
def _parcels(resolution):
    fine = datasets.load_mni152_gm_template(resolution=2)
    labels = volume_labels(fine.shape, fine.affine, fine.get_fdata())
    labels = with_specks(labels, fine.affine)
    step = resolution // 2
    # Both grids of nilearn begin at one corner: nearest neighbours are every second voxel.
    affine = fine.affine @ np.diag([step, step, step, 1.0])
    return np.ascontiguousarray(labels[::step, ::step, ::step]), affine


def parcels(resolution):
    """The parcellation as a volume in template space.

    Parameters
    ----------
    resolution : {2, 4}
        mm between voxels, on nilearn's template grids.

    Returns
    -------
    Nifti1Image
        int16, index into `load_regions`, 0 elsewhere. At 4 mm the specks are missing.

    Raises
    ------
    ValueError
        If the resolution is neither.

    Examples
    --------
    >>> len(np.unique(parcels(2).dataobj)) - len(np.unique(parcels(4).dataobj))
    4
    """
    if resolution not in RESOLUTIONS:
        raise ValueError(f"There is no parcellation at {resolution} mm; choose 2 or 4.")
    labels, affine = _parcels(resolution)
    return nib.Nifti1Image(labels.copy(), affine)


@functools.lru_cache(maxsize=1)
def _speck_centres():
    """Middle of each speck: label -> (3,) mm.

    Of the voxels of the 2 mm grid between those of the 4 mm grid in every direction, the one with
    most of its region around it; the first of these, where there are several.
    """
    grey = datasets.load_mni152_gm_template(resolution=2)
    labels = volume_labels(grey.shape, grey.affine, grey.get_fdata())
    reach = int(np.ceil(value("speck_radius") / 2))
    offsets = np.moveaxis(np.indices((2 * reach + 1,) * 3), 0, -1) - reach
    ball = (np.linalg.norm(2 * offsets, axis=-1) <= value("speck_radius")).astype(np.int16)
    regions = load_regions()
    centres = {}
    for name in value("speck_regions"):
        label = int(regions.index[regions["name"] == name][0])
        inside = (labels == label).astype(np.int16)
        around = ndimage.convolve(inside, ball, mode="constant") * inside
        odd = np.zeros_like(around)
        odd[1::2, 1::2, 1::2] = around[1::2, 1::2, 1::2]
        voxel = np.unravel_index(odd.argmax(), odd.shape)
        centres[label] = grey.affine[:3, :3] @ voxel + grey.affine[:3, 3]
    return centres


def with_specks(labels, affine):
    """Shrink the regions that are specks in a volume of labels.

    Parameters
    ----------
    labels : ndarray (i, j, k)
        From `regions.volume_labels`, on any grid and for any grey matter.
    affine : ndarray (4, 4)
        Voxels to MNI152 mm.

    Returns
    -------
    ndarray (i, j, k), same type
        A speck keeps what is near its middle; the rest goes to the nearest coordinate of the other
        regions of its hemisphere.

    Examples
    --------
    >>> whole = volume_labels((21, 25, 19), np.diag([8.0, 8, 8, 1]), np.zeros((21, 25, 19)))
    >>> bool(with_specks(whole, np.eye(4)).any())
    False
    """
    points = grid_points(labels.shape, affine)
    found = labels.copy()
    for label, centre in _speck_centres().items():
        place = labels == label
        found[place] = _shrunk(label, points[:, place].T, centre)
    return found


def surface_parcels(hemi):
    """The parcellation on fsaverage5, with specks of at least one vertex.

    Parameters
    ----------
    hemi : {"L", "R"}

    Returns
    -------
    ndarray (10242,), int16
        Index into `load_regions`, 0 on the medial wall.

    Examples
    --------
    >>> surface_parcels("R").shape
    (10242,)
    """
    labels, mesh = surface_labels(hemi), template_mesh(hemi)
    points = (mesh.white + mesh.pial) / 2
    for label, centre in _speck_centres().items():
        place = np.flatnonzero(labels == label)
        if len(place):
            distance = np.linalg.norm(points[place] - centre, axis=1)
            labels[place] = _shrunk(label, points[place], centre)
            labels[place[distance.argmin()]] = label
    return labels


def _shrunk(label, points, centre):
    """New labels of the points (n, 3) of a region that becomes a speck."""
    regions = load_regions()
    specks = regions["name"].isin(value("speck_regions"))
    others = regions[~specks & (regions["hemi"] == regions.loc[label, "hemi"])]
    _, nearest = cKDTree(others[["x", "y", "z"]].to_numpy()).query(points)
    far = np.linalg.norm(points - centre, axis=1) > value("speck_radius")
    return np.where(far, others.index.to_numpy()[nearest], label).astype(np.int16)


def speck_table():
    """Which regions are specks, and what is left of them.

    Returns
    -------
    DataFrame
        index, name, x, y, z (middle of the speck, MNI152 mm), voxels_res2, voxels_res4 (how many
        the parcellation has at 2 and at 4 mm).

    Examples
    --------
    >>> speck_table()["voxels_res4"].tolist()
    [0, 0, 0, 0]
    """
    counts = {step: np.bincount(_parcels(step)[0].ravel(), minlength=256) for step in RESOLUTIONS}
    names = load_regions()["name"]
    rows = [
        {"index": label, "name": names[label]}
        | dict(zip("xyz", centre.tolist(), strict=True))
        | {f"voxels_res{step}": int(count[label]) for step, count in counts.items()}
        for label, centre in sorted(_speck_centres().items())
    ]
    return pd.DataFrame(rows)


def _label_gifti(labels, hemi, table):
    """Labels of one hemisphere with names and colours."""
    key_table = nib.gifti.GiftiLabelTable()
    for index, name, color in table[["index", "name", "color"]].itertuples(index=False):
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        entry = nib.gifti.GiftiLabel(index, *channels, alpha=float(index > 0))
        entry.label = name
        key_table.labels.append(entry)
    side = {"L": "CortexLeft", "R": "CortexRight"}[hemi]
    array = nib.gifti.GiftiDataArray(
        labels.astype(np.int32),
        intent="NIFTI_INTENT_LABEL",
        datatype="NIFTI_TYPE_INT32",
        meta=nib.gifti.GiftiMetaData({"Name": f"{ATLAS} parcellation"}),
    )
    about = {"AnatomicalStructurePrimary": side, "Description": _TEXT}
    return nib.gifti.GiftiImage(
        meta=nib.gifti.GiftiMetaData(about), labeltable=key_table, darrays=[array]
    )
