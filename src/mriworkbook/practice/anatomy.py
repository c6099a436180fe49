"""One person's brain from the template's tissue maps.

The bundled maps are averages: at a point of the cortex they say how often it was CSF, GM or WM.
A person is drawn from them by one ordered latent field u, uniform on 0 to 1 at every point: CSF
where u < P(CSF), GM below P(CSF) + P(GM), WM above. In the cortex u is 0 on sheets that stand on
the brain's surface and 1 half-way between them, so the sheets become sulci, the rims grey matter
and the middle white blades, in the local proportions of the template but folded anew.
"""

import functools
from typing import NamedTuple

import numpy as np
from nilearn import datasets
from scipy import ndimage, special

from mriworkbook.practice._fields import (
    band_noise,
    box_grid,
    generator,
    grid_points,
    refine,
    sample,
    signed_distance,
    smooth_noise,
    smooth_step,
    transform,
)
from mriworkbook.practice._shapes import (
    AMYGDALA,
    BRAINSTEM,
    NUCLEI,
    cerebellum,
    ellipsoid,
    hippocampus,
)
from mriworkbook.practice.parameters import value

# The brain and a margin, template millimetres.
LOW, HIGH = (-80.0, -114.0, -78.0), (80.0, 82.0, 90.0)


class Template(NamedTuple):
    """Template maps on the 1 mm brain box.

    gm and wm are probabilities times 255 (uint8, as bundled); depth is in mm below the brain's
    surface, negative outside (float16); ventricles is boolean.
    """

    affine: np.ndarray
    gm: np.ndarray
    wm: np.ndarray
    depth: np.ndarray
    ventricles: np.ndarray
    volume_ml: float


class Brain(NamedTuple):
    """What a person's brain is made of, on the 1 mm box.

    maps is float16 (i, j, k, 3 + c): fraction of GM, of WM, of lesion (a part of WM), and the
    relative signal under each of c contrasts.
    """

    affine: np.ndarray
    maps: np.ndarray


def _crop(img, shape, affine):
    """Part of a 1 mm template map that lies on the box, zero outside, uint8 of 255."""
    out = np.zeros(shape, np.uint8)
    start = np.round(affine[:3, 3] - img.affine[:3, 3]).astype(int)
    ends = zip(start, shape, img.shape, strict=True)
    source = [slice(max(first, 0), min(first + n, m)) for first, n, m in ends]
    target = [slice(c.start - s, c.stop - s) for c, s in zip(source, start, strict=True)]
    data = np.asarray(img.dataobj[tuple(source)], np.float32)
    out[tuple(target)] = np.round(data * 255).astype(np.uint8)
    return out


@functools.lru_cache(maxsize=1)
def load_template():
    """nilearn's bundled ICBM 2009a symmetric maps with a smooth closed brain surface.

    Returns
    -------
    Template
        Kept in memory (30 MB) until ``load_template.cache_clear()``.

    References
    ----------
    Fonov 2011, 10.1016/j.neuroimage.2010.07.033.
    """
    shape, affine = box_grid(LOW, HIGH, 1.0)
    gm = _crop(datasets.load_mni152_gm_template(resolution=1), shape, affine)
    wm = _crop(datasets.load_mni152_wm_template(resolution=1), shape, affine)
    mask = _crop(datasets.load_mni152_brain_mask(resolution=1), shape, affine) > 0
    depth = signed_distance(_smooth_hull(mask))
    volume_ml = float((depth > 0).sum() / 1000)
    ventricles = _ventricles(gm, wm, depth, affine)
    return Template(affine, gm, wm, depth.astype(np.float16), ventricles, volume_ml)


def _ventricles(gm, wm, depth, affine):
    """Lateral and third ventricles: the template's deep fluid without cisterns and fissures."""
    x, y, z = (
        (affine[a, 3] + np.arange(n)).reshape([-1 if b == a else 1 for b in range(3)])
        for a, n in enumerate(gm.shape)
    )
    total = gm + wm.astype(np.uint16)
    lateral = (
        (total < 100)
        & (depth > 25)
        & (abs(x) > 1)
        & (abs(x) < 38)
        & (y > -60)
        & (z > -12)
        & (z < 32)
    )
    # Behind the thalamus the cistern lies between the ventricles; above them, the fissure.
    lateral &= ~((abs(x) < 15) & (y < -27) & (z < 11)) & ~((abs(x) < 4) & (z > 22))
    # The third is so narrow that the average of many people is nowhere all fluid.
    third = (total < 160) & (depth > 12) & (abs(x) <= 5) & (y < 6) & (y > -27)
    third &= (z > -14) & (z < 8)
    found = np.zeros(gm.shape, bool)
    for place in (lateral & (x < 0), lateral & (x > 0), third):
        pieces, _ = ndimage.label(place)
        sizes = np.bincount(pieces.ravel())
        found |= pieces == 1 + sizes[1:].argmax()
    return found


