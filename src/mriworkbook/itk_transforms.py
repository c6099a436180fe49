"""Maps of points as lists of parts, and the ITK files in which ANTs and fMRIPrep keep them.

A part is an affine, ndarray (4, 4), or a pair: displacements (3, i, j, k) and the affine of their
grid. A map is a list of parts in the order in which a point goes through them. All is in RAS+ mm
here and in LPS+ mm in the files.
"""

from pathlib import Path

import h5py
import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from scipy import io, ndimage

from mriworkbook.practice._transforms import LPS

# ITK's names go on with the type of number and the dimensions: AffineTransform_double_3_3.
LINEAR = ("AffineTransform", "MatrixOffsetTransformBase")
SUFFIXES = (".h5", ".mat", ".txt", ".tfm", ".nii", ".nii.gz")


def move_points(points, parts):
    """Send points through a map.

    Displacements are read by linear interpolation and are 0 beyond their grid, as in ITK.

    Parameters
    ----------
    points : ndarray (..., 3)
        RAS+ mm
    parts : sequence
        See this module.

    Returns
    -------
    ndarray (..., 3), float64

    Examples
    --------
    >>> shift = np.array([[1.0, 0, 0, 5], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    >>> move_points(np.zeros((1, 3)), [shift, 2 * np.eye(4)]).tolist()
    [[10.0, 0.0, 0.0]]
    """
    points = np.asarray(points, dtype=np.float64)
    for part in parts:
        if isinstance(part, tuple):
            points = points + np.stack(_read(*part, points), axis=-1)
        else:
            points = apply_affine(part, points)
    return points


def determinant(points, parts):
    """Determinant of the derivative of a map, by the chain rule over its parts.

    The derivative of displacements is their central difference on their own grid.

    Parameters
    ----------
    points : ndarray (..., 3)
        RAS+ mm
    parts : sequence
        See this module.

    Returns
    -------
    ndarray (...)
        Below 0 where the map folds.

    Examples
    --------
    >>> determinant(np.zeros((1, 3)), [2 * np.eye(4), 0.5 * np.eye(4)]).tolist()
    [1.0]
    """
    points = np.asarray(points, dtype=np.float64)
    product = np.ones(points.shape[:-1])
    for number, part in enumerate(parts):
        if isinstance(part, tuple):
            (local,) = _read([_bending(*part)], part[1], points, outside=1)
            product *= local
        else:
            product *= np.linalg.det(part[:3, :3])
        if any(isinstance(later, tuple) for later in parts[number + 1 :]):
            points = move_points(points, [part])
    return product


def invert_linear(parts):
    """The map back, of a map without displacements; None if it has some.

    Examples
    --------
    >>> invert_linear([2 * np.eye(4), 3 * np.eye(4)])[0][0, 0].round(3).item()
    0.333
    """
    if any(isinstance(part, tuple) for part in parts):
        return None
    return [np.linalg.inv(part) for part in reversed(parts)]


def read_itk(path):
    """Read a transform that ITK, ANTs or fMRIPrep wrote.

    Parameters
    ----------
    path : str or Path
        Composite transform (.h5), affine (.mat, .txt, .tfm) or displacement field (.nii.gz).

    Returns
    -------
    list
        Parts; the map of points in the file, so the way against images.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or nothing in it that can be read as such a transform.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no transform {path}. Check the spelling and the folder; fMRIPrep calls it "
            "like from-T1w_to-SPACE_mode-image_xfm.h5."
        )
    readers = {".h5": _read_h5, ".mat": _read_mat, ".txt": _read_text, ".tfm": _read_text}
    readers |= {".nii": _read_field, ".gz": _read_field}
    if not path.name.endswith(SUFFIXES):
        raise ValueError(
            f"{path}: a transform of ITK ends in one of {', '.join(SUFFIXES)}. FreeSurfer's "
            "talairach.xfm is text: its last three lines are the rows of an affine, RAS+ mm."
        )
    try:
        return readers[path.suffix](path)
    except (OSError, KeyError, IndexError, nib.filebasedimages.ImageFileError) as error:
        raise ValueError(
            f"{path}: it cannot be read as a transform of ITK ({error}). Get or write it again."
        ) from error


def _read(volumes, grid_affine, points, outside=0):
    """Values of volumes at points, a list of ndarrays (...); `outside` beyond ITK's grid."""
    voxels = apply_affine(np.linalg.inv(grid_affine), points.reshape(-1, 3)).T
    size = np.array(volumes[0].shape)[:, np.newaxis]
    # ITK's grid ends half a voxel beyond its outermost points.
    within = np.all((voxels >= -0.5) & (voxels <= size - 0.5), axis=0)
    values = (ndimage.map_coordinates(v, voxels, order=1, mode="nearest") for v in volumes)
    return [np.where(within, v, outside).reshape(points.shape[:-1]) for v in values]


