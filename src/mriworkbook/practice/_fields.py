"""Random fields, grids and interpolation shared by the simulation."""

import numpy as np
from scipy import ndimage

from mriworkbook.practice.parameters import MASTER_SEED


def generator(number, purpose):
    """Random generator for one person and one purpose, independent of all others.

    Examples
    --------
    >>> bool(generator(1, "noise").random() == generator(1, "noise").random())
    True
    """
    entropy = [MASTER_SEED, number, *purpose.encode()]
    return np.random.default_rng(np.random.SeedSequence(entropy))


def box_grid(low, high, spacing):
    """Shape and affine of an axis-aligned RAS grid whose first and last centres are low and high.

    Examples
    --------
    >>> box_grid((-4, -4, 0), (4, 4, 8), 4)[0]
    (3, 3, 3)
    """
    low, high = np.asarray(low, float), np.asarray(high, float)
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = low
    return tuple(int(n) for n in np.round((high - low) / spacing).astype(int) + 1), affine


def grid_points(shape, affine, first=(0, 0, 0)):
    """World coordinates of voxel centres from voxel `first` on, float32, shape (3, *shape)."""
    i, j, k = (np.arange(f, f + n, dtype=np.float32) for n, f in zip(shape, first, strict=True))
    affine = np.asarray(affine, np.float32)
    return np.stack(
        [
            row[0] * i[:, None, None] + row[1] * j[None, :, None] + row[2] * k + row[3]
            for row in affine[:3]
        ]
    )


def transform(affine, points):
    """Apply a 4 x 4 affine to points of shape (3, ...).

    Written out: a matrix product would go to BLAS, whose rounding depends on its threads.

    Examples
    --------
    >>> transform(np.diag([2, 2, 2, 1]), np.ones((3, 1))).ravel().tolist()
    [2.0, 2.0, 2.0]
    """
    affine = np.asarray(affine, points.dtype)
    return np.stack(
        [r[0] * points[0] + r[1] * points[1] + r[2] * points[2] + r[3] for r in affine[:3]]
    )


def sample(volume, affine, points, order=1, prefilter=True):
    """Interpolate `volume` at world points (3, ...); outside, the nearest edge value."""
    inverse = np.linalg.inv(affine)
    return ndimage.map_coordinates(
        volume,
        transform(inverse, points),
        order=order,
        mode="nearest",
        prefilter=prefilter,
        output=np.float32,
    )


def sample_stack(stack, affine, points, block=1 << 14):
    """Trilinear values of several maps at once.

    Parameters
    ----------
    stack : ndarray (i, j, k, m)
        m maps; neighbours in memory, which makes this faster than m calls of `sample`.
    affine : ndarray (4, 4)
    points : ndarray (3, n)
        World coordinates; outside, the nearest edge value.

    Returns
    -------
    ndarray (m, n), float32

    Examples
    --------
    >>> stack = np.arange(8.0, dtype=np.float32).reshape(2, 2, 2, 1)
    >>> sample_stack(stack, np.eye(4), np.full((3, 1), 0.5, np.float32)).item()
    3.5
    """
    shape, flat = stack.shape[:3], stack.reshape(-1, stack.shape[3])
    last = np.array(shape, np.float32)[:, None] - 1.001
    inverse = np.linalg.inv(affine)
    out = np.empty((stack.shape[3], points.shape[1]), np.float32)
    for start in range(0, points.shape[1], block):
        place = np.clip(transform(inverse, points[:, start : start + block]), 0, last)
        low = place.astype(np.int32)
        sides = 1 - (place - low), place - low
        base = (low[0] * shape[1] + low[1]) * shape[2] + low[2]
        total = np.zeros((place.shape[1], stack.shape[3]), np.float32)
        for i, j, k in np.ndindex(2, 2, 2):
            corner = flat.take(base + ((i * shape[1] + j) * shape[2] + k), axis=0)
            weight = sides[i][0] * sides[j][1] * sides[k][2]
            total += corner.astype(np.float32) * weight[:, None]
        out[:, start : start + block] = total.T
    return out