def _smooth_hull(mask):
    """Closed, hole-free, smooth version of a brain mask at 1 mm."""
    far = ndimage.distance_transform_edt(~mask).astype(np.float32) > 4
    closed = ndimage.distance_transform_edt(~far).astype(np.float32) > 4
    closed = ndimage.binary_fill_holes(closed | mask)
    return ndimage.gaussian_filter(closed.astype(np.float32), 1.5) > 0.5


class Regions(NamedTuple):
    """Weights of deep grey matter and brainstem together, brainstem, cerebellum; GM's signals."""

    core: np.ndarray
    brainstem: np.ndarray
    cerebellum: np.ndarray
    grey_signals: list


def _regions(points, depth, signals):
    """Regions on a 2 mm grid, enough for such smooth weights."""
    brainstem, behind = ellipsoid(points, *BRAINSTEM), cerebellum(points)
    core = np.maximum(brainstem, ellipsoid(points, *AMYGDALA))
    grey_signals = [np.full_like(points[0], table["GM"]) for table in signals]
    weights = {
        name: np.maximum.reduce([ellipsoid(points, *e) for e in ellipsoids])
        for name, ellipsoids in NUCLEI.items()
    }
    weights["hippocampus"] = hippocampus(points).astype(core.dtype)
    for name, weight in weights.items():
        core = np.maximum(core, weight)
        for grey, table in zip(grey_signals, signals, strict=True):
            grey += weight * (table[name] - grey)
    # Beyond 30 mm from any surface there is no cortex either.
    core = np.maximum(smooth_step(core, 0, 0.6), smooth_step(depth, 30, 40) * (1 - behind))
    return Regions(core, brainstem, behind, grey_signals)


def _surface_position(depth, points, affine):
    """Points moved most of the way to the nearest outer or medial surface (2 mm grid)."""
    outside = (depth <= 0) | (abs(points[0]) < 1.5)
    nearest = ndimage.distance_transform_edt(
        ~outside, return_distances=False, return_indices=True
    ).astype(np.float32)
    # A quarter of the way is left, or every sulcus would be a straight cut.
    moved = 0.75 * transform(affine, nearest) + 0.25 * points
    return np.stack([ndimage.gaussian_filter(c, 1.0) for c in moved])


def _uniform(field):
    """|f| of a Gaussian field as a quantile: 0 on its zero surface, uniform overall."""
    return special.erf(abs(field) / np.float32(np.sqrt(2))).astype(np.float32)


def _latent_field(person, depth, points, affine, regions):
    """The ordered latent field u of one person on the 1 mm box."""
    rng = generator(person.number, "folding")
    surface = _surface_position(depth, points, affine)
    folds = band_noise(rng, depth.shape, value("sulcal_sigma") / 2.0)
    u = _uniform(refine(sample(folds, affine, surface)))
    # Folia: finer, and running from side to side; only the box of the cerebellum is worth it.
    ends = np.array(
        [depth.shape[0], *np.ceil((np.array([-34, 6]) - affine[1:3, 3]) / 2).astype(int)]
    )
    part = tuple(slice(0, n) for n in ends)
    surface = np.stack([refine(c[part]) for c in surface])
    sigma = value("folium_sigma")
    folia = band_noise(rng, surface.shape[1:], np.array([3.0, 1.0, 1.0]) * sigma)
    fine = affine.copy()
    fine[:3, :3] /= 2
    fine_part = tuple(slice(0, n) for n in surface.shape[1:])
    weight = refine(regions.cerebellum[part])
    u[fine_part] += weight * (_uniform(sample(folia, fine, surface)) - u[fine_part])
    return u


def _person_probabilities(csf, gm, wm, near_csf, core, brainstem):
    """Tempered P(CSF) and P(CSF) + P(GM)."""
    moved = value("brainstem_white_share") * brainstem * gm
    gm, wm = gm - moved, wm + moved
    # Average of ventricle and white matter, which the template's classifier called grey.
    mixed = np.minimum(gm, 2 * core * np.sqrt(near_csf * wm))
    gm = gm - mixed
    wm = wm + mixed * (csf < 0.5)
    csf = csf + mixed * (csf >= 0.5)
    powers = [np.clip(p, 1e-6, 1) ** value("sharpening") for p in (csf, gm, wm)]
    total = sum(powers)
    return powers[0] / total, (powers[0] + powers[1]) / total


