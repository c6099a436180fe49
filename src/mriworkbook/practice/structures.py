"""Deep structures of the template, named and numbered as in FreeSurfer's aseg."""

import functools

import numpy as np
from scipy import ndimage

from mriworkbook.practice import _shapes
from mriworkbook.practice._fields import grid_points
from mriworkbook.practice.anatomy import load_template

# Names and numbers: FreeSurferColorLUT.txt of FreeSurfer.
_PAIRED = {
    "Cerebral-White-Matter": (2, 41),
    "Cerebral-Cortex": (3, 42),
    "Lateral-Ventricle": (4, 43),
    "Cerebellum-White-Matter": (7, 46),
    "Cerebellum-Cortex": (8, 47),
    "Thalamus": (10, 49),
    "Caudate": (11, 50),
    "Putamen": (12, 51),
    "Pallidum": (13, 52),
    "Hippocampus": (17, 53),
    "Amygdala": (18, 54),
}
_SINGLE = {"3rd-Ventricle": 14, "4th-Ventricle": 15, "Brain-Stem": 16, "CSF": 24}
STRUCTURES = dict(
    sorted(
        {
            **_SINGLE,
            **{
                f"{side}-{name}": numbers[hemisphere]
                for hemisphere, side in enumerate(("Left", "Right"))
                for name, numbers in _PAIRED.items()
            },
        }.items(),
        key=lambda item: item[1],
    )
)
# Left number -> right number.
RIGHT_OF = dict(_PAIRED.values())


@functools.lru_cache(maxsize=1)
def template_structures():
    """Label map of the template: deep structures, cerebellum, brainstem and ventricles.

    Cortex and white matter of the hemispheres are 0: folding is each person's own. The cerebellum
    is all ``Cerebellum-Cortex`` (8, 47) for the same reason.

    Returns
    -------
    ndarray (i, j, k), uint8
        Values of `STRUCTURES`, on the 1 mm grid of ``anatomy.load_template().affine``; do not
        write to it. Kept in memory (5 MB).

    Examples
    --------
    >>> labels = template_structures()
    >>> bool((labels == STRUCTURES["Left-Hippocampus"]).sum() > 3000)
    True
    """
    template = load_template()
    labels = np.zeros(template.gm.shape, np.uint8)
    fluid = _fluid(template)
    # Slabs along y bound the memory that the points take.
    for first in range(0, labels.shape[1], 20):
        part = np.s_[:, first : first + 20]
        affine = template.affine.copy()
        affine[1, 3] += first
        points = grid_points(labels[part].shape, affine)
        _paint(labels[part], points, template, part, fluid[part])
    _ventricles(labels, fluid, template)
    _split(labels, template.affine)
    labels.setflags(write=False)
    return labels


def template_regions():
    """`template_structures` with the rest of each hemisphere as its cortex (3, 42).

    Returns
    -------
    ndarray (i, j, k), uint8
        A partition of the template's brain; 0 outside.
    """
    template = load_template()
    labels = template_structures().copy()
    rest = np.where((labels == 0) & (template.depth > 0), 3, 0).astype(np.uint8)
    _split(rest, template.affine)
    return labels + rest


def _split(labels, affine):
    """Give the right side its own numbers; the plane x = 0 goes by turns to either side."""
    middle = round(-affine[0, 3])
    chequered = np.indices(labels.shape[1:]).sum(axis=0) % 2 == 1
    for left, number in RIGHT_OF.items():
        right = labels[middle + 1 :]
        right[right == left] = number
        plane = labels[middle]
        plane[chequered & (plane == left)] = number


def _fluid(template):
    """Where the template is fluid rather than tissue."""
    return template.gm + template.wm.astype(np.uint16) < 100


def _paint(labels, points, template, part, fluid):
    """Solid structures of one slab, left numbers on both sides; later ones win."""
    inside = template.depth[part] > 0
    grey = template.gm[part] > 90
    solid = inside & ~fluid
    labels[solid & (_shapes.cerebellum(points) > 0.5)] = 8
    labels[solid & (_shapes.ellipsoid(points, *_shapes.BRAINSTEM) > 0.5)] = 16
    labels[solid & (_shapes.ellipsoid(points, *_shapes.AMYGDALA) > 0.5) & grey] = 18
    labels[solid & (_shapes.hippocampus(points) > 0.5) & grey] = 17
    for name in ("thalamus", "caudate", "putamen", "pallidum"):
        weight = np.maximum.reduce([_shapes.ellipsoid(points, *e) for e in _shapes.NUCLEI[name]])
        # What white matter an ellipsoid holds is the capsule; the pallidum itself looks white.
        where = solid & grey if name in ("caudate", "putamen") else solid
        labels[where & (weight > 0.5)] = _PAIRED[name.capitalize()][0]


def _ventricles(labels, fluid, template):
    """Lateral ventricles, third and fourth, out of the template's fluid."""
    shape = labels.shape
    x, y, z = (
        (template.affine[a, 3] + np.arange(n)).reshape([-1 if b == a else 1 for b in range(3)])
        for a, n in enumerate(shape)
    )
    third = template.ventricles & (abs(x) <= 5) & (y < 6) & (z < 8)
    labels[template.ventricles] = 4
    labels[third] = 14
    place = (abs(x) <= 13) & (y < -32) & (y > -56) & (z > -52) & (z < -20)
    pieces, _ = ndimage.label(fluid & place & (template.depth > 15))
    labels[pieces == 1 + np.bincount(pieces.ravel())[1:].argmax()] = 15
