"""BOLD runs of one person: template space for everybody, raw and T1w space for some.

The run in template space is made on its own grid for people who exist there only; where there is a
raw run, both preprocessed runs are resampled from it, as fMRIPrep would (see `_bold_raw`).
"""

import numpy as np

from mriworkbook.practice._bold_files import HAVE_RAW, write_preprocessed, write_truth_of_run
from mriworkbook.practice._bold_grid import template_voxels
from mriworkbook.practice._bold_noise import as_integers, coil_field, smooth_volumes, thermal_sd
from mriworkbook.practice._bold_percent import global_courses, percent, planted_changes
from mriworkbook.practice._bold_person import planted_run
from mriworkbook.practice._bold_raw import write_raw
from mriworkbook.practice._bold_task import TASK, add_responses, task_facts, write_events
from mriworkbook.practice._bold_tissue import brain_signal, dropout
from mriworkbook.practice.parameters import BOLD_PEOPLE, SPACE, value

# Height of the middle slice, template mm.
MIDDLE = 8.0


def write_bold(root, label):
    """Write the BOLD runs of one person, with the truth about them, below `root`.

    Parameters
    ----------
    root : Path
        Folder of the practice study; persons 01 to 03 must have their scans and derivatives there.
    label : str
        Key of `parameters.BOLD_PEOPLE`.
    """
    voxels = template_voxels(root, label, BOLD_PEOPLE[label].number)
    if label in HAVE_RAW:
        write_raw(root, label, voxels)
    else:
        write_template_run(root, label, "rest", voxels)
    if label == TASK.label:
        write_template_run(root, label, TASK.name, voxels)
        write_events(root)


def write_template_run(root, label, task, voxels):
    """Simulate and write one run on the template grid.

    Parameters
    ----------
    root : Path
    label, task : str
    voxels : _bold_grid.Voxels
    """
    number = BOLD_PEOPLE[label].number
    planted = planted_run(label, task)
    if task == TASK.name:
        planted = add_responses(planted)
    slices, n_slices = template_slices(voxels.points)
    changes = planted_changes(voxels, planted, number, task, slices, n_slices)
    run = percent(changes)
    run /= 100
    run += 1
    coil = coil_field(voxels.mask, voxels.affine, number)[voxels.mask]
    seen = coil * dropout(voxels.points)
    steady = seen * brain_signal(voxels.shares, voxels.structures)
    for volume in range(value("bold_n_dummies")):
        run[volume] *= seen * brain_signal(voxels.shares, voxels.structures, volume)
    run[value("bold_n_dummies") :] *= steady
    noise = smooth_volumes(number, task, voxels.mask, len(run))
    noise *= coil * thermal_sd(voxels.depth)
    run += noise
    run *= np.float32(value("bold_intensity"))
    courses = global_courses(changes)
    del changes
    write_preprocessed(root, label, task, SPACE, as_integers(run), voxels.mask, voxels.affine)
    facts = task_facts() if task == TASK.name else {}
    write_truth_of_run(root, label, task, planted, courses, voxels, facts)


def template_slices(points):
    """Slices in which template points are acquired: level ones from the neck to the crown.

    Parameters
    ----------
    points : ndarray (3, n)
        Template millimetres.

    Returns
    -------
    slices : ndarray (n,)
        Fractional, from 0.
    n_slices : int

    Examples
    --------
    >>> slices, n_slices = template_slices(np.array([[0.0], [0.0], [4.0]]))
    >>> bool(0 < slices[0] < n_slices)
    True
    """
    n_slices = value("bold_slices")
    slices = (points[2] - MIDDLE) / value("bold_raw_voxel")[2] + (n_slices - 1) / 2
    return np.clip(slices, 0, n_slices - 1), n_slices
