"""From relaxation times to a picture: settings of a scan, curves, slices of a head.

The signal equations are those of `mriworkbook.practice.contrast`, the times at 3 T those of
`mriworkbook.practice.parameters.TISSUES`; nothing is typed in twice. Settings are a plain dict:
``sequence`` (one of `SEQUENCE_NAMES`), ``repetition_time``, ``echo_time``,
``inversion_time`` (ms), ``flip_angle`` (degrees) and ``field_strength`` (T).
"""

from typing import NamedTuple

import numpy as np

from mriworkbook.practice.contrast import inversion_recovery_signal, mprage_signal
from mriworkbook.practice.parameters import MPRAGE, PEOPLE, SEQUENCES, TISSUES, value

#: Measured relaxation times (ms) at each field strength (T), all fields by one method in one study,
#: so that their ratios mean something: T1 Wright 2008, 10.1007/s10334-008-0104-8; T2* Peters 2007,
#: 10.1016/j.mri.2007.02.014; T2 Cox 2010, 10.1002/mrm.22522 (GM: frontal).
MEASURED = {
    1.5: {
        "GM": {"t1": 1197, "t2_star": 84.0, "t2": 87},
        "WM": {"t1": 646, "t2_star": 66.2, "t2": 80},
        "putamen": {"t1": 1084, "t2_star": 55.5},
        "caudate": {"t1": 1109, "t2_star": 58.8},
    },
    3.0: {
        "GM": {"t1": 1607, "t2_star": 66.0, "t2": 76},
        "WM": {"t1": 838, "t2_star": 53.2, "t2": 71},
        "putamen": {"t1": 1332, "t2_star": 31.5},
        "caudate": {"t1": 1395, "t2_star": 41.3},
    },
    7.0: {
        "GM": {"t1": 1939, "t2_star": 33.2, "t2": 47},
        "WM": {"t1": 1126, "t2_star": 26.8, "t2": 47},
        "putamen": {"t1": 1644, "t2_star": 16.1},
        "caudate": {"t1": 1684, "t2_star": 19.9},
    },
}
FIELD_STRENGTHS = tuple(MEASURED)
# Choices: what nobody measured at all fields follows the tissue that it is most like. Fluid keeps
# its T1 at all fields (Rooney 2007, 10.1002/mrm.21122); what is not listed keeps its times too.
_LIKE = {
    "thalamus": "GM",
    "hippocampus": "GM",
    "lesion": "WM",
    "pallidum": "putamen",
}
BRAIN = ("CSF", "GM", "WM", "caudate", "putamen", "thalamus", "pallidum", "hippocampus")
HEAD = ("muscle", "fat", "marrow", "skin", "blood", "vitreous", "bone")
SEQUENCE_NAMES = ("spin echo", "gradient echo", "inversion recovery", "MPRAGE")
_GRADIENT_ECHOES = ("gradient echo", "MPRAGE")
PRESETS = (*SEQUENCES, "T2*w")
# A choice: the practice study has no such scan.
_T2_STAR_W = {"repetition_time": 600.0, "echo_time": 25.0, "flip_angle": 20.0}
# The practice study's scan of each kind, whose noise a sequence has (gradient echo: a choice).
_NOISE_OF = {
    "spin echo": "T2w",
    "gradient echo": "T2w",
    "inversion recovery": "FLAIR",
    "MPRAGE": "T1w",
}


