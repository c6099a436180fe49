"""FreeSurfer's cube and its binary files."""

import colorsys

import nibabel as nib
import numpy as np

from mriworkbook.practice.regions import load_regions

# Where FreeSurfer writes who made a file, and when.
STAMP = "simulated by mriworkbook.practice"


def cube_affine(img, spacing):
    """Voxels per side and affine of FreeSurfer's cube: LIA, 256 mm, centred on the field of view.

    Parameters
    ----------
    img : Nifti1Image
    spacing : float
        mm.

    Returns
    -------
    n : int
    affine : ndarray (4, 4)

    Examples
    --------
    >>> n, affine = cube_affine(nib.Nifti1Image(np.zeros((4, 4, 4)), np.eye(4)), 2.0)
    >>> n, (affine @ [n / 2, n / 2, n / 2, 1]).tolist()
    (128, [2.0, 2.0, 2.0, 1.0])
    """
    n = round(256 / spacing)
    affine = np.diag([0.0, 0.0, 0.0, 1.0])
    affine[:3, :3] = spacing * np.array([[-1, 0, 0], [0, 0, 1], [0, -1, 0]])
    centre = img.affine @ [*(np.array(img.shape[:3]) / 2), 1]
    affine[:3, 3] = centre[:3] - affine[:3, :3] @ np.full(3, n / 2)
    return n, affine


def cube_geometry(img, spacing):
    """The footer of a surface file, by which a viewer finds the scanner's coordinates.

    Surface points are in "surface RAS": scanner coordinates less ``cras``, the cube's centre
    (https://surfer.nmr.mgh.harvard.edu/fswiki/CoordinateSystems).
    """
    n, affine = cube_affine(img, spacing)
    x, y, z = (affine[:3, :3] / spacing).T
    return {
        "head": np.array([2, 0, 20], np.int32),
        "valid": "1  # volume info valid",
        "filename": "../mri/orig.mgz",
        "volume": np.array([n, n, n]),
        "voxelsize": np.full(3, spacing),
        "xras": x,
        "yras": y,
        "zras": z,
        "cras": affine[:3] @ [n / 2, n / 2, n / 2, 1],
    }


def write_surface(path, points, faces, geometry):
    """Write a triangle file; the stamp is constant, so that equal surfaces are equal files."""
    nib.freesurfer.write_geometry(
        path, points.astype(np.float32), faces, create_stamp=STAMP, volume_info=geometry
    )


def write_morphometry(path, values, n_faces):
    """Write a vertex map ("curv" file)."""
    nib.freesurfer.write_morph_data(path, values.astype(np.float32), fnum=n_faces)


def annotation_table():
    """Colours and names of all regions: one hue a network, one shade a region.

    Returns
    -------
    colours : ndarray (n + 1, 5), int
        Red, green, blue, transparency and a column for the value, which the writer fills.
    names : list of str
        "unknown" first.

    Examples
    --------
    >>> colours, names = annotation_table()
    >>> len(np.unique(colours[:, :3], axis=0)) == len(names)
    True
    """
    table = load_regions()
    networks = sorted(table["network"].unique())
    colours = [(25, 5, 25)]
    for (network, hemi), regions in table.groupby(["network", "hemi"], sort=False):
        # Hemispheres differ by a trace of hue, so that no two regions have one colour.
        hue = (networks.index(network) + 0.1 * (hemi == "R")) / len(networks)
        for shade in np.linspace(0.5, 1.0, len(regions)):
            rgb = colorsys.hsv_to_rgb(hue, 1.1 - 0.6 * shade, shade)
            colours.append(tuple(round(255 * channel) for channel in rgb))
    rows = np.zeros((len(colours), 5), int)
    rows[:, :3] = colours
    return rows, ["unknown", *table["name"]]
