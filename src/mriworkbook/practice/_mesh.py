"""fsaverage5 as nilearn bundles it, moved to the template; areas and curvatures of a mesh."""

import functools
from typing import NamedTuple

import nibabel as nib
import numpy as np
from nilearn import datasets
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from mriworkbook.practice._fields import transform
from mriworkbook.practice.parameters import value

HEMISPHERES = {"L": "left", "R": "right"}

# fsaverage lives in MNI305; this is FreeSurfer's published way to MNI152, number 8 of
# https://surfer.nmr.mgh.harvard.edu/fswiki/CoordinateSystems
MNI305_TO_MNI152 = np.array(
    [
        [0.9975, -0.0073, 0.0176, -0.0429],
        [0.0146, 1.0009, -0.0024, 1.5496],
        [-0.0130, -0.0093, 0.9971, 1.1840],
        [0.0, 0.0, 0.0, 1.0],
    ]
)


class Mesh(NamedTuple):
    """One hemisphere of fsaverage5; white and pial (n, 3) in MNI152 mm, inflated in its own mm.

    faces (m, 3) turn counter-clockwise seen from outside; thickness (n,) in mm; sulc (n,) in
    FreeSurfer's unit, positive in sulci; cortex (n,) is False on the medial wall.
    """

    white: np.ndarray
    pial: np.ndarray
    inflated: np.ndarray
    faces: np.ndarray
    thickness: np.ndarray
    sulc: np.ndarray
    cortex: np.ndarray


def edges(faces):
    """Every directed edge of a closed mesh, (3 m, 2).

    Examples
    --------
    >>> edges(np.array([[0, 1, 2]])).tolist()
    [[0, 1], [1, 2], [2, 0]]
    """
    return np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])


def adjacency(faces):
    """Sparse n x n matrix, 1 where two vertices share an edge."""
    start, end = edges(faces).T
    n = faces.max() + 1
    return sparse.csr_matrix((np.ones(len(start), np.float32), (start, end)), (n, n))


def _cortex(thickness, faces):
    """All but the largest connected patch of thin average cortex: the medial wall."""
    thin = np.flatnonzero(thickness < value("medial_wall_thickness"))
    _, piece = connected_components(adjacency(faces)[thin][:, thin], directed=False)
    cortex = np.ones(len(thickness), bool)
    cortex[thin[piece == np.bincount(piece).argmax()]] = False
    return cortex


@functools.lru_cache(maxsize=2)
def template_mesh(hemi):
    """fsaverage5 in the template.

    Parameters
    ----------
    hemi : {"L", "R"}

    Returns
    -------
    Mesh
        10242 vertices; kept in memory (1 MB).

    References
    ----------
    Fischl 1999, 10.1002/(SICI)1097-0193(1999)8:4<272::AID-HBM10>3.0.CO;2-4.

    Examples
    --------
    >>> template_mesh("L").white.shape
    (10242, 3)
    """
    files = datasets.fetch_surf_fsaverage("fsaverage5")

    def load(what):
        arrays = nib.load(files[f"{what}_{HEMISPHERES[hemi]}"]).darrays
        return [array.data for array in arrays]

    faces = load("white")[1].astype(np.int32)
    white, pial = (
        transform(MNI305_TO_MNI152, load(what)[0].T.astype(np.float64)).T
        for what in ("white", "pial")
    )
    (thickness,), (sulc,) = load("thick"), load("sulc")
    inflated = load("infl")[0]
    cortex = _cortex(thickness, faces)
    return Mesh(white, pial, inflated, faces, thickness, sulc, cortex)