def smooth_noise(rng, shape, sigma):
    """White noise smoothed by a Gaussian of `sigma` voxels (one or per axis), mean 0 and SD 1.

    Broad fields are made on a coarser grid and enlarged by cubic splines. float32.

    Examples
    --------
    >>> field = smooth_noise(np.random.default_rng(0), (20, 20, 20), 2)
    >>> bool(abs(field.std() - 1) < 1e-3)
    True
    """
    sigma = np.broadcast_to(np.asarray(sigma, float), 3)
    step = np.maximum(1.0, sigma / 2.0)
    # A margin, or the two ends of an axis would be alike (the filter wraps round).
    margin = np.ceil(2 * sigma / step).astype(int)
    coarse = np.ceil((np.array(shape) - 1) / step).astype(int) + 2 + 2 * margin
    noise = rng.standard_normal(coarse, dtype=np.float32)
    noise = ndimage.gaussian_filter(noise, sigma / step, mode="wrap")
    for axis, n in enumerate(shape):
        positions = np.arange(n, dtype=np.float32) / np.float32(step[axis]) + margin[axis]
        if step[axis] > 1:
            noise = _resize(noise, axis, positions)
        else:
            noise = noise.take(np.arange(n) + margin[axis], axis=axis)
    return ((noise - noise.mean()) / noise.std()).astype(np.float32)


def _resize(volume, axis, positions):
    """Cubic interpolation along one axis (separable, hence cheap)."""
    weights = ndimage.map_coordinates(
        np.eye(volume.shape[axis], dtype=np.float32),
        np.meshgrid(positions, np.arange(volume.shape[axis]), indexing="ij"),
        order=3,
        mode="nearest",
    )
    # einsum without BLAS, for the reason given at `transform`.
    smooth = np.einsum("ij,j...->i...", weights, np.moveaxis(volume, axis, 0), optimize=False)
    return np.moveaxis(smooth, 0, axis)


def band_noise(rng, shape, sigma):
    """Difference of two smoothed copies of one noise: a field with a typical wavelength.

    The zero surfaces of it are sheets about ``3 * sigma`` apart (sigma in voxels, one or per axis).
    """
    sigma = np.asarray(sigma, float)
    noise = rng.standard_normal([n + 8 for n in shape], dtype=np.float32)
    field = ndimage.gaussian_filter(noise, sigma) - ndimage.gaussian_filter(noise, 1.6 * sigma)
    field = field[4:-4, 4:-4, 4:-4]
    return (field / field.std()).astype(np.float32)


def smooth_step(values, low, high):
    """0 below `low`, 1 above `high`, smooth between; `low` > `high` turns it round."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def refine(volume):
    """Halve the spacing of a volume by linear interpolation: n voxels become 2 n - 1.

    Examples
    --------
    >>> refine(np.arange(3.0).reshape(3, 1, 1)).ravel().tolist()
    [0.0, 0.5, 1.0, 1.5, 2.0]
    """
    for axis in range(3):
        volume = np.moveaxis(volume, axis, 0)
        fine = np.empty((2 * len(volume) - 1, *volume.shape[1:]), volume.dtype)
        fine[::2] = volume
        fine[1::2] = (volume[:-1] + volume[1:]) / 2
        volume = np.moveaxis(fine, 0, axis)
    return np.ascontiguousarray(volume)


def signed_distance(mask, spacing=1.0):
    """Distance to the mask's surface in mm, positive inside, smoothed below one voxel."""
    inside = ndimage.distance_transform_edt(mask).astype(np.float32)
    inside -= ndimage.distance_transform_edt(~mask).astype(np.float32)
    inside -= 0.5 * np.sign(inside)
    return ndimage.gaussian_filter(inside * spacing, 0.7)
