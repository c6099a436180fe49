"""The affine to MNI305 that FreeSurfer calls talairach.xfm."""

import numpy as np

from mriworkbook.practice import _mesh
from mriworkbook.practice._fields import generator, sample, smooth_noise, transform
from mriworkbook.practice._mapping import to_image
from mriworkbook.practice.parameters import value


def fit_affine(source, target):
    """Affine that takes points to points with the least squared distance.

    Parameters
    ----------
    source, target : ndarray (3, n)

    Returns
    -------
    ndarray (4, 4)

    Examples
    --------
    >>> points = np.array([[0.0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    >>> fit_affine(points, 2 * points + 1)[0].round(6).tolist()
    [2.0, 0.0, 0.0, 1.0]
    """
    rows = np.vstack([source, np.ones(source.shape[1])])
    # einsum without BLAS, whose rounding depends on its threads.
    square = np.einsum("in,jn->ij", rows, rows, optimize=False)
    mixed = np.einsum("in,jn->ij", rows, target, optimize=False)
    affine = np.eye(4)
    affine[:3] = np.linalg.solve(square, mixed).T
    return affine


def talairach(person, mapping):
    """Affine from the T1w's world to MNI305, fitted to where a tool finds the template.

    The tool takes template point x for T(x + e(x)), with e smooth noise.

    Parameters
    ----------
    person : parameters.Person
    mapping : _mapping.Mapping

    Returns
    -------
    ndarray (4, 4)
    """
    volume, affine = mapping.forward
    rng, spacing = generator(person.number, "talairach"), float(np.linalg.norm(affine[:3, 0]))
    points = np.concatenate([_mesh.template_mesh(hemi).white for hemi in _mesh.HEMISPHERES]).T
    sigma = value("talairach_error_sigma") / spacing
    noise = [smooth_noise(rng, volume.shape[:3], sigma) for _ in range(3)]
    error = value("talairach_error_sd") * np.stack([sample(n, affine, points) for n in noise])
    seen = to_image(mapping, points + error)
    return fit_affine(seen, transform(np.linalg.inv(_mesh.MNI305_TO_MNI152), points))


def xfm_text(affine):
    """Text of an MNI transform file.

    Examples
    --------
    >>> print(xfm_text(np.eye(4)).splitlines()[-1])
    0.000000 0.000000 1.000000 0.000000;
    """
    rows = [" ".join(f"{number:.6f}" for number in row) for row in affine[:3]]
    return (
        "MNI Transform File\n% simulated by mriworkbook.practice\n\n"
        "Transform_Type = Linear;\nLinear_Transform = \n" + "\n".join(rows) + ";\n"
    )
