"""What motion and breathing add to the BOLD signal, in four parts, at any points of the brain.

1. ``linear``: a smooth random map for each of the 24 parameters (six, their differences, squares):
   what remains after realignment because the head moved through fields, coils and partial volumes
   (Friston 1996, 10.1002/mrm.1910350312). Lies in the span of the true 24 parameters.
2. ``spin_history``: motion through the slices brings tissue of another excitation history into a
   slice; on the whole signal is lost, and recovers with T1 over the next volumes. How much, depends
   on when in the repetition the head moved and on the order of slices, so each slice has its own
   course, and no linear combination of the parameters has it (Friston 1996).
3. ``respiratory``: changes of breathing, part of which go with motion, act on all grey matter
   through carbon dioxide, late and slowly (Birn 2008, 10.1016/j.neuroimage.2007.11.059; Power 2014,
   10.1016/j.neuroimage.2013.08.048).
4. ``distance``: noise that comes with motion and is alike in near places only; so correlations of
   near regions rise in people who move (Power 2012, 10.1016/j.neuroimage.2011.10.018; Satterthwaite
   2013, 10.1016/j.neuroimage.2012.08.052).

Each part is courses (time) times maps (place). A frozen share of parts 1, 2 and 4 is fine, as at
edges: voxels have it, the mean of a region hardly. Amplitudes are frozen; they grow with motion,
and nothing here knows of groups or of coupling.
"""

import numpy as np

from mriworkbook.practice._motion import (
    PARAMETERS,
    RADIUS,
    framewise_displacement,
    friston24,
    six_parameters,
)
from mriworkbook.practice._network_series import slow_noise
from mriworkbook.practice.parameters import value

THROUGH = [PARAMETERS.index(name) for name in ("trans_z", "rot_x", "rot_y")]
PARTS = ("linear", "spin_history", "respiratory", "distance")


def smooth_maps(points, length, n_maps, rng, blur=0.0):
    """Random cosines whose sum of products over maps falls with distance like a Gaussian.

    sum_k m_k(x) m_k(y) = exp(-|x - y|^2 / (2 length^2)) in expectation (random Fourier features,
    Rahimi and Recht 2007), so ``noise (t, k) @ maps (k, n)`` is noise with that correlation.

    Parameters
    ----------
    points : ndarray (n, 3)
        mm.
    length : float or ndarray (n_maps,)
        mm; several lengths give a mixture.
    n_maps : int
    rng : numpy.random.Generator
    blur : float
        SD in mm of the Gaussian over which a point averages.

    Returns
    -------
    ndarray (n_maps, n), float32

    Examples
    --------
    >>> points = np.array([[0.0, 0, 0], [100, 0, 0]])
    >>> maps = smooth_maps(points, 20, 4000, np.random.default_rng(0))
    >>> bool(abs((maps[:, 0] * maps[:, 1]).sum()) < 0.05)
    True
    """
    waves = rng.standard_normal((n_maps, 3)) / np.broadcast_to(length, n_maps)[:, None]
    left = np.sqrt(2 / n_maps) * np.exp(-((blur * waves) ** 2).sum(axis=1) / 2)
    waves = waves.astype(np.float32)
    phase = rng.uniform(0, 2 * np.pi, n_maps).astype(np.float32)
    x, y, z = np.asarray(points, np.float32).T
    angle = waves[:, :1] * x + waves[:, 1:2] * y + waves[:, 2:] * z + phase[:, None]
    return np.cos(angle) * left.astype(np.float32)[:, None]


def _coarse_and_fine(length, n_maps):
    """Lengths of the maps: a frozen share is fine, as at edges, and averages out in a region."""
    share, fine = value("artefact_fine")
    return np.where(np.arange(n_maps) < round(share * n_maps), fine, length)


