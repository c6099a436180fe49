"""Studies of two groups, drawn, cleaned and compared: what `group_strategies` counts.

A study is drawn twice with the same random numbers, once without a difference of coupling between
the groups and once with the planted one; motion differs in both. What is compared is the mean
Fisher z over the default mode's pairs of regions.
"""

import functools

import numpy as np
from scipy import stats

from mriworkbook.practice import _coupling, _series_scan
from mriworkbook.practice._motion import (
    draw_level,
    estimated_motion,
    framewise_displacement,
    friston24,
    simulate_motion,
)
from mriworkbook.practice._network_series import slow_noise
from mriworkbook.practice._series_cleaning import (
    cosines,
    enough_volumes,
    kept_volumes,
    noise_components,
    removed_space,
)
from mriworkbook.practice.parameters import MASTER_SEED, value

T_R = 2.0
STRICT = 0.2  # mm, Power 2014 (10.1016/j.neuroimage.2013.08.048)
CLEANING = (
    "no artefact",
    "raw",
    "motion",
    "motion_global",
    "scrubbing",
    f"scrubbing at {STRICT} mm",
    "compcor",
)
TESTS = ("t test", "FD covariate", "FD matching")
DESIGNS = ("60 per group", "10 per group", "60, no overlap of motion")
WORLDS = ("no difference", "planted difference")
SURROGATES = 6  # uncoupled series a person, for the degrees of freedom


def draw_person(group, level, rng):
    """One scan of one person; of a patient in both worlds, which are the same for a control.

    Returns
    -------
    dict
        quiet and series (worlds, n_scans, channels): without and with artefact; noise, motion
        (estimated), surrogates (n_scans, k) and planted (worlds,), the mean Fisher z.
    """
    worlds = {"control": ("control",), "patient": ("control", "patient")}[group]
    channels = _series_scan.channels_of(_coupling.DEFAULT_MODE)
    n_scans = value("series_people")[2]
    deviation = _coupling.at_scan(_coupling.draw_deviation(rng), rng)
    couplings = [_coupling.coupling_matrix(deviation, name) for name in worlds]
    true_motion = simulate_motion(level, n_scans, rng)
    artefact = sum(_series_scan.artefacts(channels, true_motion, rng, T_R).values())
    background = _series_scan.background(channels, n_scans, rng)
    white = slow_noise(channels.n_neural, n_scans, T_R, rng)
    merged = [_series_scan.merged_coupling(coupling, channels) for coupling in couplings]
    n, size = channels.n_neural, _series_scan.neural_size()
    quiet = np.stack([size * white @ np.linalg.cholesky(c).T + background[:, :n] for c in merged])
    thermal = value("series_thermal_sd")[0] * rng.standard_normal((n_scans, SURROGATES))
    return {
        "quiet": quiet,
        "series": quiet + artefact[:, :n],
        "noise": (background + artefact)[:, n:],
        "motion": estimated_motion(true_motion, rng),
        "surrogates": size * slow_noise(SURROGATES, n_scans, T_R, rng) + thermal,
        "planted": [_coupling.within_network(coupling) for coupling in couplings],
    }


def global_signal(series):
    """Mean over all regions: the last channel is the mean of those outside the default mode."""
    n_inside = series.shape[-1] - 1
    n_all = n_inside + _series_scan.channels_of(_coupling.DEFAULT_MODE).sizes[n_inside]
    return (series[..., :-1].sum(axis=-1) + (n_all - n_inside) * series[..., -1]) / n_all


def spaces(person):
    """For each of `CLEANING`: which volumes are kept, and in each world the space to remove."""
    series, motion = person["series"], person["motion"]
    n_scans = series.shape[1]
    everything, moved = np.ones(n_scans, bool), framewise_displacement(motion)
    constant = removed_space(np.ones((n_scans, 1)))
    parameters = friston24(motion)
    columns = np.concatenate([cosines(n_scans, T_R), parameters - parameters.mean(axis=0)], axis=1)
    base = removed_space(columns)
    components = noise_components(person["noise"], T_R)
    found = {
        "no artefact": (everything, [constant] * len(series)),
        "raw": (everything, [constant] * len(series)),
        "motion": (everything, [base] * len(series)),
        "compcor": (everything, [removed_space(components, basis=base)] * len(series)),
    }
    everywhere = global_signal(series)[..., None]
    for name, limit in zip(CLEANING[3:6], (np.inf, None, STRICT), strict=True):
        kept = kept_volumes(moved, limit)
        # A regression needs more volumes than it has columns; such people are dropped anyhow.
        if not enough_volumes(kept):
            found[name] = kept, None
            continue
        start = base if kept.all() else removed_space(columns, kept)
        found[name] = kept, [removed_space(g, kept, start) for g in everywhere]
    return found


