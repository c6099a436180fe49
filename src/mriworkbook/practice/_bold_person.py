"""What was planted in a BOLD run before any voxel: coupling, series, true and estimated motion."""

import functools
from typing import NamedTuple

import numpy as np
import pandas as pd

from mriworkbook.practice._coupling import at_scan, coupling_matrix, draw_deviation
from mriworkbook.practice._fields import generator
from mriworkbook.practice._motion import estimated_motion, simulate_motion
from mriworkbook.practice._network_series import neural_series
from mriworkbook.practice.parameters import BOLD_PEOPLE, value

# Tasks and the people who have a run of them; None is everybody.
TASKS = {"rest": None, "motor": ("01",)}


class Planted(NamedTuple):
    """One run, n_scans volumes.

    coupling (regions, regions). series (n_scans, regions): neural part, percent of the mean signal.
    motion: true parameters, trans_* in mm and rot_* in rad. estimated: what realignment reports.
    """

    coupling: np.ndarray
    series: np.ndarray
    motion: pd.DataFrame
    estimated: pd.DataFrame


@functools.lru_cache(maxsize=2)
def planted_run(label, task="rest"):
    """What was planted in a run; the same whenever it is asked for.

    Parameters
    ----------
    label : str
        Key of `parameters.BOLD_PEOPLE`.
    task : {"rest", "motor"}
        The ongoing activity at rest has the person's coupling in either; a task's responses come
        on top of it (see `_bold_task`).

    Returns
    -------
    Planted
        Do not write to it.

    Raises
    ------
    KeyError
        If there is no such person.
    ValueError
        If the person has no run of the task.

    Examples
    --------
    >>> planted_run("01").series.shape
    (152, 187)
    """
    if label not in BOLD_PEOPLE:
        raise KeyError(f"No person with BOLD is called {label!r}; choose one of {[*BOLD_PEOPLE]}.")
    if task not in TASKS or label not in (TASKS[task] or BOLD_PEOPLE):
        raise ValueError(f"sub-{label} has no run of {task!r}; the tasks are {', '.join(TASKS)}.")
    person = BOLD_PEOPLE[label]
    n_scans, t_r = value("bold_n_scans"), value("bold_t_r")
    trait = draw_deviation(generator(person.number, "coupling"))
    day = at_scan(trait, generator(person.number, "coupling of the day"))
    coupling = coupling_matrix(day, person.group)
    series = neural_series(coupling, n_scans, t_r, generator(person.number, f"neural {task}"))
    motion = simulate_motion(
        person.motion_level, n_scans, generator(person.number, f"motion {task}")
    )
    estimated = estimated_motion(motion, generator(person.number, f"realignment {task}"))
    return Planted(coupling, series, motion, estimated)