def _linear(motion, points, blur, rng):
    """Courses are the 24 parameters in mm, centred; maps are percent per mm (or per mm^2)."""
    courses = friston24(motion, RADIUS)
    courses = courses - courses.mean(axis=0)
    position, speed, square, common = value("artefact_linear")
    size = np.repeat([position, speed, square, square], 6)
    length, n_maps = value("artefact_linear_length")
    basis = smooth_maps(points, _coarse_and_fine(length, n_maps), n_maps, rng, blur)
    mixing = rng.standard_normal((24, n_maps)).astype(np.float32)
    varying = np.einsum("ck,kn->cn", mixing, basis)
    everywhere = rng.standard_normal((24, 1))
    maps = np.sqrt(1 - common) * varying + np.sqrt(common) * everywhere
    return courses, size[:, None] * maps


def _slice_weights(slices, n_slices, blur):
    """How much of each slice (n_slices, n) is in a point at a fractional slice number."""
    away = np.abs(np.arange(n_slices)[:, None] - np.asarray(slices, float))
    if blur == 0:
        return np.maximum(1 - away, 0)
    weights = np.exp(-((away / blur) ** 2) / 2)
    return weights / weights.sum(axis=0)


def _spin_history(motion, points, slices, stack, blur, t_r, rng):
    """Courses of the slices in percent; maps say which slices a point lies in, and its tissue."""
    n_slices, thickness = stack
    # Half the radius: a slice's mean way when the head nods or tilts.
    axes = six_parameters(motion, RADIUS / 2)[:, THROUGH]
    through = np.abs(np.diff(axes, axis=0, prepend=axes[:1])).sum(axis=1)
    gain, most, t1 = value("artefact_spin_history")
    common, single = value("artefact_spin_slices")
    share = common + single * rng.standard_normal((len(motion), n_slices))
    lost = most * np.tanh(gain * through[:, None] * share / most)
    again = np.exp(-t_r / t1)
    courses = lost.copy()
    courses[1:] += again * lost[:-1]
    courses[2:] += again**2 * lost[:-2]
    share, fine = value("artefact_fine")
    field = smooth_maps(points, fine, 64, rng, blur)
    tissue = np.sqrt(1 - share) + np.sqrt(share) * np.einsum(
        "k,kn->n", rng.standard_normal(64), field
    )
    weights = _slice_weights(slices, n_slices, blur / thickness)
    return -(courses - courses.mean(axis=0)), weights * tissue


def respiration_response(t_r, duration=40.0):
    """Response of the BOLD signal to a change of breathing; its squares sum to 1.

    0.6 t^2.1 exp(-t / 1.6) - 0.0023 t^3.54 exp(-t / 4.25), Birn 2008
    (10.1016/j.neuroimage.2007.11.059). With squares of sum 1, white noise keeps its SD.

    Parameters
    ----------
    t_r, duration : float
        Seconds.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> respiration_response(2.0).round(2)[:4].tolist()
    [0.0, 0.27, 0.29, 0.11]
    """
    t = np.arange(0, duration, t_r)
    response = 0.6 * t**2.1 * np.exp(-t / 1.6) - 0.0023 * t**3.54 * np.exp(-t / 4.25)
    return response / np.sqrt((response**2).sum())


def _respiratory(motion, points, grey, t_r, rng):
    """One course, everywhere in grey matter; percent."""
    displacement = np.nan_to_num(framewise_displacement(motion))
    own, with_motion, uneven, length = value("artefact_respiratory")
    depth = with_motion * (displacement - displacement.mean())
    driven = np.convolve(depth, respiration_response(t_r))[: len(depth)]
    course = own * slow_noise(1, len(motion), t_r, rng)[:, 0] + driven
    field = smooth_maps(points, length, 64, rng)
    where = np.einsum("k,kn->n", rng.standard_normal(64), field)
    return (course - course.mean())[:, None], (np.asarray(grey) * (1 + uneven * where))[None]


def _distance(motion, points, blur, rng):
    """Courses have the size of the displacement between volumes; maps are alike in near places."""
    gain, length, n_maps = value("artefact_distance")
    displacement = np.nan_to_num(framewise_displacement(motion))[:, None]
    courses = gain * displacement * rng.standard_normal((len(motion), n_maps))
    lengths = _coarse_and_fine(length, n_maps)
    return courses - courses.mean(axis=0), smooth_maps(points, lengths, n_maps, rng, blur)