def _exceeds(threshold, u, edge):
    """Soft version of u < threshold that stays 0 and 1 where the threshold is 0 and 1."""
    odds = special.logit(np.clip(threshold, 1e-6, 1 - 1e-6)) - special.logit(np.clip(u, 0.01, 0.99))
    return special.expit(odds / edge)


def make_brain(person, template, signals, lesions=None):
    """Fractions and signals of one person, in template space before the deformation.

    Parameters
    ----------
    person : parameters.Person
    template : Template
    signals : list of dict of str to float
        For each contrast, relative signal per tissue, see `contrast.tissue_signals`.
    lesions : ndarray (i, j, k), optional
        Share of the white matter that is lesion, float16 on the template's grid.

    Returns
    -------
    Brain
        Beyond the brain's surface all is CSF.
    """
    shape, affine = box_grid(LOW, HIGH, 2.0)
    points, depth = grid_points(shape, affine), template.depth[::2, ::2, ::2].astype(np.float32)
    regions = _regions(points, depth, signals)
    u = _latent_field(person, depth, points, affine, regions)
    rng = generator(person.number, "texture")
    texture = value("texture_fine_sd") * smooth_noise(rng, shape, 0.75)
    texture += value("texture_coarse_sd") * smooth_noise(rng, shape, 4.0)
    floor = _sulcal_floor(person, depth, regions)
    laminae = value("folium_white") * regions.cerebellum * smooth_step(depth, 1.5, 4)
    parts = regions.core, regions.brainstem, texture, floor, laminae, *regions.grey_signals
    coarse = np.stack(parts, axis=-1)
    near_csf = ndimage.gaussian_filter(255 - template.gm - template.wm, 1.5)
    maps = np.zeros((*u.shape, 3 + len(signals)), np.float16)
    # In slabs of 20 mm: all that follows is point by point, and memory is short.
    for first in range(0, shape[0] - 1, 10):
        last = min(first + 10, shape[0] - 1)
        fine = slice(2 * first, 2 * last + 1)
        core, stem, grain, low, white, *grey = (
            refine(c) for c in np.moveaxis(coarse[first : last + 1], -1, 0)
        )
        odds = [m[fine].astype(np.float32) / 255 for m in (template.gm, template.wm, near_csf)]
        depth = template.depth[fine].astype(np.float32)
        gm, wm = _tissues(*odds, depth, u[fine], (core, stem, low, white))
        share = 0 if lesions is None else lesions[fine].astype(np.float32) * wm
        maps[fine, ..., 0], maps[fine, ..., 1], maps[fine, ..., 2] = gm, wm, share
        for number, table in enumerate(signals):
            signal = gm * grey[number] + (wm - share) * table["WM"] + share * table["lesion"]
            signal = signal * (1 + grain) + (1 - gm - wm) * table["CSF"]
            maps[fine, ..., 3 + number] = signal
    return Brain(template.affine, maps)


def _sulcal_floor(person, depth, regions):
    """Least share of fluid; sulci and fissures are shallow, none is added further in."""
    widened = value("sulcal_floor") * (1 + person.sulcal_widening)
    floor = widened * smooth_step(depth, 30, 20) * (1 - regions.core)
    return floor + regions.cerebellum * (value("folium_floor") - floor)


def _tissues(gm, wm, near_csf, depth, u, regions):
    """GM and WM fraction from probabilities and the latent field."""
    core, brainstem, floor, laminae = regions
    csf = np.where(depth < 0, 1, np.clip(1 - gm - wm, 0, 1))
    first, second = _person_probabilities(csf, gm, wm, near_csf, core, brainstem)
    first = np.maximum(first, floor * second)
    second = np.maximum(first, np.minimum(second, 1 - laminae))
    # Mixed voxels are real in the deep nuclei: no sheets there, and softer edges.
    u = u + core * (0.5 - u)
    edge = value("tissue_edge") * (1 + 2 * core)
    beyond = smooth_step(-depth, -0.5, 1.0)
    csf = _exceeds(first, u, edge)
    csf += beyond * (1 - csf)
    wm = (1 - _exceeds(second, u, edge)) * (1 - beyond)
    return np.clip(1 - csf - wm, 0, 1), wm
