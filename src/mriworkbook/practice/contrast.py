"""Signal of a tissue from its relaxation times and proton density: MPRAGE, spin echo, FLAIR.

MPRAGE: between pulses the longitudinal magnetisation relaxes, under pulses it shrinks or flips:
every step maps Mz to ``a * Mz + b``. One repetition is the composition of its steps, and the steady
state is the fixed point ``b / (1 - a)`` (Marques 2010, 10.1016/j.neuroimage.2009.10.002, for two
readouts). Spin echoes: closed expressions, see `spin_echo_signal`.
"""

from functools import reduce

import numpy as np

from mriworkbook.practice.parameters import MPRAGE, SEQUENCES, TISSUES, SpinEcho


def _then(first, second):
    """Affine map that applies `first`, then `second`."""
    (a1, b1), (a2, b2) = first, second
    return a2 * a1, a2 * b1 + b2


def _relax(duration, t1):
    """Recovery towards the equilibrium 1 for `duration` ms."""
    e = np.exp(-duration / t1)
    return e, 1 - e


def _repeat(step, n):
    """`step` applied n times: a geometric series."""
    a, b = step
    power = a**n
    return power, b * (1 - power) / (1 - a)


def mprage_signal(
    t1,
    t2_star,
    pd,
    *,
    repetition_time=MPRAGE.repetition_time,
    inversion_time=MPRAGE.inversion_time,
    flip_angle=MPRAGE.flip_angle,
    echo_spacing=MPRAGE.echo_spacing,
    echo_time=MPRAGE.echo_time,
    train_length=MPRAGE.train_length,
    inversion_efficiency=1.0,
):
    """Steady-state MPRAGE signal at the centre of k-space.

    Spoiling is perfect, and the centre of k-space is read by the middle excitation of the train,
    `inversion_time` after the inversion.

    Parameters
    ----------
    t1, t2_star : float or ndarray
        Relaxation times in ms.
    pd : float or ndarray
        Proton density; the equilibrium magnetisation in any unit.
    repetition_time : float
        From inversion to inversion, ms (BIDS: RepetitionTimePreparation, in s).
    inversion_time : float
        From inversion to the centre of k-space, ms.
    flip_angle : float
        Degrees.
    echo_spacing : float
        From excitation to excitation, ms (BIDS: RepetitionTimeExcitation, in s).
    echo_time : float
        ms.
    train_length : int
        Excitations per inversion.
    inversion_efficiency : float
        1 for a perfect inversion.

    Returns
    -------
    float or ndarray
        Signal in units of `pd`; negative while Mz is still inverted. Its magnitude is the image.

    Raises
    ------
    ValueError
        If the train does not fit between the inversion and the next one.

    References
    ----------
    Marques 2010, 10.1016/j.neuroimage.2009.10.002; Wang 2014, 10.1371/journal.pone.0096899.

    Examples
    --------
    >>> white, grey, csf = (mprage_signal(*TISSUES[t][:3]) for t in ("WM", "GM", "CSF"))
    >>> round(float(grey / white), 2), round(float(csf / white), 2)
    (0.54, 0.18)
    """
    t1, t2_star = np.asarray(t1, dtype=float), np.asarray(t2_star, dtype=float)
    before = train_length // 2
    delay = inversion_time - before * echo_spacing
    rest = repetition_time - inversion_time - (train_length - before) * echo_spacing
    if delay < 0 or rest < 0:
        raise ValueError(
            f"A train of {train_length} excitations every {echo_spacing:g} ms lasts "
            f"{train_length * echo_spacing:g} ms and does not fit around TI {inversion_time:g} ms "
            f"in TR {repetition_time:g} ms: shorten the train or lengthen TI and TR."
        )
    cosine = np.cos(np.radians(flip_angle))
    excite = _then((cosine, 0.0), _relax(echo_spacing, t1))
    to_centre = reduce(
        _then, [(-inversion_efficiency, 0.0), _relax(delay, t1), _repeat(excite, before)]
    )
    to_end = reduce(_then, [to_centre, _repeat(excite, train_length - before), _relax(rest, t1)])
    steady = to_end[1] / (1 - to_end[0])
    at_centre = to_centre[0] * steady + to_centre[1]
    return pd * np.sin(np.radians(flip_angle)) * np.exp(-echo_time / t2_star) * at_centre


def spin_echo_signal(t1, t2, pd, *, repetition_time, echo_time):
    """Steady-state signal of a spin echo with 90 and 180 degrees.

    ``S = pd * (1 - 2 exp(-(TR - TE/2) / T1) + exp(-TR / T1)) * exp(-TE / T2)``. In a turbo spin
    echo `echo_time` is the one at the centre of k-space; its further pulses are left out.

    Parameters
    ----------
    t1, t2 : float or ndarray
        Relaxation times in ms.
    pd : float or ndarray
        Proton density; the equilibrium magnetisation in any unit.
    repetition_time, echo_time : float
        ms.

    Returns
    -------
    float or ndarray
        Signal in units of `pd`.

    Raises
    ------
    ValueError
        If the echo does not fit into the repetition.

    Notes
    -----
    The magnetisation starts from 0 at the excitation, is turned over at TE/2 after regrowing to
    ``1 - exp(-TE / 2 T1)``, and recovers until TR. The tests follow it pulse by pulse.

    Examples
    --------
    >>> csf, white = (spin_echo_signal(t1, t2, 1.0, repetition_time=5000, echo_time=100)
    ...               for t1, t2 in ((4309, 1886), (838, 79.6)))
    >>> bool(csf > 2 * white)
    True
    """
    return inversion_recovery_signal(
        t1, t2, pd, repetition_time=repetition_time, echo_time=echo_time, inversion_time=None
    )


