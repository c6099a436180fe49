"""Shapes of deep structures in template millimetres, read off the bundled T1w template.

Each function gives a weight that is 1 inside, 0 outside and passes 0.5 on the surface. All shapes
are alike on both sides of the midline, as the template is.
"""

import numpy as np
from scipy import ndimage

from mriworkbook.practice._fields import smooth_step


def ellipsoid(points, centre, radii):
    """1 inside an ellipsoid on both sides of the midline, falling smoothly to 0."""
    x, y, z = points
    r2 = (
        ((abs(x) - centre[0]) / radii[0]) ** 2
        + ((y - centre[1]) / radii[1]) ** 2
        + ((z - centre[2]) / radii[2]) ** 2
    )
    return smooth_step(np.sqrt(r2), 1.25, 0.8)


# Deep nuclei as ellipsoids: centre (|x|, y, z) and radii.
NUCLEI = {
    "caudate": [((13, 12, 8), (7, 14, 13)), ((16, -4, 21), (6, 18, 7))],
    "putamen": [((26, 2, 1), (7, 17, 12))],
    "thalamus": [((11, -19, 7), (13, 15, 11))],
    "pallidum": [((19, -4, -1), (6, 9, 7))],
}
AMYGDALA = (23.0, -2.5, -19.0), (8.0, 7.0, 8.0)
BRAINSTEM = (0, -28, -38), (19, 17, 40)

# The hippocampus as ellipses on coronal planes: y, centre |x| and z, radii along x and z, and
# how far z falls per millimetre sideways.
HIPPOCAMPUS = np.array(
    [
        [-5.0, 24.0, -27.0, 6.0, 2.0, 0.0],
        [-8.0, 25.0, -25.0, 8.0, 4.0, 0.0],
        [-12.0, 27.0, -20.0, 9.5, 6.0, 0.0],
        [-16.0, 27.0, -17.5, 10.0, 5.5, 0.0],
        [-20.0, 28.5, -16.5, 9.0, 5.0, 0.0],
        [-24.0, 29.0, -14.0, 8.5, 4.2, 0.1],
        [-28.0, 29.5, -12.0, 8.0, 4.0, 0.2],
        [-32.0, 29.0, -8.0, 8.0, 4.0, 0.3],
        [-36.0, 27.0, -3.5, 8.0, 4.2, 0.45],
        [-40.0, 23.0, 1.0, 6.5, 4.0, 0.5],
        [-43.0, 20.0, 3.5, 3.5, 2.0, 0.5],
    ]
)


def hippocampus(points):
    """Weight of the hippocampus of either side.

    Examples
    --------
    >>> middle, far = hippocampus(np.array([[28.0, 28.0], [-20.0, -20.0], [-16.5, 10.0]]))
    >>> bool(middle == 1), bool(far == 0)
    (True, True)
    """
    x, y, z = points
    place = HIPPOCAMPUS[::-1, 0]
    centre_x, centre_z, radius_x, radius_z, fall = (
        np.interp(y, place, column[::-1]) for column in HIPPOCAMPUS.T[1:]
    )
    aside = abs(x) - centre_x
    r2 = (aside / radius_x) ** 2 + ((z - centre_z + fall * aside) / radius_z) ** 2
    beyond = np.maximum(np.maximum(place[0] - y, y - place[-1]), 0)
    return smooth_step(np.sqrt(r2 + (beyond / 2) ** 2), 1.25, 0.8)


# Height of the tentorium: a row per y, a column per |x|.
TENTORIUM_X = np.arange(0.0, 60.0, 10.0)
TENTORIUM = np.array(
    [
        [-90.0, -22, -22, -22, -22, -22, -22],
        [-82.0, -16, -17, -19, -20, -20, -20],
        [-74.0, -9, -12, -16, -19, -20, -22],
        [-68.0, -2, -7, -13, -18, -21, -22],
        [-62.0, 2, -4, -12, -18, -22, -23],
        [-56.0, 3, -2, -11, -18, -22, -26],
        [-52.0, 2, -3, -12, -19, -23, -27],
        [-48.0, 0, -6, -14, -20, -25, -28],
        [-44.0, -3, -9, -17, -23, -27, -30],
        [-40.0, -8, -12, -20, -25, -29, -32],
        [-36.0, -10, -13, -20, -27, -30, -33],
    ]
)


def cerebellum(points):
    """Weight of the cerebellum: below the tentorium and behind the brainstem."""
    x, y, z = points
    row = np.interp(y, TENTORIUM[:, 0], np.arange(len(TENTORIUM)))
    column = np.interp(abs(x), TENTORIUM_X, np.arange(len(TENTORIUM_X)))
    top = ndimage.map_coordinates(TENTORIUM[:, 1:], [row, column], order=1, mode="nearest")
    weight = smooth_step(top - z, -2, 2) * smooth_step(-y, 31, 37)
    return (weight * (1 - ellipsoid(points, *BRAINSTEM))).astype(points.dtype)
