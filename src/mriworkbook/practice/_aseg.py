"""Segmentation of the whole brain, named and numbered as FreeSurfer's aseg, with a tool's errors.

It is the truth read at places that err: tissue fractions and template structures are looked up at
y + e(y), where e is smooth noise with a frozen amplitude. So every border is displaced, and where
structures touch, their borders move together.
"""

import nibabel as nib
import numpy as np
from scipy.spatial import cKDTree

from mriworkbook.practice import _mesh, truth_path
from mriworkbook.practice._fields import generator, sample, smooth_noise, transform
from mriworkbook.practice._mapping import as_seen, to_template
from mriworkbook.practice.anatomy import load_template
from mriworkbook.practice.parameters import value
from mriworkbook.practice.structures import RIGHT_OF, STRUCTURES, template_structures

VENTRICLES = [STRUCTURES[name] for name in STRUCTURES if "Ventricle" in name]
WHITE, CORTEX = STRUCTURES["Left-Cerebral-White-Matter"], STRUCTURES["Left-Cerebral-Cortex"]
CEREBELLUM = STRUCTURES["Left-Cerebellum-White-Matter"], STRUCTURES["Left-Cerebellum-Cortex"]


def _errors(person, mapping, points):
    """Displacements e at points (3, n), mm."""
    volume, affine = mapping.backward
    rng, spacing = generator(person.number, "aseg"), float(np.linalg.norm(affine[:3, 0]))
    sigma = value("aseg_error_sigma") / spacing
    noise = [smooth_noise(rng, volume.shape[:3], sigma) for _ in range(3)]
    return value("aseg_error_sd") * np.stack([sample(n, affine, points) for n in noise])


def _tissue(root, label, mapping, points):
    """0 fluid, 1 grey, 2 white, -1 outside the brain, at points (3, n)."""
    shares = []
    for name in ("CSF", "GM", "WM"):
        img = as_seen(nib.load(truth_path(root, label, name)), mapping)
        shares.append(sample(np.asarray(img.dataobj, np.float32), img.affine, points))
    return np.where(sum(shares) > 0.5, np.argmax(shares, axis=0), -1)


def _structure(places):
    """Value of `template_structures` at template points (3, n)."""
    structures = template_structures()
    index = transform(np.linalg.inv(load_template().affine), places).round().astype(int)
    top = np.array(structures.shape)[:, None] - 1
    return structures[tuple(np.clip(index, 0, top))]


def _near_cortex(places):
    """Whether template points (3, n) are where an atlas expects cortex."""
    meshes = [_mesh.template_mesh(hemi) for hemi in _mesh.HEMISPHERES]
    tree = cKDTree(np.concatenate([(mesh.white + mesh.pial) / 2 for mesh in meshes]))
    reach = value("aseg_cortex_reach")
    distance, _ = tree.query(places.T, distance_upper_bound=reach)
    return distance <= reach


def segment(root, label, person, mapping, points):
    """Labels at points of the T1w's world.

    Parameters
    ----------
    root : Path
    label : str
    person : parameters.Person
    mapping : _mapping.Mapping
    points : ndarray (3, n)
        mm.

    Returns
    -------
    ndarray (n,), uint8
        Numbers of `structures.STRUCTURES`; 0 is fluid around the brain and what is outside.
    """
    points = points + _errors(person, mapping, points)
    places = to_template(mapping, points)
    tissue, found = _tissue(root, label, mapping, points), _structure(places)
    ventricle = np.isin(found, VENTRICLES)
    labels = np.where(tissue == 2, WHITE, 0).astype(np.uint8)
    grey = np.flatnonzero(tissue == 1)
    labels[grey] = np.where(_near_cortex(places[:, grey]), CORTEX, WHITE)
    right = (places[0] > 0) & (labels > 0)
    labels[right] = np.where(labels[right] == WHITE, RIGHT_OF[WHITE], RIGHT_OF[CORTEX])
    solid = (found > 0) & ~ventricle & (tissue > 0)
    labels[solid] = found[solid]
    fluid = ventricle & (tissue == 0)
    labels[fluid] = found[fluid]
    white, cortex = CEREBELLUM
    for inner, outer in ((white, cortex), (RIGHT_OF[white], RIGHT_OF[cortex])):
        labels[(labels == outer) & (tissue == 2)] = inner
    return labels
