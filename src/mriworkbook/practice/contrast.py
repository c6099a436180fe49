"""Signal of a tissue in an MPRAGE image, from its T1, T2* and proton density.

Between pulses the longitudinal magnetisation relaxes, under pulses it shrinks or flips: every step
maps Mz to ``a * Mz + b``. One repetition is the composition of its steps, and the steady state is
the fixed point ``b / (1 - a)`` (Marques 2010, 10.1016/j.neuroimage.2009.10.002, for two readouts).
"""

from functools import reduce

import numpy as np

from mriworkbook.practice.parameters import MPRAGE, TISSUES


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


def tissue_signals(**protocol):
    """Magnitude of every tissue of the table relative to white matter.

    Parameters
    ----------
    **protocol
        Passed to `mprage_signal`.

    Returns
    -------
    dict of str to float

    Examples
    --------
    >>> signals = tissue_signals()
    >>> signals["fat"] > signals["WM"] > signals["GM"] > signals["CSF"] > signals["air"] == 0
    True
    """
    signals = {
        name: abs(float(mprage_signal(t.t1, t.t2_star, t.pd, **protocol)))
        for name, t in TISSUES.items()
    }
    return {name: signal / signals["WM"] for name, signal in signals.items()}
