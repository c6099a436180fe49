"""How a head moves during a run, and how far from one volume to the next.

Six rigid parameters: a slow drift, a random walk, jitter of single volumes (breathing, aliased at
this t_r, and what realignment makes of it) whose size waxes and wanes, and sudden shifts, some of
which go back within two volumes. Their shares and the six axes' sizes are frozen from real
realignment parameters.
"""

import numpy as np
import pandas as pd
from scipy import signal

from mriworkbook.practice.parameters import value

PARAMETERS = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
RADIUS = 50.0  # mm, Power 2012


def six_parameters(motion, radius=1.0):
    """The six parameters (n_scans, 6) as an array, rotations times `radius`.

    Examples
    --------
    >>> six_parameters(pd.DataFrame(np.ones((2, 6)), columns=list(PARAMETERS)), 50.0)[0].tolist()
    [1.0, 1.0, 1.0, 50.0, 50.0, 50.0]
    """
    # Selecting costs more than all that follows, and thousands of runs are in this order already.
    in_order = tuple(motion.columns) == PARAMETERS
    six = (motion if in_order else motion[list(PARAMETERS)]).to_numpy(float)
    return six * ([1.0] * 3 + [radius] * 3)


def _unit_motion(level, n_scans, rng):
    """Motion on a sphere's surface, (n, 6) in mm of no particular size."""
    axes = np.array(value("motion_axes"))
    walk, drift, wane, memory = value("motion_background")
    innovation = np.sqrt(1 - memory**2) * rng.standard_normal(n_scans)
    calm = signal.lfilter([1.0], [1.0, -memory], innovation)
    size = np.exp(wane * calm)[:, None]
    jitter = rng.standard_normal((n_scans, 6)) / np.sqrt(2)
    steps = walk * rng.standard_normal((n_scans, 6))
    ramp = np.linspace(-0.5, 0.5, n_scans)[:, None] * rng.standard_normal(6)
    moved = size * jitter + np.cumsum(size * steps, axis=0) + drift * n_scans * ramp
    return axes * (moved + _shifts(level, n_scans, rng))


def _shifts(level, n_scans, rng):
    """Sudden shifts, more often in people who move more; (n, 6) in units of the axes."""
    often, size, spread, returning = value("motion_spikes")
    rate = min(often * level / value("motion_level")[0], 0.2)
    path = np.zeros((n_scans, 6))
    for when in np.flatnonzero(rng.random(n_scans) < rate):
        shift = rng.standard_normal(6) * size * np.exp(spread * rng.standard_normal())
        stays = n_scans if rng.random() > returning else when + rng.integers(1, 3)
        path[when:stays] += shift
    return path


def simulate_motion(level, n_scans, rng):
    """Draw the true motion of one run.

    Parameters
    ----------
    level : float
        Mean framewise displacement of the run in mm, which is met exactly.
    n_scans : int
    rng : numpy.random.Generator

    Returns
    -------
    DataFrame
        trans_x, trans_y, trans_z (mm, RAS+), rot_x, rot_y, rot_z (rad); n_scans rows, the first of
        them zero, as if all volumes were realigned to it.

    Raises
    ------
    ValueError
        If `level` is not positive or there are fewer than three volumes.

    Examples
    --------
    >>> motion = simulate_motion(0.2, 100, np.random.default_rng(0))
    >>> round(float(np.nanmean(framewise_displacement(motion))), 6)
    0.2
    """
    if level <= 0 or n_scans < 3:
        raise ValueError(
            f"level is {level} and n_scans {n_scans}; give a level above 0 mm and 3 scans or more."
        )
    moved = _unit_motion(level, n_scans, rng)
    moved -= moved[0]
    moved *= level / np.abs(np.diff(moved, axis=0)).sum(axis=1).mean()
    moved[:, 3:] /= RADIUS
    return pd.DataFrame(moved, columns=list(PARAMETERS))