def mean_z(series):
    """Mean Fisher z over all pairs of columns of series with mean 0."""
    calm = series / np.sqrt((series**2).sum(axis=0))
    return np.arctanh((calm.T @ calm)[pairs_of(calm.shape[1])]).mean()


@functools.lru_cache(maxsize=2)
def pairs_of(n):
    """Indices of the pairs of n series."""
    return np.tril_indices(n, -1)


def measure(person, degrees):
    """Mean z of each cleaning in each world (NaN: dropped), and what the cleaning costs.

    Parameters
    ----------
    person : dict
        See `draw_person`.
    degrees : bool
        Whether to measure correlations of the uncoupled series, too.

    Returns
    -------
    z : ndarray (cleaning, worlds)
    volumes, columns : ndarray (cleaning,)
        Kept, and taken by the regression.
    chance : ndarray (cleaning,)
        Mean squared correlation of uncoupled series; NaN unless `degrees`.
    """
    z = np.full((len(CLEANING), len(WORLDS)), np.nan)
    volumes, taken, chance = np.full((3, len(CLEANING)), np.nan)
    found = spaces(person)
    for i, name in enumerate(CLEANING):
        kept, bases = found[name]
        volumes[i] = kept.sum()
        if bases is None:
            continue
        taken[i] = bases[0].shape[1]
        held = person["quiet" if name == "no artefact" else "series"][..., :-1] * kept[:, None]
        z[i] = [
            mean_z(series - basis @ (basis.T @ series))
            for series, basis in zip(held, bases, strict=True)
        ]
        if degrees:
            uncoupled = person["surrogates"] * kept[:, None]
            uncoupled = uncoupled - bases[0] @ (bases[0].T @ uncoupled)
            pairs = np.corrcoef(uncoupled[kept].T)[pairs_of(SURROGATES)]
            chance[i] = (pairs**2).mean()
    return z, volumes, taken, chance


def draw_study(seed, n=60):
    """Draw, clean and measure everybody of one study.

    Parameters
    ----------
    seed : int
    n : int
        People per group.

    Returns
    -------
    dict
        z (cleaning, worlds, people), patient (people,) of bool, fd (people,): estimated mean, mm;
        planted (worlds, people); volumes, taken, chance (cleaning, people).
    """
    rng = np.random.default_rng(np.random.SeedSequence([MASTER_SEED, 3, seed]))
    patient = np.arange(2 * n) >= n
    levels = np.concatenate([draw_level(group, rng, n) for group in _coupling.GROUPS])
    people, fd, planted = [], [], []
    for i, (level, ill) in enumerate(zip(levels, patient, strict=True)):
        person = draw_person(_coupling.GROUPS[int(ill)], level, rng)
        people.append(measure(person, degrees=i % 10 == 0))
        fd.append(np.nanmean(framewise_displacement(person["motion"])))
        planted.append(np.broadcast_to(person["planted"], len(WORLDS)))
    z, volumes, taken, chance = (np.stack(parts, axis=-1) for parts in zip(*people, strict=True))
    return {
        "z": z,
        "patient": patient,
        "fd": np.array(fd),
        "planted": np.array(planted).T,
        "volumes": volumes,
        "taken": taken,
        "chance": chance,
    }


