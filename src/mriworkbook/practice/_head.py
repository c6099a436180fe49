"""Everything of the head that is not brain: shells of the vault, skull base, face and neck.

Two distances steer it: `depth` below the brain's surface (negative outside) and `skin`, the
distance below the skin. Layers of the skull follow the first, layers of the scalp the second, and
simple solids in template millimetres stand for what lies in the face and the neck.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from mriworkbook.practice._fields import (
    box_grid,
    generator,
    grid_points,
    sample,
    sample_stack,
    signed_distance,
    smooth_noise,
)
from mriworkbook.practice.parameters import value

LOW, HIGH = (-104.0, -144.0, -176.0), (104.0, 132.0, 112.0)
TISSUES = (
    "air",
    "bone",
    "marrow",
    "CSF",
    "fat",
    "muscle",
    "skin",
    "vitreous",
    "blood",
    "WM",
)
INDEX = {name: number for number, name in enumerate(TISSUES)}


# depth: mm below the brain's surface; skin: mm below the skin; csf_shell, marrow, fat: thickness
# in mm; strands, streaks: textures of unit variance.
FIELDS = ("depth", "skin", "csf_shell", "marrow", "fat", "strands", "streaks")


class Head(NamedTuple):
    """`FIELDS` on a 2 mm grid of the whole head in template space (i, j, k, 7), float32."""

    affine: np.ndarray
    fields: np.ndarray


def _solid(points, centre, radii):
    """Normalised squared radius of an ellipsoid; |x| mirrors it on both sides."""
    x, y, z = points
    if centre[0]:
        x = abs(x)
    return (
        ((x - centre[0]) / radii[0]) ** 2
        + ((y - centre[1]) / radii[1]) ** 2
        + ((z - centre[2]) / radii[2]) ** 2
    )


# Solids that with the vault make the head's outline: centre and radii, template millimetres.
OUTLINE = [
    ((0, 30, -78), (66, 64, 74)),  # face
    ((0, 55, -118), (44, 40, 36)),  # jaw
    ((0, 96, -64), (13, 19, 24)),  # nose
    ((0, 84, -128), (24, 16, 18)),  # chin
    ((80, -30, -40), (8, 15, 28)),  # ears
    ((0, -50, -60), (68, 62, 46)),  # base and nape
]


def _cord(z):
    """y of the spinal cord's axis, going on from the template's brainstem."""
    return -44.0 - 0.12 * (-72.0 - z)


def _outline(points, depth, thickness):
    """Inside of the skin."""
    x, y, z = points
    inside = -depth < thickness
    for centre, radii in OUTLINE:
        inside |= _solid(points, centre, radii) < 1
    axis = _cord(z) + 4
    inside |= ((x / 60) ** 2 + ((y - axis) / 62) ** 2 < 1) & (z < -60)
    return ndimage.gaussian_filter(inside.astype(np.float32), 2.0) > 0.5


def make_head(person, template):
    """Fields of one person's head.

    Parameters
    ----------
    person : parameters.Person
    template : anatomy.Template

    Returns
    -------
    Head
    """
    shape, affine = box_grid(LOW, HIGH, 2.0)
    points = grid_points(shape, affine)
    brain = sample((template.depth > 0).astype(np.float32), template.affine, points) > 0.5
    depth = signed_distance(brain, 2.0)
    rng = generator(person.number, "head")
    shell = value("shell_sigma") / 2.0

    def varied(mean, sd):
        return np.maximum(mean + sd * smooth_noise(rng, shape, shell), 0).astype(np.float32)

    csf = np.maximum(varied(value("csf_shell"), value("csf_shell_sd")), 0.8)
    marrow = varied(value("marrow_thickness"), value("marrow_thickness_sd"))
    scalp = varied(value("scalp"), value("scalp_sd"))
    total = csf + value("inner_table") + marrow + value("outer_table") + scalp
    skin = signed_distance(_outline(points, depth, total), 2.0)
    fat = varied(value("scalp_fat"), 0.25 * value("scalp_fat"))
    # The nape carries more fat than the crown.
    x, y, z = points
    fat += 6 * np.exp(-(((y + 112) / 30) ** 2 + ((z + 100) / 40) ** 2 + (x / 60) ** 2))
    # Muscle bundles run down the neck.
    strands = smooth_noise(rng, shape, (0.9, 0.9, 2.2))
    streaks = smooth_noise(rng, shape, (1.8, 1.8, 5.0))
    fields = depth, skin, csf, marrow, fat, strands, streaks
    return Head(affine, np.stack(fields, axis=-1).astype(np.float32))


def paint(head, points):
    """Tissue of each template point outside the brain.

    Parameters
    ----------
    head : Head
    points : ndarray (3, n)
        Template millimetres.

    Returns
    -------
    labels : ndarray (n,), uint8
        Index into `TISSUES`.
    depth : ndarray (n,)
        mm below the brain's surface.
    texture : ndarray (n,)
        Unit variance, for the grain of soft tissue.
    """
    fields = dict(zip(FIELDS, sample_stack(head.fields, head.affine, points), strict=True))
    labels = np.full(points.shape[1], INDEX["muscle"], np.uint8)
    _soft_tissue(labels, points, fields)
    below = points[2] < 0
    part = {name: field[below] for name, field in fields.items()}
    lower = labels[below]
    _face(lower, points[:, below], part)
    labels[below] = lower
    _skull(labels, points, fields)
    lower = labels[below]
    _spine(lower, points[:, below], part)
    labels[below] = lower
    labels[fields["skin"] < 0] = INDEX["air"]
    return labels, fields["depth"], fields["strands"]


def _soft_tissue(labels, points, fields):
    """Skin, fat under it, and muscle with fat between the bundles."""
    skin, strands, streaks = fields["skin"], fields["strands"], fields["streaks"]
    # Fat lies in sheets between bundles; fasciae and vessels give little signal.
    labels[(abs(streaks) < 0.09) | (strands > 2.2)] = INDEX["fat"]
    labels[(abs(streaks - 0.25) < 0.06) | (strands < -2.0)] = INDEX["bone"]
    labels[skin < value("skin") + fields["fat"]] = INDEX["fat"]
    labels[skin < value("skin")] = INDEX["skin"]


def _face(labels, points, fields):
    """Bone, air, orbits, tongue and jaw in front of and below the brain."""
    x, y, z = points
    strands, streaks, skin = fields["strands"], fields["streaks"], fields["skin"]
    deep = skin > 7
    front = (y > -12) & (z < -22) & deep
    mask = front & (abs(strands) < 0.35) & (z > -95)
    labels[mask] = INDEX["bone"]
    mask = front & (streaks < -0.9) & (z > -70) & (y < 50)
    labels[mask] = INDEX["marrow"]
    tongue = _solid(points, (0, 46, -108), (22, 34, 20)) < 1
    labels[tongue] = np.where(strands[tongue] > 1.1, INDEX["fat"], INDEX["muscle"])
    for centre, radii, ragged in (
        ((0, 30, -36), (11, 13, 9), 0.15),  # sphenoid sinus
        ((9, 54, -42), (7, 17, 12), 0.3),  # ethmoid cells
        ((29, 52, -74), (13, 15, 17), 0.1),  # maxillary sinuses
        ((7, 62, -70), (6, 30, 16), 0.35),  # nasal cavity
        ((9, 78, -22), (9, 4, 9), 0.2),  # frontal sinuses
        ((0, 12, -78), (12, 9, 22), 0.1),  # nasopharynx
        ((0, 4, -128), (9, 7, 36), 0.05),  # airway
        ((0, 66, -94), (18, 18, 4), 0.1),  # mouth
        ((56, -34, -52), (9, 12, 14), 0.6),  # mastoid cells
    ):
        labels[_solid(points, centre, radii) + ragged * strands < 1] = INDEX["air"]
    jaw = abs(np.hypot(x / 1.0, (y - 28) / 1.25) - 46)
    band = (z < -100) & (z > -132) & (y > 0) & deep
    labels[band & (jaw < 6)] = INDEX["bone"]
    labels[band & (jaw < 3.2) & (z < -108)] = INDEX["marrow"]
    _orbits(labels, points, strands)


def _orbits(labels, points, strands):
    """Fat, eye muscles, optic nerve and globe, by increasing priority."""
    x, y, z = points
    cone = _solid(points, (31, 52, -42), (19, 26, 18))
    labels[cone < 1.15] = INDEX["bone"]
    labels[(cone < 0.92) | (_solid(points, (31, 62, -42), (17, 15, 15)) < 1)] = INDEX["fat"]
    along = (62 - y) / 40  # 0 behind the globe, 1 at the apex
    axis = 32 - 16 * along
    radius = np.hypot(abs(x) - axis, z + 42 - 4 * along)
    behind = (y < 62) & (y > 24)
    cuff = 12 - 7 * along
    labels[behind & (abs(radius - cuff) < 1.4) & (strands > -0.4)] = INDEX["muscle"]
    labels[behind & (radius < 3.2)] = INDEX["CSF"]
    labels[behind & (radius < 2.0)] = INDEX["WM"]
    globe = np.sqrt(_solid(points, (32, 64, -42), (12, 12, 12)))
    labels[globe < 1.1] = INDEX["skin"]
    labels[globe < 1.0] = INDEX["vitreous"]
    labels[_solid(points, (32, 73.5, -42), (4.5, 2.2, 4.5)) < 1] = INDEX["skin"]


def _skull(labels, points, fields):
    """Fluid, inner table, marrow and outer table around the brain."""
    x, y, z = points
    outside = -fields["depth"]
    fluid = fields["csf_shell"]
    base = z < -25
    marrow = np.where(base, fields["marrow"] * (fields["streaks"] > -0.2) * 1.6, fields["marrow"])
    # Thin over the temples, where the muscle sits instead.
    temple = (abs(x) > 52) & (z < 25) & (y > -30)
    marrow = np.where(temple, 0.4 * marrow, marrow)
    inner = fluid + value("inner_table")
    outer = inner + marrow
    end = outer + value("outer_table")
    shell = outside < end
    labels[shell] = INDEX["bone"]
    labels[shell & (outside > inner) & (outside < outer)] = INDEX["marrow"]
    labels[outside < fluid] = INDEX["CSF"]
    sinus = (abs(x) < 4.5 - 0.8 * outside) & (outside < 4.5) & (z > -5) & (y < 62)
    labels[sinus & (outside > 0.3)] = INDEX["blood"]
    # Petrous bones, clivus.
    petrous = _solid(points, (36, -26, -46), (24, 10, 10)) < 1
    labels[petrous & (outside > fluid)] = INDEX["bone"]
    clivus = _solid(points, (0, -2, -46), (11, 7, 22)) < 1
    labels[clivus & (outside > fluid + 1)] = INDEX["marrow"]


def _spine(labels, points, fields):
    """Vertebrae, canal and cord below the foramen magnum."""
    x, y, z = points
    forward = y - _cord(z)
    neck = z < -74
    level = np.mod(z + 4, 19.0)
    body = neck & (((x / 13) ** 2 + ((forward - 18) / 9) ** 2) < 1) & (z < -82)
    labels[body] = np.where(level[body] < 3.5, INDEX["muscle"], INDEX["marrow"])
    labels[body & (abs(level - 3.5) < 0.8)] = INDEX["bone"]
    spine = neck & (abs(x) < 4) & (forward < -10) & (forward > -34) & (level > 9) & (z < -86)
    labels[spine] = np.where(abs(x[spine]) < 2.2, INDEX["marrow"], INDEX["bone"])
    radius = np.hypot(x, forward)
    labels[(z < -70) & (radius < 11)] = INDEX["bone"]
    labels[(z < -68) & (radius < 9)] = INDEX["CSF"]
    labels[(z < -66) & (radius < 5.6)] = INDEX["WM"]
