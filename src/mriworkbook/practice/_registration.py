"""Where the simulated fMRIPrep believes a person to be: the erring map E and its inverse.

The truth is T, template point -> scanner point. A registration does not find T but
``E(x) = T(x + e(x))`` with a smooth error e of frozen amplitude. E is kept as tools keep it, an
affine and displacements on a 4 mm template grid that are read by linear interpolation:
``E(x) = A (x + d(x))`` and ``E^-1(y) = z + w(z)`` with ``z = A^-1 y``.
"""

from typing import NamedTuple

import nibabel as nib
import numpy as np
from nibabel.orientations import io_orientation
from nilearn import datasets
from scipy import ndimage

from mriworkbook.practice import truth_path
from mriworkbook.practice._fields import generator, grid_points, sample, smooth_noise, transform
from mriworkbook.practice._files import raw_path
from mriworkbook.practice._mapping import array_mirror
from mriworkbook.practice.parameters import PEOPLE, value


class Registration(NamedTuple):
    """Affine (template to scanner, mm) and the displacements d and w (3, *grid) in template mm."""

    affine: np.ndarray
    grid_affine: np.ndarray
    forward: np.ndarray
    backward: np.ndarray


def register(root, label):
    """The erring registration of one person.

    Parameters
    ----------
    root : Path
        Folder of the practice study; the person's truth and raw image must be there.
    label : str

    Returns
    -------
    Registration
    """
    person = PEOPLE[label]
    img = nib.load(truth_path(root, label, "warp_from_template"))
    truth = np.moveaxis(np.asarray(img.dataobj, np.float32), -1, 0)
    if person.fault == "flip":
        truth = mirror_map(truth, nib.load(raw_path(root, label)))
    points = grid_points(truth.shape[1:], img.affine)
    affine = fit_affine(points, truth, _in_brain(points))
    spacing = img.affine[0, 0]
    error = registration_error(person.number, truth.shape[1:], spacing)
    moved = points + error
    # Beyond the grid the bending of its face goes on, and the affine part with the point.
    bend = truth - transform(affine, points)
    there = transform(affine, moved)
    there += np.stack([sample(part, img.affine, moved, order=3) for part in bend])
    forward = _in_steps(transform(np.linalg.inv(affine), there) - points)
    backward = _in_steps(for_linear_reading(invert(forward, spacing)))
    return Registration(affine, img.affine, forward, backward)


def registration_error(number, shape, spacing):
    """The error e of one person's registration: smooth noise, each component for itself.

    Parameters
    ----------
    number : int
        Of the person.
    shape : tuple of int
    spacing : float
        Of the grid, mm.

    Returns
    -------
    ndarray (3, *shape), float32
        Template millimetres; the SD of each component is ``registration_error_sd``.

    Examples
    --------
    >>> error = registration_error(1, (20, 20, 20), 4.0)
    >>> bool(np.allclose(error.std(axis=(1, 2, 3)), value("registration_error_sd"), atol=1e-3))
    True
    """
    rng = generator(number, "registration")
    sigma = value("registration_error_sigma") / spacing
    return value("registration_error_sd") * np.stack(
        [smooth_noise(rng, shape, sigma) for _ in range(3)]
    )


def fit_affine(source, target, inside):
    """Least-squares affine that takes `source` to `target`, both (3, ...), where `inside`.

    Examples
    --------
    >>> points = grid_points((4, 4, 4), np.eye(4))
    >>> fit = fit_affine(points, 2 * points + 1, np.ones((4, 4, 4), bool))
    >>> fit.round(6).tolist()[0]
    [2.0, 0.0, 0.0, 1.0]
    """
    x, y = source[:, inside].astype(float), target[:, inside].astype(float)
    middle = x.mean(axis=1), y.mean(axis=1)
    x, y = x - middle[0][:, None], y - middle[1][:, None]
    # Sums written out, without BLAS: its rounding depends on its threads.
    spread = np.einsum("in,jn->ij", x, x, optimize=False)
    affine = np.eye(4)
    affine[:3, :3] = np.linalg.solve(spread, np.einsum("in,jn->ij", x, y, optimize=False)).T
    affine[:3, 3] = middle[1] - affine[:3, :3] @ middle[0]
    return affine