def artefact_factors(
    motion, points, slices, rng, *, grey=1.0, n_slices, thickness=4.0, blur=0.0, t_r=2.0
):
    """Courses and maps of the four parts; see `artefact_parts` for the parameters.

    Returns
    -------
    dict of str to (courses, maps)
        For each of `PARTS`: (n_scans, k) and (k, n); their product is percent signal.

    Examples
    --------
    >>> from mriworkbook.practice._motion import simulate_motion
    >>> rng = np.random.default_rng(0)
    >>> motion = simulate_motion(0.2, 60, rng)
    >>> factors = artefact_factors(motion, np.zeros((5, 3)), np.arange(5), rng, n_slices=5)
    >>> [courses.shape[1] for courses, maps in factors.values()][:3]
    [24, 5, 1]
    """
    points, stack = np.asarray(points), (n_slices, thickness)
    grey = np.broadcast_to(grey, len(points))
    return {
        "linear": _linear(motion, points, blur, rng),
        "spin_history": _spin_history(motion, points, slices, stack, blur, t_r, rng),
        "respiratory": _respiratory(motion, points, grey, t_r, rng),
        "distance": _distance(motion, points, blur, rng),
    }


def artefact_parts(
    motion, points, slices, rng, *, grey=1.0, n_slices, thickness=4.0, blur=0.0, t_r=2.0
):
    """Draw what motion and breathing add to the signal at the given points.

    Parameters
    ----------
    motion : DataFrame (n_scans rows)
        True parameters, trans_* in mm and rot_* in rad; see `_motion.simulate_motion`.
    points : ndarray (n, 3)
        Voxels or centres of regions, mm.
    slices : ndarray (n,)
        Slice in which each point was acquired, from 0; may be fractional.
    rng : numpy.random.Generator
        The maps, which are the scan's own, come from it, too: one call for all points of a scan.
    grey : float or ndarray (n,)
        Share of grey matter, for the respiratory part.
    n_slices : int
        Slices of the acquisition.
    thickness : float
        From slice to slice, mm.
    blur : float
        SD in mm of the Gaussian over which a point averages: 0 for voxels, more for regions.
    t_r : float
        Seconds.

    Returns
    -------
    dict of str to ndarray (n_scans, n), float32
        For each of `PARTS`, percent of the mean signal, mean over time 0.

    Raises
    ------
    ValueError
        If points and slices differ in number, or a slice lies outside the stack.

    Examples
    --------
    >>> from mriworkbook.practice._motion import simulate_motion
    >>> rng = np.random.default_rng(0)
    >>> motion = simulate_motion(0.2, 60, rng)
    >>> parts = artefact_parts(motion, np.zeros((5, 3)), np.arange(5), rng, n_slices=5)
    >>> [(part, series.shape) for part, series in parts.items()][0]
    ('linear', (60, 5))
    """
    if len(points) != len(slices):
        raise ValueError(f"There are {len(points)} points but {len(slices)} slices; give one each.")
    if len(slices) and (np.min(slices) < 0 or np.max(slices) > n_slices - 1):
        raise ValueError(
            f"slices go from {np.min(slices)} to {np.max(slices)}; they must lie in 0 to "
            f"{n_slices - 1}, the stack's own."
        )
    factors = artefact_factors(
        motion,
        points,
        slices,
        rng,
        grey=grey,
        n_slices=n_slices,
        thickness=thickness,
        blur=blur,
        t_r=t_r,
    )
    return {part: product(*pair) for part, pair in factors.items()}


def product(courses, maps):
    """Courses times maps, float32; written as einsum, whose rounding no thread can change.

    Examples
    --------
    >>> product(np.ones((2, 3)), np.ones((3, 1))).ravel().tolist()
    [3.0, 3.0]
    """
    return np.einsum("tk,kn->tn", courses.astype(np.float32), maps.astype(np.float32))
