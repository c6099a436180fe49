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


def person_affine(person, flowed_volume_ml):
    """Affine from template to scanner: head size, proportions, rotation and position.

    `flowed_volume_ml` is the volume of the template's brain after the diffeomorphism.
    """
    size = (person.brain_volume_ml / flowed_volume_ml / np.prod(person.proportions)) ** (1 / 3)
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


def _noise_velocity(rng, shape, sigma, mirror_share):
    """Smooth random flow; `mirror_share` of its variance is alike on the left and on the right."""
    own, common = (
        np.stack([smooth_noise(rng, shape, sigma / SPACING) for _ in range(3)]) for _ in range(2)
    )
    mirrored = common[:, ::-1] * np.array([-1, 1, 1], np.float32)[:, None, None, None]
    common = (common + mirrored) / np.float32(np.sqrt(2))
    return np.sqrt(1 - mirror_share) * own + np.sqrt(mirror_share) * common


def _by_depth(depth, name):
    """An amplitude that changes from the brain's surface (`name_shallow`) to its middle."""
    shallow, deep = value(f"{name}_shallow"), value(f"{name}_deep")
    return (shallow + (deep - shallow) * smooth_step(depth, 8, 22)).astype(np.float32)


def _growth_velocity(structure, structure_affine, points, sigma):
    """Flow down the slope of a structure's smoothed map, which widens it, and that map."""
    # One box of the structure is smoothed before a grid of 4 mm reads it.
    box = ndimage.find_objects(structure.astype(np.uint8))[0]
    part = ndimage.gaussian_filter(np.pad(structure[box].astype(np.float32), 8), 1.5)
    affine = structure_affine.copy()
    affine[:3, 3] += [b.start - 8 for b in box]
    bump = sample(part, affine, points)
    return -np.stack(np.gradient(ndimage.gaussian_filter(bump, sigma / SPACING))), bump


def _planted_velocity(person, template, hippocampus, points):
    """Growth of the ventricles and of the hippocampus, each a mean over the structure."""
    planted = (
        (template.ventricles, person.ventricle_log_growth, value("ventricle_sigma")),
        (hippocampus, person.hippocampus_log_growth, value("hippocampus_sigma")),
    )
    velocity = np.zeros(points.shape, np.float32)
    for structure, log_growth, sigma in planted:
        if log_growth:
            flow, where = _growth_velocity(structure, template.affine, points, sigma)
            mean = np.average(_divergence(flow), weights=where)
            velocity += flow * np.float32(log_growth / mean)
    return velocity


def make_deformation(person, template, hippocampus):
    """The deformation of one person.

    Parameters
    ----------
    person : parameters.Person
    template : anatomy.Template
        Its brain says where the Jacobian's SD is set.
    hippocampus : ndarray of bool
        Hippocampus of both sides on the template's grid.

    Returns
    -------
    Deformation
    """
    shape, affine = box_grid(LOW, HIGH, SPACING)
    points = grid_points(shape, affine)
    depth = sample(template.depth.astype(np.float32), template.affine, points)
    inside = depth > 0
    rng = generator(person.number, "velocity")
    grow = _planted_velocity(person, template, hippocampus, points)
    mirror_share = _by_depth(depth, "mirror_share")
    # Skulls are smoother than what they hold.
    calm = 1 - np.float32(value("velocity_skull_calm")) * smooth_step(-depth, -6, 6)
    parts = []
    for name, factor in (("jacobian_correlation_length", calm), ("velocity_coarse_sigma", 1)):
        part = factor * _noise_velocity(rng, shape, value(name), mirror_share)
        parts.append(part / _divergence(part)[inside].std())
    share = value("velocity_coarse_share")
    noise = np.sqrt(1 - share) * parts[0] + np.sqrt(share) * parts[1]
    noise *= _by_depth(depth, "velocity")
    # The planted share of the variance is given; the noise takes what is left of it.
    left = value("jacobian_sd") ** 2 - _divergence(grow)[inside].var()
    noise *= np.sqrt(left) / _divergence(noise)[inside].std()
    velocity = (noise + grow) * _taper(shape)
    forward = exponential(velocity)
    backward = _invert(forward, exponential(-velocity, order=1))
    coefficients = [
        np.stack([ndimage.spline_filter(c * SPACING, output=np.float32) for c in field])
        for field in (forward, backward)
    ]
    flow = Deformation(np.eye(4), affine, *coefficients)
    growth = jacobian_determinant(flow, points[:, inside]).mean(dtype=float)
    return flow._replace(affine=person_affine(person, template.volume_ml * growth))


def _taper(shape, width=5):
    """1 inside, 0 on the faces of the grid, so that no flow leaves it."""
    ramps = [smooth_step(np.minimum(np.arange(n), n - 1 - np.arange(n)), 0, width) for n in shape]
    return (ramps[0][:, None, None] * ramps[1][None, :, None] * ramps[2]).astype(np.float32)


def _invert(forward, guess, iterations=8):
    """Polish exp(-v) until it inverts the gridded exp(v): w(x) = -u(x + w(x)).

    Where the flow widens, whole steps would overshoot more each time; there they are shortened.
    """
    index = np.indices(forward.shape[1:], dtype=np.float32)
    widening = ndimage.map_coordinates(
        np.maximum(_divergence(forward), 0), index + guess, order=1, mode="nearest"
    )
    step = 1 / (1 + widening / 2)
    coefficients = [ndimage.spline_filter(c, output=np.float32) for c in forward]
    inverse = guess
    for _ in range(iterations):
        there = [
            ndimage.map_coordinates(c, index + inverse, order=3, mode="nearest", prefilter=False)
            for c in coefficients
        ]
        inverse = inverse - step * (np.stack(there) + inverse)
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