def _bending(displacement, grid_affine):
    """Determinant of the derivative of ``x + d(x)`` on the grid of d."""
    by_voxel = np.stack([np.gradient(d) for d in displacement])  # (component, axis, i, j, k)
    slopes = np.einsum("ca...,am->...cm", by_voxel, np.linalg.inv(grid_affine[:3, :3]))
    return np.linalg.det(np.eye(3) + slopes)


def _linear_part(kind, parameters, centre, path):
    """Affine of ITK's parameters: ``y = M (x - c) + c + t``."""
    if not kind.startswith(LINEAR) or len(parameters) != 12:
        raise ValueError(
            f"{path}: it holds a {kind}, which is not read here. Write it as an affine, "
            "for instance with antsApplyTransforms -o Linear[affine.mat]."
        )
    matrix, shift = np.reshape(parameters[:9], (3, 3)), np.asarray(parameters[9:])
    affine = np.eye(4)
    affine[:3, :3] = matrix
    affine[:3, 3] = shift + centre - matrix @ centre
    return LPS @ affine @ LPS


def _field_part(vectors, size, lps_affine):
    """Displacements of ITK's vectors; `vectors` has the components first."""
    displacement = vectors.reshape(3, *size) * LPS.diagonal()[:3].reshape(3, 1, 1, 1)
    return displacement.astype(np.float32), LPS @ lps_affine


def _read_h5(path):
    with h5py.File(path) as file:
        group = file["TransformGroup"]
        # ITK applies the last part first.
        numbers = sorted((int(name) for name in group), reverse=True)
        parts = [_h5_part(group[str(number)], path) for number in numbers]
    return [part for part in parts if part is not None]


def _h5_part(group, path):
    kind = group["TransformType"][0].decode()
    if kind.startswith("CompositeTransform"):
        return None
    # ITK before version 5 forgot an s.
    prefix = "Transform" if "TransformParameters" in group else "Tranform"
    parameters = group[f"{prefix}Parameters"][:]
    fixed = np.asarray(group[f"{prefix}FixedParameters"][:], dtype=np.float64)
    if kind.startswith("IdentityTransform"):
        return np.eye(4)
    if not kind.startswith("DisplacementFieldTransform"):
        return _linear_part(kind, parameters, fixed[:3], path)
    size, origin, spacing, direction = fixed[:3].astype(int), fixed[3:6], fixed[6:9], fixed[9:]
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = direction.reshape(3, 3) * spacing, origin
    return _field_part(parameters.reshape((3, *size), order="F"), size, affine)


def _read_mat(path):
    if b"\0" not in path.read_bytes()[:64]:
        raise ValueError(
            f"{path}: ITK's .mat is binary and this is text, perhaps FLIRT's, in another frame. "
            "Convert it with c3d_affine_tool -ref FIXED -src MOVING THIS.mat -fsl2ras -oitk X.txt"
        )
    fields = io.loadmat(path)
    kinds = [name for name in fields if "Transform" in name]
    if len(kinds) != 1 or "fixed" not in fields:
        raise ValueError(f"{path}: no transform of ITK in this file; it has {', '.join(fields)}.")
    return [_linear_part(kinds[0], fields[kinds[0]].ravel(), fields["fixed"].ravel(), path)]


def _read_text(path):
    lines = [line.partition(":") for line in path.read_text(encoding="utf-8").splitlines()]
    entries = [(key.strip(), value.split()) for key, _, value in lines if value.strip()]
    parts, kind, parameters = [], None, None
    for key, value in entries:
        if key == "Transform":
            kind = value[0]
        elif key == "Parameters":
            parameters = np.array(value, dtype=np.float64)
        elif key == "FixedParameters":
            parts.append(_linear_part(kind, parameters, np.array(value, dtype=np.float64), path))
    if not parts:
        raise ValueError(f"{path}: no transform in this text. Expected ITK's, 'Transform: ...'.")
    if len(parts) > 1:
        raise ValueError(
            f"{path}: it holds {len(parts)} transforms and expected was one. Head motion has one "
            "for each volume: write the one you need into a file of its own."
        )
    return parts


def _read_field(path):
    img = nib.load(path)
    if len(img.shape) != 5 or img.shape[3:] != (1, 3):
        raise ValueError(
            f"{path}: expected displacements of shape (i, j, k, 1, 3), got {img.shape}. "
            "Is this an image rather than a warp?"
        )
    vectors = np.moveaxis(np.asarray(img.dataobj, dtype=np.float32)[:, :, :, 0], -1, 0)
    return [_field_part(vectors, img.shape[:3], LPS @ img.affine)]
