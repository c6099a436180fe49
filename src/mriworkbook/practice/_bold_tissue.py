"""Mean signal of a gradient-echo EPI: relaxation, saturation by the pulses before, dropout.

With a flip angle a every TR, perfect spoiling and E1 = exp(-TR / T1), the longitudinal
magnetisation before the nth pulse follows ``M(n + 1) = 1 - (1 - M(n) cos a) E1`` from M(1) = 1; an
image has ``PD sin(a) M(n) exp(-TE / T2*)`` (Bernstein 2004, Handbook of MRI Pulse Sequences, 14.1).
Fluid is partly renewed between pulses; the protocol suppresses fat.
"""

import numpy as np

from mriworkbook.practice.parameters import TISSUES, value

# Where air lies below the brain, template millimetres; those off the midline are on both sides.
AIR = ((0, 30, -36), (9, 54, -42), (52, -28, -46))
NUCLEI = {
    "thalamus": (10, 49),
    "caudate": (11, 50),
    "putamen": (12, 51),
    "pallidum": (13, 52),
    "hippocampus": (17, 53),
}


def epi_signal(name, pulse=None):
    """Signal of one tissue relative to white matter in the steady state.

    Parameters
    ----------
    name : str
        Key of `parameters.TISSUES`.
    pulse : int, optional
        Number of the excitation from 0 on; by default the steady state.

    Returns
    -------
    float

    Raises
    ------
    KeyError
        If there is no such tissue.

    Examples
    --------
    Fluid relaxes slowly, so that the first volume shows it much brighter than the others.

    >>> bool(epi_signal("CSF", pulse=0) > 1.5 * epi_signal("CSF"))
    True
    """
    left = value("bold_fat_left") if name in ("fat", "marrow", "skin") else 1.0
    return left * _magnitude(TISSUES[name], pulse) / _magnitude(TISSUES["WM"], None)


def _magnitude(tissue, pulse):
    t_r, echo_time, flip_angle = value("bold_protocol")
    left = np.exp(-1000 * t_r / tissue.t1)
    cosine = np.cos(np.radians(flip_angle))
    steady = (1 - left) / (1 - left * cosine)
    # The distance from the steady state shrinks by the factor cos(a) E1 with each pulse.
    before = steady if pulse is None else steady + (1 - steady) * (left * cosine) ** pulse
    if tissue is TISSUES["CSF"]:
        before += value("bold_fluid_renewed") * (1 - before)
    sine = np.sin(np.radians(flip_angle))
    return float(tissue.pd * sine * before * np.exp(-1000 * echo_time / tissue.t2_star))


def dropout(points):
    """Share of the signal that dephasing near air leaves.

    A sphere of air disturbs the field by 1 / r^3; dephasing within a voxel adds a rate to R2* that
    is taken in proportion to that.

    Parameters
    ----------
    points : ndarray (3, n)
        Template millimetres.

    Returns
    -------
    ndarray (n,), float32
        0 to 1.

    Examples
    --------
    >>> gone, kept = dropout(np.array([[0.0, 0], [38, -80], [-24, 20]]))
    >>> bool(gone < 0.6 < 0.98 < kept)
    True
    """
    rate, radius = value("bold_dropout")
    echo_time = value("bold_protocol")[1]
    total = np.zeros(points.shape[1], np.float32)
    for centre in AIR:
        for side in {1, -1 if centre[0] else 1}:
            x = points[0] - side * centre[0]
            distance2 = x**2 + (points[1] - centre[1]) ** 2 + (points[2] - centre[2]) ** 2
            total += rate * (radius**2 / np.maximum(distance2, radius**2)) ** 1.5
    return np.exp(-echo_time * total)


def brain_signal(shares, structures, pulse=None):
    """Signal of brain voxels without dropout and coil; steady white matter is 1.

    Parameters
    ----------
    shares : dict of str to ndarray (n,)
        "GM", "WM", "CSF".
    structures : ndarray (n,)
        Structure of each voxel, see `structures.STRUCTURES`: the grey matter of deep nuclei has
        its own relaxation.
    pulse : int, optional
        See `epi_signal`.

    Returns
    -------
    ndarray (n,), float32
    """
    grey = np.full(len(structures), epi_signal("GM", pulse), np.float32)
    for name, numbers in NUCLEI.items():
        grey[np.isin(structures, numbers)] = epi_signal(name, pulse)
    total = shares["GM"] * grey
    for name in ("WM", "CSF"):
        total = total + shares[name] * np.float32(epi_signal(name, pulse))
    return total.astype(np.float32)
