"""The block task of one person: hands moved by turns, and what the motor cortex answers."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from nilearn.glm.first_level import compute_regressor

from mriworkbook.practice._bold_files import func_folder
from mriworkbook.practice._files import write_json
from mriworkbook.practice.parameters import value
from mriworkbook.practice.regions import load_regions


class Task(NamedTuple):
    """Who did which task."""

    label: str
    name: str


TASK = Task("01", "motor")
# The knob of the precentral gyrus, left; the right one is its mirror image.
HAND_KNOB = (-38.0, -22.0, 56.0)
REACH = 12.0  # mm


def hand_regions():
    """Labels of the dorsal somatomotor regions at the hand knob of each hemisphere.

    Returns
    -------
    dict of str to list of int
        "L" and "R".

    Examples
    --------
    >>> {hemi: len(labels) > 0 for hemi, labels in hand_regions().items()}
    {'L': True, 'R': True}
    """
    regions = load_regions()
    found = {}
    for hemi, side in (("L", 1), ("R", -1)):
        knob = np.array(HAND_KNOB) * (side, 1, 1)
        distance = np.linalg.norm(regions[["x", "y", "z"]].to_numpy() - knob, axis=1)
        near = (distance < REACH) & (regions["network"] == "SomatomotorDorsal")
        found[hemi] = [int(label) for label in regions.index[near]]
    return found


def block_events():
    """Onset and duration in seconds of each block, with the hand that moves.

    Returns
    -------
    DataFrame
        onset, duration, trial_type; from the first volume of the file on.

    Examples
    --------
    >>> block_events()["trial_type"].tolist()[:3]
    ['left', 'right', 'left']
    """
    block, t_r = value("task_block"), value("bold_t_r")
    first = value("bold_n_dummies") * t_r + block / 2
    onsets = np.arange(first, value("bold_n_scans") * t_r - block, 2 * block)
    hands = ["left" if number % 2 == 0 else "right" for number in range(len(onsets))]
    return pd.DataFrame({"onset": onsets, "duration": block, "trial_type": hands})


def add_responses(planted):
    """The run of `planted` with the responses to the blocks in its series.

    Parameters
    ----------
    planted : _bold_person.Planted

    Returns
    -------
    _bold_person.Planted
        The other side's hand area goes up, the same side's a little down; Glover's response.
    """
    events, series = block_events(), planted.series.copy()
    times = (np.arange(len(series)) + 0.5) * value("bold_t_r")
    regions = load_regions()
    hands = hand_regions()
    for hand, (contra, ipsi) in (("left", ("R", "L")), ("right", ("L", "R"))):
        chosen = events[events["trial_type"] == hand]
        condition = np.stack([chosen["onset"], chosen["duration"], np.ones(len(chosen))])
        response, _ = compute_regressor(condition, "glover", times)
        for hemi, effect in ((contra, "task_effect"), (ipsi, "task_deactivation")):
            columns = regions.index.get_indexer(hands[hemi])
            series[:, columns] += value(effect) * response
    return planted._replace(series=series)


def task_facts():
    """What was planted by the task, as plain data."""
    return {
        "TaskEffectPercent": value("task_effect"),
        "TaskDeactivationPercent": value("task_deactivation"),
        "HandRegions": hand_regions(),
        "Contrast": "the right hemisphere's hand regions answer to trial_type left",
    }


def write_events(root):
    """Write the events of the task's run, with a sidecar."""
    folder = func_folder(root, TASK.label, derivative=None)
    path = folder / f"sub-{TASK.label}_task-{TASK.name}_events.tsv"
    block_events().to_csv(path, sep="\t", index=False)
    about = {
        "onset": {
            "Description": "Start of the block after that of the simulated run",
            "Units": "s",
        },
        "duration": {"Description": "Length of the block", "Units": "s"},
        "trial_type": {
            "Description": "Which hand is moved; between blocks there is rest",
            "Levels": {"left": "left hand", "right": "right hand"},
        },
    }
    # Every key of this sidecar is a column: there is no place for a description of the whole.
    write_json(path.with_suffix(".json"), about)