def tissues_at(field_strength=3.0):
    """Relaxation times and proton density of every tissue at one field strength.

    At 3 T this is `mriworkbook.practice.parameters.TISSUES`. At another field each time is
    multiplied by the ratio that was measured between that field and 3 T.

    Parameters
    ----------
    field_strength : {1.5, 3.0, 7.0}
        In tesla.

    Returns
    -------
    dict of str to parameters.Tissue

    Raises
    ------
    ValueError
        If nothing was measured at this field strength.

    Examples
    --------
    >>> [round(tissues_at(field)["WM"].t1) for field in FIELD_STRENGTHS]
    [646, 838, 1126]
    >>> tissues_at(7)["CSF"] == tissues_at(3)["CSF"]
    True
    """
    if field_strength not in MEASURED:
        raise ValueError(
            f"No relaxation times for {field_strength} T: choose one of "
            f"{', '.join(f'{b0:g}' for b0 in MEASURED)}."
        )
    there, at_3 = MEASURED[field_strength], MEASURED[3.0]
    tissues = {}
    for name, tissue in TISSUES.items():
        like = _LIKE.get(name, name)
        # The deep nuclei have no T2 of their own in the table: they follow cortex.
        ratios = {
            time: there[source][time] / at_3[source][time]
            for time in ("t1", "t2_star", "t2")
            if (source := like if time in there.get(like, {}) else "GM") and like in there
        }
        tissues[name] = tissue._replace(
            **{time: ratio * getattr(tissue, time) for time, ratio in ratios.items()}
        )
    return tissues


def preset(contrast):
    """Settings of one contrast: those of the practice study, and a T2*w gradient echo.

    Parameters
    ----------
    contrast : {"T1w", "T2w", "PDw", "FLAIR", "T2*w"}

    Returns
    -------
    dict
        See the top of this module. What a sequence does not use has a value all the same, so that
        sliders have a place to start from.

    Examples
    --------
    >>> preset("T1w")["sequence"], preset("FLAIR")["sequence"], preset("T2w")["echo_time"]
    ('MPRAGE', 'inversion recovery', 100.0)
    """
    if contrast == "T2*w":
        return preset("T2w") | {"sequence": "gradient echo"} | _T2_STAR_W
    protocol = SEQUENCES[contrast]
    if contrast == "T1w":
        sequence = "MPRAGE"
    else:
        sequence = "inversion recovery" if protocol.inversion_time else "spin echo"
    return {
        "sequence": sequence,
        "repetition_time": protocol.repetition_time,
        "echo_time": protocol.echo_time,
        "inversion_time": protocol.inversion_time or MPRAGE.inversion_time,
        "flip_angle": getattr(protocol, "flip_angle", 90.0),
        "field_strength": protocol.field_strength,
    }


def tissue_signal(tissue, settings):
    """Signal of one tissue, negative where the magnetisation is still inverted.

    Parameters
    ----------
    tissue : parameters.Tissue
        At the field strength of the settings, see `tissues_at`.
    settings : dict
        See the top of this module.

    Returns
    -------
    float
        In units of proton density; CSF's equilibrium magnetisation is 1.

    Raises
    ------
    ValueError
        If the times do not fit into each other.

    Examples
    --------
    >>> flair = preset("FLAIR")
    >>> bool(abs(tissue_signal(TISSUES["CSF"], flair)) < 1e-3)
    True
    """
    times = {name: settings[name] for name in ("repetition_time", "echo_time", "inversion_time")}
    sequence, angle = settings["sequence"], settings["flip_angle"]
    if sequence not in SEQUENCE_NAMES:
        raise ValueError(
            f"No sequence is called {sequence!r}; choose one of {', '.join(SEQUENCE_NAMES)}."
        )
    longest = MPRAGE.echo_spacing if sequence == "MPRAGE" else times["repetition_time"]
    if sequence in _GRADIENT_ECHOES and not times["echo_time"] < longest:
        raise ValueError(
            f"TE {times['echo_time']:g} ms must be shorter than the {longest:g} ms from pulse to "
            "pulse: the signal is read in between."
        )
    if sequence == "gradient echo":
        return _gradient_echo_signal(tissue, angle, times["repetition_time"], times["echo_time"])
    if sequence == "MPRAGE":
        return float(mprage_signal(tissue.t1, tissue.t2_star, tissue.pd, flip_angle=angle, **times))
    if sequence == "spin echo":
        times["inversion_time"] = None
    return float(inversion_recovery_signal(tissue.t1, tissue.t2, tissue.pd, **times))


def _gradient_echo_signal(tissue, flip_angle, repetition_time, echo_time):
    """Spoiled gradient echo in its steady state (Ernst 1966, 10.1063/1.1719961)."""
    regrown, angle = np.exp(-repetition_time / tissue.t1), np.radians(flip_angle)
    mz = (1 - regrown) / (1 - np.cos(angle) * regrown)
    return float(tissue.pd * np.sin(angle) * mz * np.exp(-echo_time / tissue.t2_star))