def mirror_map(points, img):
    """The map of a head whose image is stored left-right mirrored under an unmirrored header.

    A registration follows what it sees. The template is symmetric, so it finds
    ``x -> M T(m x)``: m mirrors the template at x = 0, M the scanner at the middle of the image.

    Parameters
    ----------
    points : ndarray (3, i, j, k)
        The true map on a template grid that is symmetric about x = 0.
    img : Nifti1Image
        The mirrored raw image.

    Returns
    -------
    ndarray (3, i, j, k), float32
    """
    return transform(array_mirror(img), points[:, ::-1])


def left_right_axis(img):
    """Which array axis of an image runs left-right."""
    return int(np.argmin(io_orientation(img.affine)[:, 0]))


def _in_brain(points):
    mask = datasets.load_mni152_brain_mask(resolution=2)
    return sample(np.asarray(mask.dataobj, np.float32), mask.affine, points) > 0.5


def _in_steps(displacement):
    # A step of 1/64 mm leaves zeros in the float32 mantissa, which compress.
    return (np.round(displacement * 64) / 64).astype(np.float32)


def invert(forward, spacing, iterations=30, step=0.7):
    """Displacements w that undo d: at every grid point z, ``x + d(x) = z`` for ``x = z + w(z)``.

    Parameters
    ----------
    forward : ndarray (3, i, j, k)
        d in mm on a grid whose axes are the coordinate axes; linear between its points.
    spacing : float
        mm
    iterations : int
    step : float
        Part of the error that is taken back in each iteration; below 1, or steep places oscillate.

    Returns
    -------
    ndarray (3, i, j, k), float32

    Examples
    --------
    >>> invert(np.full((3, 4, 4, 4), 0.25, np.float32), 2.0).max().round(4).item()
    -0.25
    """
    grid = np.diag([spacing, spacing, spacing, 1.0])
    nodes = grid_points(forward.shape[1:], grid)
    w = -forward
    for _ in range(iterations):
        w = w - step * (w + _read(forward, grid, nodes + w))
    return w


def for_linear_reading(field):
    """Values whose linear interpolation is nearest to a smooth field, in the mean square.

    Linear interpolation of u between points h apart is off by ``h^2 u'' / 12`` on average, so that
    much is taken off along each axis (u'' from second differences): the error that is left has an
    RMS of ``h^2 u'' / sqrt(720)`` instead of ``h^2 u'' / sqrt(120)``.

    Parameters
    ----------
    field : ndarray (m, i, j, k)

    Returns
    -------
    ndarray (m, i, j, k)

    Examples
    --------
    >>> square = np.arange(5.0).reshape(1, 5, 1, 1) ** 2
    >>> (for_linear_reading(square) - square).ravel()[2].round(4).item()
    -0.1667
    """
    bending = [
        ndimage.correlate1d(field, [1, -2, 1], axis=axis, mode="nearest") for axis in (1, 2, 3)
    ]
    return field - sum(bending) / 12


def _read(displacement, grid_affine, points):
    return np.stack([sample(part, grid_affine, points) for part in displacement])


def to_scanner(registration, points):
    """Template points (3, ...) in mm -> where the registration puts them in the scanner."""
    moved = points + _read(registration.forward, registration.grid_affine, points)
    return transform(registration.affine, moved)


def to_template(registration, points):
    """Scanner points (3, ...) in mm -> where the registration puts them in the template."""
    back = transform(np.linalg.inv(registration.affine), points)
    return back + _read(registration.backward, registration.grid_affine, back)
