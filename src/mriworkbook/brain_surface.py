"""Grow a closed surface to the rim of the brain, the idea of BET (Smith 2002)."""

import numpy as np
from scipy import ndimage, sparse

HEAD_HEIGHT = 170.0  # mm; below the crown by more than this is neck, not head
DEPTH_DARK, DEPTH_BRIGHT = 20.0, 10.0  # mm; how far inwards minimum and maximum are sought
RADIUS_MIN, RADIUS_MAX = 3.33, 10.0  # mm; curvature below and above which smoothing is weak, strong


def grow(data, voxel_size, *, fraction=0.5, n_iterations=600):
    """Mask of the brain in a whole head.

    A sphere in the middle of the head grows until the darkest voxel on the way inwards falls below
    a fraction of the brightest, while neighbouring vertices hold each other back. Formulas and
    constants are those of Smith 2002.

    Parameters
    ----------
    data : ndarray, shape (x, y, z)
        T1w intensities, axes right, anterior, superior; voxels are cubes.
    voxel_size : float
        Edge of a voxel in mm.
    fraction : float
        0 to 1, higher makes the mask smaller.
    n_iterations : int
        600 are enough at 2 mm (the paper takes 1000).

    Returns
    -------
    ndarray of bool, shape (x, y, z)
        Everything the surface encloses or touches, hence up to a voxel beyond the rim.

    Raises
    ------
    ValueError
        If nearly all voxels are equal.

    References
    ----------
    Smith 2002, 10.1002/hbm.10062.

    Examples
    --------
    >>> x, y, z = np.indices((40, 40, 40)) - 19.5
    >>> ball = x**2 + y**2 + z**2 < 12**2
    >>> mask = grow(ball.astype(np.float32) * 100, 4.0)
    >>> bool(1 < mask.sum() / ball.sum() < 1.3)
    True
    """
    levels, center, radius = _levels(data, voxel_size)
    vertices, faces = icosphere(4)
    vertices = vertices * radius / 2 + center
    corners = sparse.csr_matrix(
        (np.ones(faces.size), (faces.ravel(), np.repeat(np.arange(len(faces)), 3)))
    )
    edges = np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    neighbours = sparse.csr_matrix((np.ones(len(edges)), edges.T), (len(vertices),) * 2)
    n_neighbours = np.asarray(neighbours.sum(axis=1)).reshape(-1, 1)
    for _ in range(n_iterations):
        a, b, c = (vertices[faces[:, i]] for i in range(3))
        normals = corners @ np.cross(b - a, c - a)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        edge = np.linalg.norm(b - a, axis=1).mean()
        pull = neighbours @ vertices / n_neighbours - vertices
        along = (pull * normals).sum(axis=1, keepdims=True)
        tangential = pull - along * normals
        push = _push(data, voxel_size, vertices, normals, levels, fraction)[:, None]
        smoothing = _smoothing(2 * np.abs(along) / edge**2 / voxel_size) * along
        vertices = vertices + 0.5 * tangential + (smoothing + 0.05 * edge * push) * normals
    return fill(vertices, faces, data.shape)