def _steps(settings):
    """One repetition as pulses (factors of Mz), waits (ms) and the mark of the sampling."""
    repetition, echo = settings["repetition_time"], settings["echo_time"]
    inversion = settings["inversion_time"]
    if settings["sequence"] == "spin echo":
        # Begins at the excitation; what has grown back at the end is sampled next.
        return [("pulse", 0.0), ("wait", echo / 2), ("pulse", -1.0),
                ("wait", repetition - echo / 2), ("mark", 0.0)]  # fmt: skip
    if settings["sequence"] == "gradient echo":
        left = np.cos(np.radians(settings["flip_angle"]))
        return [("pulse", left), ("wait", repetition), ("mark", 0.0)]
    if settings["sequence"] == "inversion recovery":
        return [("pulse", -1.0), ("wait", inversion), ("mark", 0.0), ("pulse", 0.0),
                ("wait", echo / 2), ("pulse", -1.0),
                ("wait", repetition - inversion - echo / 2)]  # fmt: skip
    spacing, train = MPRAGE.echo_spacing, MPRAGE.train_length
    before = train // 2
    excite = [("pulse", np.cos(np.radians(settings["flip_angle"]))), ("wait", spacing)]
    steps = [("pulse", -1.0), ("wait", inversion - before * spacing)] + excite * before
    steps += [("mark", 0.0)] + excite * (train - before)
    return [*steps, ("wait", repetition - inversion - (train - before) * spacing)]


def _follow(steps, t1, mz, points):
    """Mz through one repetition: times, Mz, and Mz at the mark."""
    times, values, now, marked = [0.0], [mz], 0.0, None
    for kind, amount in steps:
        if kind == "pulse":
            mz = amount * mz
        elif kind == "mark":
            marked = mz
            continue
        else:
            n = max(2, round(points * amount / sum(a for k, a in steps if k == "wait")))
            after = amount * np.arange(1, n) / n
            times += [*(now + after)]
            values += [*(1 + (mz - 1) * np.exp(-after / t1))]
            now, mz = now + amount, 1 + (mz - 1) * np.exp(-amount / t1)
        times.append(now)
        values.append(mz)
    return np.array(times), np.array(values), marked


def longitudinal(tissue, settings, points=300):
    """Longitudinal magnetisation through one repetition, in the steady state.

    A repetition maps Mz at its start to ``a * Mz + b`` at its end; the steady state is the fixed
    point ``b / (1 - a)``.

    Parameters
    ----------
    tissue : parameters.Tissue
    settings : dict
        See the top of this module.
    points : int
        About how many; more where pulses follow closely.

    Returns
    -------
    times, mz : ndarray
        ms from the first pulse (the inversion, or the excitation where there is none), and Mz over
        its equilibrium.
    sampled : float
        Mz when it is tipped over to be measured: at TI after an inversion, else at TR.

    Examples
    --------
    >>> settings = preset("T2w")
    >>> *_, sampled = longitudinal(TISSUES["WM"], settings)
    >>> tissue = TISSUES["WM"]
    >>> signal = tissue.pd * sampled * np.exp(-settings["echo_time"] / tissue.t2)
    >>> bool(np.isclose(signal, tissue_signal(tissue, settings)))
    True
    """
    tissue_signal(tissue, settings)  # says what is wrong if the times do not fit
    steps = _steps(settings)
    nothing, one = (_follow(steps, tissue.t1, mz, 0)[1][-1] for mz in (0.0, 1.0))
    return _follow(steps, tissue.t1, nothing / (1 - (one - nothing)), points)


class HeadSlices(NamedTuple):
    """Slices of one head as shares of tissues.

    names: of the slices. tissues: of the first axis of each array in shares: uint8,
    (tissue, row, column), steps of 1/255; rows run up the picture, columns to the right.
    """

    names: tuple
    tissues: tuple
    shares: list
    voxel_size: float