def smooth(values, faces, sigma, edge):
    """Diffuse values over a mesh: steps towards the mean of the neighbours.

    One step of size s along edges of length e spreads like a Gaussian of variance s e^2 / 2.

    Parameters
    ----------
    values : ndarray (n,) or (n, k)
    faces : ndarray (m, 3)
    sigma : float
        mm, of the Gaussian.
    edge : float
        Mean edge length in mm.

    Returns
    -------
    ndarray
        Like `values`.

    Examples
    --------
    >>> faces = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])
    >>> smooth(np.array([1.0, 1, 1, 1]), faces, 5.0, 2.0).round(6).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    neighbours = adjacency(faces)
    degree = np.asarray(neighbours.sum(axis=1)).ravel()
    mean_of = sparse.diags_array(1 / degree) @ neighbours
    total = 2 * (sigma / edge) ** 2
    steps = max(1, int(np.ceil(total / 0.7)))
    step = total / steps
    for _ in range(steps):
        values = (1 - step) * values + step * (mean_of @ values)
    return values


def face_vectors(points, faces):
    """Normals of all faces, as long as twice their area, (m, 3)."""
    first, second, third = (points[faces[:, corner]] for corner in range(3))
    return np.cross(second - first, third - first)


def edge_length(points, faces):
    """Mean edge length."""
    start, end = edges(faces).T
    return float(np.linalg.norm(points[end] - points[start], axis=1).mean())


def to_vertices(per_face, faces):
    """A third of each face's value to each of its corners, summed: (m,) -> (n,)."""
    n = faces.max() + 1
    return sum(np.bincount(faces[:, c], per_face, n) for c in range(3)) / 3


def vertex_areas(points, faces):
    """A third of the area of the faces around each vertex, as FreeSurfer's `area` (n,)."""
    return to_vertices(np.linalg.norm(face_vectors(points, faces), axis=1) / 2, faces)


def vertex_normals(points, faces):
    """Unit normals outwards, (n, 3)."""
    vectors = face_vectors(points, faces)
    normals = np.stack([to_vertices(vectors[:, axis], faces) for axis in range(3)], axis=1)
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def _tetrahedra(a, b, c, d):
    return np.abs((np.cross(b - a, c - a) * (d - a)).sum(axis=1)) / 6


def ribbon_volumes(white, pial, faces):
    """Volume between the two surfaces at each vertex (n,), mm3.

    The column over a face is cut into three tetrahedra (Winkler 2018, 10.1093/cercor/bhx308).
    """
    w, p = ([points[faces[:, corner]] for corner in range(3)] for points in (white, pial))
    columns = (
        _tetrahedra(w[0], w[1], w[2], p[2])
        + _tetrahedra(w[0], w[1], p[1], p[2])
        + _tetrahedra(w[0], p[0], p[1], p[2])
    )
    return to_vertices(columns, faces)


def principal_curvatures(points, faces):
    """Both curvatures at each vertex, 1/mm, the one larger in size first.

    Mean curvature from the angles at the edges, Gaussian curvature from what the angles around a
    vertex lack of 2 pi (Meyer 2003, 10.1007/978-3-662-05105-4_2).

    Returns
    -------
    first, second : ndarray (n,)
    """
    n, area = len(points), vertex_areas(points, faces)
    unit = face_vectors(points, faces)
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
    directed = edges(faces)
    # Every edge is met once from each side; its other face is found by sorting.
    forth = np.argsort(directed[:, 0].astype(np.int64) * n + directed[:, 1])
    back = np.argsort(directed[:, 1].astype(np.int64) * n + directed[:, 0])
    other = np.empty(len(directed), int)
    other[forth] = back
    face = np.tile(np.arange(len(faces)), 3)
    along = points[directed[:, 1]] - points[directed[:, 0]]
    length = np.linalg.norm(along, axis=1)
    turn = np.cross(unit[face], unit[face[other]])
    sine = (turn * along).sum(axis=1) / np.maximum(length, 1e-12)
    angle = np.arctan2(sine, (unit[face] * unit[face[other]]).sum(axis=1))
    mean = np.bincount(directed[:, 0], length * angle, n) / (4 * area)
    corners = [points[faces[:, c]] for c in range(3)]
    defect = np.full(n, 2 * np.pi)
    for c in range(3):
        u, v = corners[(c + 1) % 3] - corners[c], corners[(c + 2) % 3] - corners[c]
        span = np.arctan2(np.linalg.norm(np.cross(u, v), axis=1), (u * v).sum(axis=1))
        defect -= np.bincount(faces[:, c], span, n)
    root = np.sqrt(np.maximum(mean**2 - defect / area, 0))
    sign = np.where(mean < 0, -1, 1)
    return mean + sign * root, mean - sign * root