def icosphere(n_divisions):
    """Vertices on the unit sphere and outward-facing triangles of a divided icosahedron.

    Examples
    --------
    >>> vertices, faces = icosphere(2)
    >>> vertices.shape, faces.shape
    ((162, 3), (320, 3))
    """
    golden = (1 + 5**0.5) / 2
    corners = np.array([(s, t * golden, 0) for s in (-1, 1) for t in (-1, 1)])
    vertices = np.vstack([np.roll(corners, shift, axis=1) for shift in range(3)])
    near = np.linalg.norm(vertices[:, None] - vertices, axis=2) < 2.1
    i, j, k = np.indices((12, 12, 12))
    triples = near[i, j] & near[j, k] & near[i, k] & (i < j) & (j < k)
    faces = np.argwhere(triples)
    a, b, c = (vertices[faces[:, n]] for n in range(3))
    inwards = (np.cross(b - a, c - a) * (a + b + c)).sum(axis=1) < 0
    faces[inwards] = faces[inwards][:, [0, 2, 1]]
    for _ in range(n_divisions):
        edges = np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        unique, which = np.unique(np.sort(edges, axis=1), axis=0, return_inverse=True)
        ab, bc, ca = which.reshape(3, -1) + len(vertices)
        a, b, c = faces.T
        vertices = np.vstack([vertices, vertices[unique].mean(axis=1)])
        parts = [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
        faces = np.vstack([np.column_stack(part) for part in parts])
    return vertices / np.linalg.norm(vertices, axis=1, keepdims=True), faces


def fill(vertices, faces, shape):
    """Voxels on or inside a closed surface; vertices in voxels, edges up to a few voxels long.

    Examples
    --------
    >>> vertices, faces = icosphere(3)
    >>> int(fill(3 * vertices + 5, faces, (11, 11, 11))[5, 5].sum())
    7
    """
    n = 8
    weights = np.array([(i, j, n - i - j) for i in range(n + 1) for j in range(n + 1 - i)]) / n
    points = np.einsum("pk,fkc->fpc", weights, vertices[faces]).reshape(-1, 3)
    # One voxel of margin, or a surface that leaves the image would not be closed.
    points = np.clip(np.rint(points).astype(int) + 1, 0, np.array(shape) + 1)
    mask = np.zeros(np.array(shape) + 2, bool)
    mask[tuple(points.T)] = True
    return ndimage.binary_fill_holes(mask)[1:-1, 1:-1, 1:-1]


def _levels(data, voxel_size):
    """Darkest, threshold and median intensity of the head; its centre and radius in voxels."""
    dark, bright = np.percentile(data, [2, 98])
    if dark == bright:
        raise ValueError("There is no head: fewer than 2 % of the voxels differ from the rest.")
    threshold = dark + 0.1 * (bright - dark)
    head = data > threshold
    pieces, _ = ndimage.label(head)
    largest = pieces == np.argmax(np.bincount(pieces.ravel())[1:]) + 1
    crown = np.flatnonzero(largest.any(axis=(0, 1)))[-1]
    head[:, :, : max(0, int(crown - HEAD_HEIGHT / voxel_size))] = False
    center = np.array(ndimage.center_of_mass(np.where(head, np.minimum(data, bright), 0)))
    radius = np.cbrt(3 * head.sum() / (4 * np.pi))
    axes = np.ogrid[tuple(slice(0, n) for n in data.shape)]
    distance = sum((axis - c) ** 2 for axis, c in zip(axes, center, strict=True))
    median = np.median(data[head & (distance < radius**2)])
    return (dark, threshold, median), center, radius


def _push(data, voxel_size, vertices, normals, levels, fraction):
    """How strongly each vertex is pushed outwards (positive) or inwards by the image."""
    dark, threshold, median = levels
    depths = np.arange(0, DEPTH_DARK + voxel_size / 2, voxel_size) / voxel_size
    points = np.rint(vertices[:, None] - depths[:, None] * normals[:, None]).astype(int)
    last = np.array(data.shape) - 1
    outside = ((points < 0) | (points > last)).any(axis=2)
    # Outside the image it is as dark as air: a surface that leaves it comes back.
    line = np.where(outside, dark, data[tuple(np.clip(points, 0, last).transpose(2, 0, 1))])
    lowest = np.clip(line.min(axis=1), dark, median)
    shallow = line[:, depths * voxel_size <= DEPTH_BRIGHT]
    highest = np.clip(shallow.max(axis=1), threshold, median)
    span = highest - dark
    return 2 * (lowest - dark - fraction * span) / span


def _smoothing(curvature):
    """Share of the pull towards the neighbours that is obeyed, 0 to 1; curvature in 1/mm."""
    middle = (1 / RADIUS_MIN + 1 / RADIUS_MAX) / 2
    steepness = 6 / (1 / RADIUS_MIN - 1 / RADIUS_MAX)
    return (1 + np.tanh(steepness * (curvature - middle))) / 2