def draw_level(group, rng, n=None):
    """Mean framewise displacement of people of one group, log-normal, mm.

    Parameters
    ----------
    group : {"control", "patient"}
    rng : numpy.random.Generator
    n : int, optional
        People; one number if None.

    Returns
    -------
    float or ndarray (n,)

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> bool(draw_level("patient", rng, 99).mean() > draw_level("control", rng, 99).mean())
    True
    """
    median, spread = value("motion_level")
    more = value("motion_group") if group == "patient" else 0.0
    return median * np.exp(more + spread * rng.standard_normal(n))


def rescan_level(level, group, rng):
    """Level of the same people at another scan: part of how much one moves is one's own.

    Parameters
    ----------
    level : ndarray (n,)
        At the first scan, mm.
    group : {"control", "patient"}
    rng : numpy.random.Generator

    Returns
    -------
    ndarray (n,)
        Of the same distribution; the logarithms are correlated as frozen.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> level = draw_level("control", rng, 999)
    >>> again = rescan_level(level, "control", rng)
    >>> bool(np.corrcoef(np.log(level), np.log(again))[0, 1] > 0.6)
    True
    """
    share, (median, _) = value("motion_rescan"), value("motion_level")
    centre = median * np.exp(value("motion_group") if group == "patient" else 0.0)
    again = draw_level(group, rng, len(level)) / centre
    return centre * (level / centre) ** share * again ** np.sqrt(1 - share**2)


def framewise_displacement(motion, radius=RADIUS):
    """Sum of the absolute changes of the six parameters since the volume before.

    FD_t = |dx| + |dy| + |dz| + r (|da| + |db| + |dg|), Power 2012
    (10.1016/j.neuroimage.2011.10.018), as fMRIPrep computes it.

    Parameters
    ----------
    motion : DataFrame
        trans_* in mm, rot_* in rad.
    radius : float
        r, of the sphere that stands for the head, mm.

    Returns
    -------
    ndarray (n_scans,)
        mm; the first is NaN, because nothing was before it.

    Examples
    --------
    >>> motion = pd.DataFrame(np.zeros((3, 6)), columns=list(PARAMETERS))
    >>> motion.loc[1, "trans_y"], motion.loc[2, "rot_x"] = 0.5, 0.01
    >>> framewise_displacement(motion).tolist()
    [nan, 0.5, 1.0]
    """
    return np.abs(np.diff(six_parameters(motion, radius), axis=0, prepend=np.nan)).sum(axis=1)


def estimated_motion(motion, rng):
    """What realignment would report: the true motion with a small error in every volume.

    Parameters
    ----------
    motion : DataFrame
        True motion, from `simulate_motion`.
    rng : numpy.random.Generator

    Returns
    -------
    DataFrame
        Like `motion`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = simulate_motion(0.2, 100, rng)
    >>> error = estimated_motion(truth, rng) - truth
    >>> bool(0 < error["trans_x"].std() < 0.1)
    True
    """
    error = value("motion_estimate_sd") * rng.standard_normal((len(motion), 6))
    error[:, 3:] /= RADIUS
    return pd.DataFrame(six_parameters(motion) + error, columns=list(PARAMETERS))


def friston24(motion, radius=1.0):
    """The 24 parameters: six, their backward differences, and the squares of all twelve.

    Friston 1996 (10.1002/mrm.1910350312) has the parameters and those of the volume before with
    their squares; with differences, as fMRIPrep writes them, the columns are others.

    Parameters
    ----------
    motion : DataFrame
    radius : float
        Rotations are multiplied by it: 1 leaves them in rad, 50 makes them mm.

    Returns
    -------
    ndarray (n_scans, 24)
        Not centred; differences of the first volume are 0.

    Examples
    --------
    >>> friston24(simulate_motion(0.2, 50, np.random.default_rng(0))).shape
    (50, 24)
    """
    six = six_parameters(motion, radius)
    twelve = np.concatenate([six, np.diff(six, axis=0, prepend=six[:1])], axis=1)
    return np.concatenate([twelve, twelve**2], axis=1)
