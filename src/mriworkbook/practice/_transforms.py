"""Registrations as ITK composite transforms (.h5), the files fMRIPrep writes.

A file named ``from-T1w_to-SPACE_mode-image`` resamples an image from T1w to SPACE, so the map of
points in it runs the other way, SPACE -> T1w. ITK keeps the parts in the order in which they were
added and applies the last one first. All is in ITK's LPS+ millimetres; a field of vectors lies in
the file with the components together and the first array axis next.
"""

import h5py
import numpy as np

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def write_composite(path, parts):
    """Write a composite transform.

    Parameters
    ----------
    path : Path
        Ends in .h5.
    parts : list
        In the order in which a point goes through them; each is an affine, ndarray (4, 4), or a
        pair of displacements (3, i, j, k) and the affine (4, 4) of their grid. RAS+ mm.

    References
    ----------
    ITK, Modules/IO/TransformHDF5 (file layout); Avants 2014, 10.3389/fninf.2014.00044.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "shift.h5")
    ...     write_composite(path, [np.eye(4)])
    ...     with h5py.File(path) as file:
    ...         print(file["TransformGroup/1/TransformType"][0].decode())
    AffineTransform_float_3_3
    """
    with h5py.File(path, "w") as file:
        group = file.create_group("TransformGroup")
        _add(group, 0, "CompositeTransform")
        for number, part in enumerate(reversed(parts), start=1):
            if isinstance(part, tuple):
                _add(group, number, "DisplacementFieldTransform", *_field(*part))
            else:
                _add(group, number, "AffineTransform", *_linear(part))


def _add(group, number, kind, parameters=None, fixed=None):
    part = group.create_group(str(number))
    text = h5py.string_dtype("ascii")
    part.create_dataset("TransformType", data=[f"{kind}_float_3_3"], dtype=text)
    if parameters is None:
        return
    part.create_dataset("TransformFixedParameters", data=np.asarray(fixed, np.float64))
    squeeze = {"compression": "gzip", "shuffle": True} if len(parameters) > 12 else {}
    part.create_dataset("TransformParameters", data=parameters.astype(np.float32), **squeeze)


def _linear(affine):
    """Matrix row by row and translation; the centre of rotation is the origin."""
    affine = LPS @ affine @ LPS
    return np.concatenate([affine[:3, :3].ravel(), affine[:3, 3]]), np.zeros(3)


def _field(displacement, grid_affine):
    """Vectors, and the grid as size, origin, spacing and direction."""
    shape = displacement.shape[1:]
    spacing = np.linalg.norm(grid_affine[:3, :3], axis=0)
    direction = LPS[:3, :3] @ grid_affine[:3, :3] / spacing
    fixed = [*shape, *(LPS @ grid_affine)[:3, 3], *spacing, *direction.ravel()]
    vectors = displacement * np.array([-1, -1, 1], np.float32).reshape(3, 1, 1, 1)
    return vectors.ravel(order="F"), fixed
