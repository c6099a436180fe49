"""A person's place in the scanner: affine times a known diffeomorphism, in both directions.

Template points go to the scanner by ``T(x) = A @ exp(v)(x)``; scanner points come back by
``exp(-v)(A^-1 @ y)``. The velocity v is a smooth random field (Arsigny 2006,
10.1007/11866565_113); both exponentials are displacements on one 4 mm grid read by cubic splines.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from mriworkbook.practice._fields import (
    box_grid,
    generator,
    grid_points,
    sample,
    smooth_noise,
    smooth_step,
    transform,
)
from mriworkbook.practice.parameters import value

SPACING = 4.0
# Everything that can be in a field of view, in template millimetres.
LOW, HIGH = (-108.0, -148.0, -180.0), (108.0, 136.0, 120.0)
SQUARINGS = 5


class Deformation(NamedTuple):
    """Affine (template to scanner) and spline coefficients of both displacements (3, *grid)."""

    affine: np.ndarray
    grid_affine: np.ndarray
    forward: np.ndarray
    backward: np.ndarray


def rotation(degrees):
    """Rotation matrix about x, then y, then z.

    Examples
    --------
    >>> rotation((0, 0, 90)).round(3)[1].tolist()
    [1.0, 0.0, 0.0]
    """
    matrix = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        i, j = [n for n in range(3) if n != axis]
        turn = np.eye(3)
        sign = -1 if axis == 1 else 1
        turn[i, i] = turn[j, j] = np.cos(angle)
        turn[j, i], turn[i, j] = sign * np.sin(angle), -sign * np.sin(angle)
        matrix = turn @ matrix
    return matrix


def person_affine(person, template_volume_ml):
    """Affine from template to scanner: head size, proportions, rotation and position."""
    size = (person.brain_volume_ml / template_volume_ml / np.prod(person.proportions)) ** (1 / 3)
    rng = generator(person.number, "position")
    affine = np.eye(4)
    affine[:3, :3] = rotation(person.head_rotation) @ np.diag(size * np.array(person.proportions))
    affine[:3, 3] = rng.uniform(-1, 1, 3) * value("head_position")
    return affine


def _add_displacement(first, second, order):
    """Displacement of going along `first`, then along `second` (voxel units)."""
    shape = first.shape[1:]
    where = first + np.indices(shape, dtype=np.float32)
    return first + np.stack(
        [ndimage.map_coordinates(c, where, order=order, mode="nearest") for c in second]
    )


def exponential(velocity, squarings=SQUARINGS, order=3):
    """Displacement of the flow of a stationary velocity after unit time, both in voxels.

    Scaling and squaring: a short step, composed with itself `squarings` times.

    Parameters
    ----------
    velocity : ndarray (3, i, j, k)
    squarings : int
    order : int
        Of the interpolating spline.

    Returns
    -------
    ndarray (3, i, j, k), float32

    Examples
    --------
    >>> bool(np.allclose(exponential(np.full((3, 8, 8, 8), 0.5, np.float32)), 0.5, atol=1e-5))
    True
    """
    displacement = (velocity / 2**squarings).astype(np.float32)
    for _ in range(squarings):
        displacement = _add_displacement(displacement, displacement, order)
    return displacement


def _divergence(velocity):
    return sum(np.gradient(velocity[axis], axis=axis) for axis in range(3))


def _noise_velocity(rng, shape, sigma):
    return np.stack([smooth_noise(rng, shape, sigma / SPACING) for _ in range(3)])


def _ventricle_velocity(ventricles, ventricles_affine, points, log_growth):
    """Flow that widens the ventricles: down the slope of their smoothed map."""
    bump = sample(ventricles, ventricles_affine, points)
    bump = ndimage.gaussian_filter(bump, value("ventricle_sigma") / SPACING)
    flow = -np.stack(np.gradient(bump))
    return (flow * log_growth / _divergence(flow).max()).astype(np.float32)


def make_deformation(person, brain, ventricles, maps_affine, template_volume_ml):
    """The deformation of one person.

    Parameters
    ----------
    person : parameters.Person
    brain, ventricles : ndarray (i, j, k)
        Maps in template space; the brain's says where the Jacobian's SD is set.
    maps_affine : ndarray (4, 4)
    template_volume_ml : float
        Volume of the template's brain mask.

    Returns
    -------
    Deformation
    """
    shape, affine = box_grid(LOW, HIGH, SPACING)
    points = grid_points(shape, affine)
    inside = sample(brain, maps_affine, points) > 0.5
    rng = generator(person.number, "velocity")
    grow = _ventricle_velocity(ventricles, maps_affine, points, person.ventricle_log_growth)
    parts = []
    for sigma in (value("jacobian_correlation_length"), value("velocity_coarse_sigma")):
        part = _noise_velocity(rng, shape, sigma)
        parts.append(part / _divergence(part)[inside].std())
    share = value("velocity_coarse_share")
    noise = np.sqrt(1 - share) * parts[0] + np.sqrt(share) * parts[1]
    # The ventricles' share of the variance is given; the noise takes what is left of it.
    left = value("jacobian_sd") ** 2 - _divergence(grow)[inside].var()
    noise *= np.sqrt(left) / _divergence(noise)[inside].std()
    velocity = (noise + grow) * _taper(shape)
    forward = exponential(velocity)
    backward = _invert(forward, exponential(-velocity, order=1))
    coefficients = [
        np.stack([ndimage.spline_filter(c * SPACING, output=np.float32) for c in field])
        for field in (forward, backward)
    ]
    return Deformation(person_affine(person, template_volume_ml), affine, *coefficients)


def _taper(shape, width=5):
    """1 inside, 0 on the faces of the grid, so that no flow leaves it."""
    ramps = [smooth_step(np.minimum(np.arange(n), n - 1 - np.arange(n)), 0, width) for n in shape]
    return (ramps[0][:, None, None] * ramps[1][None, :, None] * ramps[2]).astype(np.float32)


def _invert(forward, guess, iterations=5):
    """Polish exp(-v) until it inverts the gridded exp(v): w(x) = -u(x + w(x))."""
    coefficients = [ndimage.spline_filter(c, output=np.float32) for c in forward]
    inverse, index = guess, np.indices(forward.shape[1:], dtype=np.float32)
    for _ in range(iterations):
        inverse = -np.stack(
            [
                ndimage.map_coordinates(
                    c, index + inverse, order=3, mode="nearest", prefilter=False
                )
                for c in coefficients
            ]
        )
    return inverse


def _displace(points, coefficients, grid_affine):
    moved = [sample(c, grid_affine, points, order=3, prefilter=False) for c in coefficients]
    return points + np.stack(moved)


def to_scanner(deformation, points):
    """Template points (3, ...) in mm -> scanner points."""
    moved = _displace(points, deformation.forward, deformation.grid_affine)
    return transform(deformation.affine, moved)


def to_template(deformation, points):
    """Scanner points (3, ...) in mm -> template points."""
    back = transform(np.linalg.inv(deformation.affine), points)
    return _displace(back, deformation.backward, deformation.grid_affine)


def jacobian_determinant(deformation, points, step=1.0):
    """Determinant of the derivative of `to_scanner` at template points, affine part included."""
    columns = []
    for axis in range(3):
        shift = np.zeros((3,) + (1,) * (points.ndim - 1), points.dtype)
        shift[axis] = step / 2
        ahead, behind = (to_scanner(deformation, points + s) for s in (shift, -shift))
        columns.append((ahead - behind) / step)
    return np.linalg.det(np.moveaxis(np.stack(columns), (0, 1), (-1, -2))).astype(np.float32)
