"""Files of BOLD runs: images with their repetition time, sidecars, and the truth beside them."""

import gzip

import nibabel as nib
import numpy as np

from mriworkbook.practice import truth_path
from mriworkbook.practice._files import raw_path, save, sidecar, write_json
from mriworkbook.practice.parameters import BOLD_PEOPLE, SPACE, value
from mriworkbook.practice.regions import load_regions

LEVEL = 4  # of gzip; higher ones take more time than they save space
HAVE_RAW = ("01", "02")  # of their rest

_TEXTS = {
    "bold": "Simulated BOLD run; each voxel outside the mask is 0.",
    "boldref": "Simulated: mean of the run's steady volumes.",
    "mask": "Simulated: the true brain with its surface moved as real tools' masks err.",
}
_TRUTH_TEXTS = {
    "network_series": "Neural part of each region's signal, responses to a task included, percent "
    "of the mean signal; one row a volume, at the middle of its acquisition.",
    "coupling": "Planted correlation between the regions' neural series.",
    "motion": "Where the head was, relative to the first volume: shifts in mm, turns in rad about "
    "x, then y, then z through the middle of the field of view (RAS+).",
    "artefacts": "Mean over the mask of each part that motion and breathing add, percent.",
    "activity": "Region whose activity a voxel carries: the parcellation moved by the person's own "
    "shift and by the error of the registration; 0 where there is too little grey matter.",
}


def func_folder(root, label, derivative="fmriprep"):
    """The folder for a person's runs, made if it is not there; None for the raw data."""
    base = root / "derivatives" / derivative if derivative else root
    folder = base / f"sub-{label}" / "func"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def save_run(volumes, affine, path):
    """Save integers (i, j, k, t) with the repetition time in the header.

    Parameters
    ----------
    volumes : ndarray of int16
    affine : ndarray (4, 4)
    path : Path
    """
    img = nib.Nifti1Image(volumes, affine)
    img.header.set_xyzt_units("mm", "sec")
    img.header.set_zooms((*img.header.get_zooms()[:3], value("bold_t_r")))
    code = "mni" if f"space-{SPACE}" in path.name else "scanner"
    img.set_sform(affine, code)
    img.set_qform(affine, code)
    # nibabel squeezes at level 1, which leaves files larger; no time stamp, so that equal runs are
    # equal files.
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", LEVEL, file, mtime=0) as squeezed,
    ):
        squeezed.write(img.to_bytes())


def write_preprocessed(root, label, task, space, run, mask, affine):
    """Write a preprocessed run with its reference and mask.

    Parameters
    ----------
    root : Path
    label, task, space : str
    run : ndarray (n_scans, n), int16
        Voxels of the mask.
    mask : ndarray (i, j, k) of bool
    affine : ndarray (4, 4)
    """
    stem = f"sub-{label}_task-{task}_space-{space}"
    folder = func_folder(root, label)
    # Volume by volume as in the file: the transposed array is its layout, so nothing is copied.
    stored = np.zeros((len(run), *mask.shape[::-1]), np.int16)
    stored.reshape(len(run), -1)[:, mask.ravel(order="F")] = run[:, _file_order(mask)]
    steady = run[value("bold_n_dummies") :].mean(axis=0, dtype=np.float64)
    reference = np.zeros(mask.shape, np.int16)
    reference[mask] = np.rint(steady)
    path = folder / f"{stem}_desc-preproc_bold.nii.gz"
    save_run(stored.T, affine, path)
    place = _place(root, label, space)
    write_json(path, _run_sidecar(label, task) | place)
    for name, data, text in (
        ("boldref", reference, "boldref"),
        ("desc-brain_mask", mask.astype(np.uint8), "mask"),
    ):
        path = folder / f"{stem}_{name}.nii.gz"
        save(nib.Nifti1Image(data, affine), path, data.dtype)
        extra = place | ({"Type": "Brain"} if text == "mask" else {})
        write_json(path, sidecar(_TEXTS[text], **_sources(label, task), **extra))


def _file_order(mask):
    """Numbers of the mask's voxels (numbered with the last axis fastest) as a file has them."""
    number = np.empty(mask.shape, np.intp)
    number[mask] = np.arange(mask.sum())
    return number.T[mask.T]


def _place(root, label, space):
    """What BIDS asks of a space that is a person's own: the image that defines it."""
    if space != "T1w":
        return {}
    path = raw_path(root, label).relative_to(root).as_posix()
    return {"SpatialReference": f"bids:raw:{path}"}


def _sources(label, task):
    """The raw run as BIDS wants it named, where there is one."""
    if label not in HAVE_RAW or task != "rest":
        return {}
    return {"Sources": [f"bids:raw:sub-{label}/func/sub-{label}_task-{task}_bold.nii.gz"]}


def _run_sidecar(label, task):
    return sidecar(
        _TEXTS["bold"],
        TaskName=task,
        RepetitionTime=value("bold_t_r"),
        SkullStripped=True,
        SliceTimingCorrected=True,
        StartTime=value("bold_t_r") / 2,
        **_sources(label, task),
    )


def write_truth_of_run(root, label, task, planted, courses, voxels, facts=None):
    """Write what is true about a run.

    Parameters
    ----------
    root : Path
    label, task : str
    planted : _bold_person.Planted
    courses : dict of str to ndarray (n_scans,)
        Global time courses of the artefact's parts.
    voxels : _bold_grid.Voxels
        In template space.
    facts : dict, optional
        More of them.
    """
    names = list(load_regions()["name"])
    motion = planted.motion
    tables = {
        "network_series": (names, planted.series),
        "coupling": (names, planted.coupling),
        "motion": (list(motion.columns), motion.to_numpy()),
        "artefacts": (list(courses), np.stack(list(courses.values()), axis=1)),
    }
    for what, (columns, values) in tables.items():
        path = truth_path(root, label, what, task=task)
        path.parent.mkdir(parents=True, exist_ok=True)
        form = "%.6f" if what == "motion" else "%.4f"
        np.savetxt(path, values, form, delimiter="\t", header="\t".join(columns), comments="")
        write_json(path.with_suffix(".json"), sidecar(_TRUTH_TEXTS[what]))
    path = truth_path(root, label, "activity", task=task)
    save(nib.Nifti1Image(voxels.on_grid(voxels.regions), voxels.affine), path, np.int16)
    write_json(path, sidecar(_TRUTH_TEXTS["activity"]))
    about = _facts(label, voxels) | (facts or {})
    write_json(
        truth_path(root, label, "bold_facts", task=task),
        sidecar("What was planted in this person's run.", **about),
    )


def _facts(label, voxels):
    """What was planted, as plain data."""
    person = BOLD_PEOPLE[label]
    present = np.bincount(voxels.regions, minlength=len(load_regions()) + 1)[1:]
    amplitudes = (
        "neural_sd",
        "bold_thermal_sd",
        "bold_physiological",
        "bold_drift",
        "parcel_shift",
        "least_active_grey",
    )
    return {
        "Age": person.age,
        "Sex": person.sex,
        "Group": person.group,
        "MeanFramewiseDisplacementMm": person.motion_level,
        "NonSteadyVolumes": value("bold_n_dummies"),
        "Amplitudes": {name: value(name) for name in amplitudes},
        "RegionsWithoutVoxels": [int(i) + 1 for i in np.flatnonzero(present == 0)],
        "FewestVoxelsOfARegion": int(present.min()),
    }
