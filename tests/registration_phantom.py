"""A phantom head on all kinds of grids, moved by planted maps; shared by the tests of maps."""

import nibabel as nib
import numpy as np
from hypothesis import strategies as st
from nibabel.affines import apply_affine

from mriworkbook.transforms import Transform

VOXEL = 5.0
RNG = np.random.default_rng(4)
CENTRES = RNG.uniform(-45, 45, (45, 3))
POINTS = RNG.uniform(-35, 35, (40, 3))


def turned(degrees, shift=(0.0, 0, 0), zoom=(1.0, 1, 1)):
    """Affine that turns about z, then x, after scaling the axes."""
    z, x = np.radians(degrees), np.radians(degrees / 2)
    about_z = [[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]]
    about_x = [[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]]
    affine = np.eye(4)
    affine[:3, :3] = np.array(about_x) @ about_z @ np.diag(zoom)
    affine[:3, 3] = shift
    return affine


def head(points):
    """A bright ellipsoid full of dark balls as a function of world points (..., 3), mm."""
    radius = np.sqrt(((points / (58, 72, 52)) ** 2).sum(-1))
    level = 1 / (1 + np.exp((radius - 1) * 30))
    for centre in CENTRES:
        level = level * (1 - 0.7 * np.exp(-(((points - centre) / 8) ** 2).sum(-1)))
    return 1000 * level


def centres_of(affine, shape):
    """World points of a grid's voxels, ndarray (*shape, 3)."""
    return apply_affine(affine, np.moveaxis(np.indices(shape), 0, -1))


def image_of(affine, shape, there=None):
    """The head on a grid; `there` says where in the head each point lies."""
    points = centres_of(affine, shape)
    return nib.Nifti1Image(head(there(points) if there else points).astype(np.float32), affine)


def grid(voxel=VOXEL, extent=(160.0, 190, 150)):
    """Upright affine and shape around the origin."""
    zooms = np.broadcast_to(voxel, 3)
    shape = tuple(int(n) for n in np.ceil(np.array(extent) / zooms))
    affine = np.diag([*zooms, 1.0])
    affine[:3, 3] = -(np.array(shape) - 1) / 2 * zooms
    return affine, shape


def flipped(affine, shape):
    """The same place in the world, stored from right to left."""
    return affine @ np.array([[-1, 0, 0, shape[0] - 1], *np.eye(4)[1:]]), shape


def exchanged(affine, shape):
    """The same place in the world, its third axis stored first."""
    return affine[:, [2, 0, 1, 3]], tuple(shape[n] for n in (2, 0, 1))


def oblique(affine, shape, degrees=25):
    return turned(degrees) @ affine, shape


def skewed(affine, shape):
    affine = affine.copy()
    affine[:3, 1] += 0.15 * affine[:3, 0]
    return affine, shape


WIDE = (190.0, 210, 190)
GRIDS = {
    "upright": grid(),
    "flipped": flipped(*grid()),
    "oblique": oblique(*grid(extent=WIDE)),
    "oblique, flipped, exchanged": exchanged(*flipped(*oblique(*grid(extent=WIDE)))),
    "anisotropic": grid((3.0, 4.0, 8.0)),
    "skewed": skewed(*grid(extent=WIDE)),
}
UPRIGHT, SHAPE = GRIDS["upright"]
FIXED = image_of(UPRIGHT, SHAPE)
# Fixed points -> moving points.
PLANTED = turned(9, (6.0, -8, 5), (1.08, 0.93, 1.04))
RIGID = turned(9, (6.0, -8, 5))


def bulge(points):
    """Smooth displacement of fixed points by up to 9 mm, even, so that no affine comes near it."""
    x, y, z = np.moveaxis(points, -1, 0) / 22
    return points + 5 * np.stack([np.cos(y), np.cos(z), np.cos(x)], axis=-1)


def moving_on(name, planted=PLANTED):
    """The head moved by `planted`, on one of the grids."""
    back = np.linalg.inv(planted)
    return image_of(*GRIDS[name], there=lambda points: apply_affine(back, points))


def linear(affine, fixed="upright", moving="upright"):
    """Transform of a known affine between two of the grids."""
    grids = [GRIDS[name][::-1] for name in (fixed, moving)]
    return Transform("affine", [affine], [np.linalg.inv(affine)], *grids)


# Of 1/1000: numbers next to 0 make the inverses of ITK fail.
small = st.integers(-200, 200).map(lambda n: n / 1000)


@st.composite
def affines(draw):
    """Affines that turn, stretch and shear a little, and shift by up to 4 cm."""
    affine = np.eye(4)
    affine[:3, :3] += np.reshape(draw(st.lists(small, min_size=9, max_size=9)), (3, 3))
    affine[:3, 3] = 200 * np.array(draw(st.lists(small, min_size=3, max_size=3)))
    return affine


@st.composite
def grids(draw, reach=80.0):
    """Affine and shape around the origin: any order and direction of axes, uneven, oblique."""
    zooms = draw(st.lists(st.integers(4, 12), min_size=3, max_size=3))
    affine, shape = oblique(*grid(zooms, (2 * reach,) * 3), draw(st.integers(-40, 40)))
    order = draw(st.permutations(range(3)))
    affine, shape = affine[:, [*order, 3]], tuple(shape[n] for n in order)
    for axis in range(3):
        if draw(st.booleans()):
            turn = np.eye(4)
            turn[axis, axis], turn[axis, 3] = -1, shape[axis] - 1
            affine = affine @ turn
    return affine, shape


@st.composite
def bends(draw, amount=4.0):
    """A part: displacements of some mm on a coarse grid, and the grid's affine."""
    affine, _ = oblique(*grid(20.0, (140.0,) * 3), draw(st.integers(-30, 30)))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    return rng.normal(0, amount, (3, 7, 7, 7)).astype(np.float32), affine