def inversion_recovery_signal(t1, t2, pd, *, repetition_time, inversion_time, echo_time):
    """Steady-state signal of an inversion-recovery spin echo, such as FLAIR.

    ``S = pd * (1 - 2 exp(-TI/T1) + 2 exp(-(TR - TE/2) / T1) - exp(-TR/T1)) * exp(-TE/T2)``: the
    longitudinal magnetisation after a perfect inversion, TI before the excitation, in a steady
    state that the 180 degree pulse between excitation and echo takes part in.

    Parameters
    ----------
    t1, t2 : float or ndarray
        Relaxation times in ms.
    pd : float or ndarray
        Proton density; the equilibrium magnetisation in any unit.
    repetition_time, echo_time : float
        ms; from inversion to inversion, and at the centre of k-space.
    inversion_time : float or None
        ms from inversion to excitation; None for no inversion, a plain spin echo.

    Returns
    -------
    float or ndarray
        Signal in units of `pd`; negative while still inverted. Its magnitude is the image.

    Raises
    ------
    ValueError
        If inversion time and echo time do not fit into the repetition.

    Notes
    -----
    What a spin echo (`spin_echo_signal`) leaves is inverted at TR and recovers for TI. The tests
    follow it pulse by pulse.

    Examples
    --------
    FLAIR: the inversion time leaves no fluid.

    >>> flair = SEQUENCES["FLAIR"]
    >>> times = {"repetition_time": flair.repetition_time, "echo_time": flair.echo_time}
    >>> csf = inversion_recovery_signal(4309, 1886, 1, inversion_time=flair.inversion_time, **times)
    >>> bool(abs(csf) < 1e-3)
    True
    """
    t1, t2 = np.asarray(t1, dtype=float), np.asarray(t2, dtype=float)
    if (inversion_time or 0) + echo_time >= repetition_time:
        raise ValueError(
            f"TI {inversion_time or 0:g} ms and TE {echo_time:g} ms do not fit into TR "
            f"{repetition_time:g} ms: shorten them or lengthen TR."
        )
    late = np.exp(-(repetition_time - echo_time / 2) / t1)
    whole = np.exp(-repetition_time / t1)
    if inversion_time is None:
        recovered = 1 - 2 * late + whole
    else:
        recovered = 1 - 2 * np.exp(-inversion_time / t1) + 2 * late - whole
    return pd * recovered * np.exp(-echo_time / t2)


def signal(tissue, sequence):
    """Signal of one tissue under one protocol; negative while still inverted.

    Parameters
    ----------
    tissue : parameters.Tissue
    sequence : parameters.Sequence or parameters.SpinEcho

    Returns
    -------
    float

    Examples
    --------
    >>> bool(signal(TISSUES["CSF"], SEQUENCES["T2w"]) > 3 * signal(TISSUES["WM"], SEQUENCES["T2w"]))
    True
    """
    times = sequence._asdict()
    del times["field_strength"], times["source"]
    if isinstance(sequence, SpinEcho):
        return float(inversion_recovery_signal(tissue.t1, tissue.t2, tissue.pd, **times))
    return float(mprage_signal(tissue.t1, tissue.t2_star, tissue.pd, **times))


def tissue_signals(contrast="T1w", *, tissues=None, **protocol):
    """Magnitude of every tissue relative to the frozen table's white matter.

    Parameters
    ----------
    contrast : {"T1w", "T2w", "PDw", "FLAIR"}
    tissues : dict of str to parameters.Tissue, optional
        Entries that replace those of `TISSUES`.
    **protocol
        Fields of the contrast's protocol in `SEQUENCES` to be changed, such as `echo_time`. White
        matter, to which all is relative, keeps its parameters but gets the changed protocol.

    Returns
    -------
    dict of str to float

    Raises
    ------
    ValueError
        If the contrast or a tissue is unknown.

    Examples
    --------
    >>> signals = tissue_signals()
    >>> signals["fat"] > signals["WM"] > signals["GM"] > signals["CSF"] > signals["air"] == 0
    True
    >>> flair = tissue_signals("FLAIR")
    >>> flair["lesion"] > flair["GM"] > flair["WM"] > flair["CSF"]
    True
    """
    if contrast not in SEQUENCES:
        raise ValueError(
            f"No contrast is called {contrast!r}; choose one of {', '.join(SEQUENCES)}."
        )
    unknown = set(tissues or {}) - set(TISSUES)
    if unknown:
        raise ValueError(f"Unknown tissue {', '.join(unknown)}; known: {', '.join(TISSUES)}.")
    sequence = SEQUENCES[contrast]._replace(**protocol)
    white = abs(signal(TISSUES["WM"], sequence))
    table = TISSUES | (tissues or {})
    return {name: abs(signal(tissue, sequence)) / white for name, tissue in table.items()}