#: Of practice person 01: position in the raw grid (right, front, up; voxels of 2 mm).
SLICES = {
    "through the midline": (0, 44),
    "through both temporal lobes": (1, 62),
    "at the eyes": (2, 53),
    "through the ventricles": (2, 75),
    "above the ventricles": (2, 90),
}


def head_slices():
    """Five slices of practice person 01, whole head, as shares of 15 tissues.

    The shares come from the same sampling as the practice study's images, without noise, shading
    and texture. Takes some seconds: keep the result (``study.memory.cache(head_slices)()``).

    Returns
    -------
    HeadSlices
    """
    from mriworkbook.practice import _people
    from mriworkbook.practice._sampling import acquire

    person = PEOPLE["01"]._replace(fault="")
    place = _people.make_place(person)
    shape, affine = _people.raw_grid(person, place.deformation)
    brain = _people.make_brain(person, _one_hot(BRAIN))
    # The tissues around the brain have no share in it: maps of zeros, which take no memory.
    around = (*HEAD, "air")
    none = brain._replace(maps=np.zeros((*brain.maps.shape[:3], 3 + len(around)), np.float16))
    shares = []
    for axis, index in SLICES.values():
        part = [slice(0, n) for n in shape]
        part[axis] = slice(index, index + 1)
        parts = [
            acquire(shape, affine, tuple(part), place._replace(brain=maps), _one_hot(names)).signals
            for maps, names in ((brain, BRAIN), (none, around))
        ]
        stack = np.array([np.take(s, 0, axis).T for p in parts for s in p], float).clip(0)
        # Texture makes a tissue brighter, not more: without it the shares sum to one.
        total = stack.sum(axis=0)
        stack /= np.where(
            total > 0, total, 1
        )  # far from the head nothing is looked up, not even air
        shares.append(np.round(255 * stack[:-1]).astype(np.uint8))
    return HeadSlices(tuple(SLICES), BRAIN + HEAD, shares, float(person.voxel_size))


def _one_hot(names):
    """For each tissue the signals that make an image of its share."""
    return [{tissue: float(tissue == name) for tissue in TISSUES} for name in names]


def slice_image(shares, tissues, settings, noise=0.0, seed=0):
    """Picture of a slice under some settings.

    Signals add up with their sign within a voxel; the picture is the magnitude.

    Parameters
    ----------
    shares : ndarray of uint8, shape (tissue, row, column)
    tissues : sequence of str
        Names along the first axis.
    settings : dict
        See the top of this module.
    noise : float
        Standard deviation in either channel; `noise_at` has a realistic one.
    seed : int
        Of the noise.

    Returns
    -------
    ndarray, shape (row, column)
        In units of proton density.

    Examples
    --------
    >>> half = np.array([[[128]], [[127]]], np.uint8)
    >>> slice_image(half, ["GM", "WM"], preset("PDw")).shape
    (1, 1)
    """
    table = tissues_at(settings["field_strength"])
    signals = np.array([tissue_signal(table[name], settings) for name in tissues])
    clean = np.tensordot(signals, shares, axes=1) / 255
    rng = np.random.default_rng(seed)
    real, imaginary = noise * rng.standard_normal((2, *clean.shape))
    return np.hypot(clean + real, imaginary)


def noise_at(field_strength, sequence):
    """Standard deviation of the noise in units of proton density.

    At 3 T that of the practice study's scan of this kind, which depends on voxel size and time as
    well; elsewhere inversely proportional to the field, because the signal-to-noise ratio grows
    about linearly with it (Vaughan 2001, 10.1002/mrm.1156: 1.6 times from 4 to 7 T).

    Parameters
    ----------
    field_strength : float
        In tesla.
    sequence : str
        One of `SEQUENCE_NAMES`.

    Returns
    -------
    float

    Examples
    --------
    >>> noise_at(1.5, "MPRAGE") == 2 * noise_at(3, "MPRAGE")
    True
    """
    contrast = _NOISE_OF[sequence]
    white = abs(tissue_signal(TISSUES["WM"], preset(contrast)))
    return value(f"noise_{contrast}") * white * 3 / field_strength
