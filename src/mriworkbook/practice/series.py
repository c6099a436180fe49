"""The series cohort: parcel time series of two groups, two scans a person, raw and cleaned.

Patients have weaker coupling within the default mode, by a frozen amount, and move more. Nothing
links motion to coupling, so whatever a comparison of the groups finds beyond the planted effect
comes from the artefact. `simulate_people` draws a cohort in memory; `write_series` writes the one
of the practice study, `read_series` reads what it wrote.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from mriworkbook.practice._coupling import GROUPS, at_scan, coupling_matrix, draw_deviation
from mriworkbook.practice._fields import generator
from mriworkbook.practice._motion import draw_level, framewise_displacement, rescan_level
from mriworkbook.practice._series_cleaning import STRATEGIES
from mriworkbook.practice._series_scan import draw_scan
from mriworkbook.practice.parameters import MASTER_SEED, value

__all__ = ["STRATEGIES", "SeriesCohort", "read_series", "simulate_people", "write_series"]

FIRST = 2001


class SeriesCohort(NamedTuple):
    """One cohort before any cleaning; people, then scans, are the first two axes.

    participants: indexed by participant_id; group, age, sex, mean_fd_scan-1, ... (estimated, mm),
    level_scan-1, ... (true mean framewise displacement, mm). series (people, scans, volumes,
    regions), noise (people, scans, volumes, noise regions): percent of the mean signal; motion
    (people, scans, volumes, 6): estimated, mm and rad; coupling (people, scans, regions, regions):
    planted.
    """

    participants: pd.DataFrame
    series: np.ndarray
    noise: np.ndarray
    motion: np.ndarray
    coupling: np.ndarray


def simulate_people(n_per_group=None, seed=None):
    """Draw a cohort.

    Parameters
    ----------
    n_per_group : int, optional
        People in each of the two groups; the study's own number if None.
    seed : int, optional
        None draws the practice study's own people.

    Returns
    -------
    SeriesCohort

    Raises
    ------
    ValueError
        If `n_per_group` is below 1.

    Examples
    --------
    >>> cohort = simulate_people(1, seed=0)
    >>> cohort.series.shape
    (2, 2, 148, 187)
    """
    people, n_scans, n_volumes = value("series_people")
    people = people if n_per_group is None else n_per_group
    if people < 1:
        raise ValueError(f"n_per_group is {people}; two groups need 1 person or more in each.")
    participants = _participants(people, n_scans, _generator(seed, "people"))
    levels = participants.filter(like="level_").to_numpy()
    scans = []
    for i, group in enumerate(participants["group"]):
        trait = draw_deviation(_generator(seed, "coupling", i))
        for scan in range(n_scans):
            rng = _generator(seed, f"scan {scan}", i)
            coupling = coupling_matrix(at_scan(trait, rng), group)
            drawn = draw_scan(coupling, levels[i, scan], rng, n_scans=n_volumes)
            scans.append((drawn.series, drawn.noise, drawn.motion.to_numpy(), coupling))
    shape = 2 * people, n_scans
    series, noise, motion, coupling = (
        np.array([scan[k] for scan in scans], np.float32).reshape(*shape, *scans[0][k].shape)
        for k in range(4)
    )
    return SeriesCohort(_with_displacement(participants, motion), series, noise, motion, coupling)


def _generator(seed, purpose, person=0):
    """Of one person and purpose."""
    if seed is None:
        return generator(FIRST + person, f"series {purpose}")
    entropy = [MASTER_SEED, 2, seed, person, *purpose.encode()]
    return np.random.default_rng(np.random.SeedSequence(entropy))


def _participants(people, n_scans, rng):
    """Who they are: pairs of one control and one patient of like age and sex, in random order."""
    age = np.round(rng.uniform(*value("series_age_range"), people))
    male = rng.random(people) < 0.5
    table = pd.DataFrame(
        {
            "group": np.repeat(GROUPS, people),
            "age": np.concatenate([age, age + rng.integers(-1, 2, people)]).astype(int),
            "sex": np.where(np.concatenate([male, male]), "M", "F"),
        }
    )
    for group in GROUPS:
        here = table["group"] == group
        level = draw_level(group, rng, people)
        table.loc[here, "level_scan-1"] = level
        for scan in range(1, n_scans):
            table.loc[here, f"level_scan-{scan + 1}"] = rescan_level(level, group, rng)
    table = table.iloc[rng.permutation(len(table))]
    table.index = pd.Index([f"sub-{FIRST + i}" for i in range(len(table))], name="participant_id")
    return table


def _with_displacement(participants, motion):
    """Add the mean displacement that a study would report, from the estimated motion."""
    mean = np.array([[np.nanmean(displacement(scan)) for scan in person] for person in motion])
    columns = [f"mean_fd_scan-{scan + 1}" for scan in range(motion.shape[1])]
    return participants.join(pd.DataFrame(mean, participants.index, columns))


def displacement(motion):
    """Framewise displacement (n_scans,) in mm of parameters (n_scans, 6); the first is NaN.

    Examples
    --------
    >>> displacement(np.zeros((3, 6))).tolist()
    [nan, 0.0, 0.0]
    """
    return framewise_displacement(as_table(motion))


def as_table(motion):
    """Parameters (n_scans, 6) as the DataFrame that the functions of motion take.

    Examples
    --------
    >>> as_table(np.zeros((3, 6))).columns[0]
    'trans_x'
    """
    from mriworkbook.practice._motion import PARAMETERS

    return pd.DataFrame(np.asarray(motion, float), columns=list(PARAMETERS))


def write_series(root, progress=None):
    """Write the practice study's series cohort and what is true about it.

    Parameters
    ----------
    root : str or Path
        Folder of the practice study; ``derivatives/series`` and ``derivatives/truth/series`` are
        made below it.
    progress : callable, optional
        Called as ``progress(message, done, total)`` with strategies done.
    """
    from mriworkbook.practice._series_files import write_files, write_truth

    cohort = simulate_people()
    write_truth(Path(root), cohort)
    write_files(Path(root), cohort, progress or (lambda message, done, total: None))


def read_series(root, strategy):
    """Series of the cohort, cleaned by one strategy.

    Parameters
    ----------
    root : str or Path
        Folder of the practice study.
    strategy : str
        One of `STRATEGIES`.

    Returns
    -------
    ndarray (people, scans, volumes, regions), float32
        Percent of the mean signal, mean 0, in the order of ``participants.tsv`` and
        ``regions.tsv``. Volumes that scrubbing removed are NaN, all of a scan where it left too
        few.

    Raises
    ------
    ValueError
        If there is no such strategy.
    FileNotFoundError
        If the study has no such file.
    """
    from mriworkbook.practice._series_files import read

    return read(Path(root), strategy)
