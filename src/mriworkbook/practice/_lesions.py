"""White-matter lesions of one person, as multiple sclerosis leaves them.

Most touch the ventricles and point away from them, along the veins; the others lie just below the
cortex.
"""

import numpy as np
from scipy import ndimage

from mriworkbook.practice._fields import generator, smooth_step
from mriworkbook.practice.parameters import value

SEPARATION = 6.0  # mm between the middles of two lesions, at least


def lesion_map(person, template, structures):
    """Share of the white matter that is lesion.

    Parameters
    ----------
    person : parameters.Person
    template : anatomy.Template
    structures : ndarray (i, j, k)
        `structures.template_structures`; lesions keep away from all but the ventricles.

    Returns
    -------
    ndarray (i, j, k), float16, or None
        On the template's 1 mm grid; None without lesions.
    """
    if not person.lesions:
        return None
    rng = generator(person.number, "lesions")
    # Every second voxel is enough for places, and takes an eighth of the memory.
    coarse = np.s_[::2, ::2, ::2]
    distance = 2 * ndimage.distance_transform_edt(~np.isin(structures[coarse], (4, 43)))
    near_cortex = 2 * ndimage.distance_transform_edt(template.gm[coarse] < 128)
    white, depth = (template.wm > 200) & (structures == 0), template.depth[coarse]
    beside = white[coarse] & (distance > 2) & (distance < 8) & (depth > 25)
    below = white[coarse] & (near_cortex > 1) & (near_cortex < 5) & (depth < 18)
    n_beside = round(person.lesions * value("lesion_periventricular_share"))
    middles = _spread(rng, 2 * np.argwhere(beside), n_beside, [])
    middles += _spread(rng, 2 * np.argwhere(below), person.lesions - n_beside, middles)
    lesions = np.zeros(template.gm.shape, np.float16)
    for number, middle in enumerate(middles):
        axis = rng.standard_normal(3)
        if number < n_beside:
            axis = _away(distance, middle // 2)
        radius = value("lesion_radius") * rng.lognormal(0, value("lesion_radius_spread"))
        stretch = rng.uniform(1.1, 2.0)
        _add(lesions, middle, axis / np.linalg.norm(axis), radius, stretch)
    return lesions


def _spread(rng, candidates, count, taken):
    """`count` of the candidates, far enough from each other and from those taken."""
    chosen = []
    for place in candidates[rng.permutation(len(candidates))]:
        if len(chosen) == count:
            break
        others = np.array([*taken, *chosen]).reshape(-1, 3)
        if (((others - place) ** 2).sum(axis=1) >= SEPARATION**2).all():
            chosen.append(place)
    return chosen


def _away(distance, middle):
    """Direction in which the distance to the ventricles grows."""
    box = tuple(slice(m - 2, m + 3) for m in middle)
    return np.array([slope.mean() for slope in np.gradient(distance[box])])


def _add(lesions, middle, axis, radius, stretch):
    """Add one ellipsoid of given mean radius, `stretch` times as long as wide, with a soft edge."""
    reach = int(np.ceil(radius * stretch * 1.6)) + 1
    low = np.maximum(middle - reach, 0)
    box = tuple(slice(a, b) for a, b in zip(low, middle + reach + 1, strict=True))
    size = np.array(lesions[box].shape)[:, None, None, None]
    offset = np.indices(size.ravel()) + (low - middle)[:, None, None, None]
    along = sum(a * o for a, o in zip(axis, offset, strict=True))
    across2 = (offset**2).sum(axis=0) - along**2
    wide = radius / stretch ** (1 / 3)
    r = np.sqrt((along / (wide * stretch)) ** 2 + np.maximum(across2, 0) / wide**2)
    edge = value("lesion_edge") / 2
    lesions[box] = np.maximum(lesions[box], smooth_step(r, 1 + edge, 1 - edge))