def matched(fd, patient):
    """Pairs of a patient and a control with like log displacement, the nearest first.

    A caliper of `series_caliper` SD bounds the difference.

    Parameters
    ----------
    fd : ndarray (n,)
        Mean framewise displacement, mm.
    patient : ndarray (n,) of bool

    Returns
    -------
    ndarray (pairs, 2) of int
        Patient and control of each pair.
    """
    log_fd, chosen, pairs = np.log(fd), np.zeros(len(fd), bool), []
    ill, well = np.flatnonzero(patient), np.flatnonzero(~patient)
    if not (len(ill) and len(well)):
        return np.empty((0, 2), int)
    apart = np.abs(log_fd[ill][:, None] - log_fd[well])
    limit = value("series_caliper") * log_fd.std(ddof=1)
    for flat in np.argsort(apart, axis=None, kind="stable"):
        i, j = np.unravel_index(flat, apart.shape)
        if apart[i, j] > limit:
            break
        pair = [ill[i], well[j]]
        if not chosen[pair].any():
            chosen[pair] = True
            pairs.append(pair)
    return np.array(pairs, int).reshape(-1, 2)


def welch(z, patient):
    """Difference (patients less controls), its standard error and p, of z (worlds, n)."""
    sides = z[:, patient], z[:, ~patient]
    if min(side.shape[1] for side in sides) < 2:
        return np.full((3, len(z)), np.nan)
    estimate = sides[0].mean(axis=1) - sides[1].mean(axis=1)
    shares = [side.var(axis=1, ddof=1) / side.shape[1] for side in sides]
    error = np.sqrt(shares[0] + shares[1])
    df = error**4 / sum(
        share**2 / (side.shape[1] - 1) for share, side in zip(shares, sides, strict=True)
    )
    return np.stack([estimate, error, 2 * stats.t.sf(np.abs(estimate / error), df)])


def paired(z, pairs):
    """The same within pairs, who are more alike than strangers; Austin 2011 (10.1002/sim.4200)."""
    if len(pairs) < 2:
        return np.full((3, len(z)), np.nan)
    change = z[:, pairs[:, 0]] - z[:, pairs[:, 1]]
    estimate = change.mean(axis=1)
    error = change.std(axis=1, ddof=1) / np.sqrt(len(pairs))
    return np.stack([estimate, error, 2 * stats.t.sf(np.abs(estimate / error), len(pairs) - 1)])


def covariate(z, patient, fd):
    """The same from ordinary least squares with mean displacement as a covariate."""
    design = np.column_stack([np.ones(len(fd)), patient, fd - fd.mean()])
    df = len(fd) - design.shape[1]
    if df < 1 or np.linalg.matrix_rank(design) < design.shape[1]:
        return np.full((3, len(z)), np.nan)
    inverse = np.linalg.inv(design.T @ design)
    coefficients = z @ design @ inverse
    residual = z - coefficients @ design.T
    error = np.sqrt((residual**2).sum(axis=1) / df * inverse[1, 1])
    estimate = coefficients[:, 1]
    return np.stack([estimate, error, 2 * stats.t.sf(np.abs(estimate / error), df)])


def compare(z, patient, fd, test):
    """Compare the groups by one of `TESTS`.

    Parameters
    ----------
    z : ndarray (worlds, n)
        NaN: dropped.
    patient : ndarray (n,) of bool
    fd : ndarray (n,)
        mm.
    test : str

    Returns
    -------
    ndarray (5, worlds)
        Estimate (patients less controls), standard error, p, patients and controls in use; the
        first three NaN where the test cannot be done.
    """
    used = ~np.isnan(z).any(axis=0)
    z, patient, fd = z[:, used], patient[used], fd[used]
    counts = [np.full(len(z), n) for n in (patient.sum(), (~patient).sum())]
    if test == "FD matching":
        pairs = matched(fd, patient)
        found, counts = paired(z, pairs), [np.full(len(z), len(pairs))] * 2
    else:
        found = covariate(z, patient, fd) if test == "FD covariate" else welch(z, patient)
    return np.concatenate([found, counts])


def compare_all(study):
    """Every cleaning by every test in every design: (designs, cleaning, tests, 5, worlds)."""
    patient, fd = study["patient"], study["fd"]
    rank = np.where(patient, np.cumsum(patient), np.cumsum(~patient))
    # Only quiet controls and restless patients: what a study of children often gets.
    apart = patient == (fd >= np.median(fd))
    chosen = np.ones(len(fd), bool), rank <= 10, apart
    return np.array(
        [
            [
                [compare(z[:, who], patient[who], fd[who], test) for test in TESTS]
                for z in study["z"]
            ]
            for who in chosen
        ]
    )
