"""Confounds of a BOLD run: what fMRIPrep would write beside it, from the image and realignment.

Names and definitions are those of fMRIPrep 20.2 and later (Esteban 2019,
10.1038/s41592-018-0235-4); each is next to its source below. The estimated motion errs, and so do
the masks of white matter and CSF; nothing here has seen what was planted.
"""

import nibabel as nib
import numpy as np
import pandas as pd
from nilearn import image
from scipy import ndimage
from scipy.spatial.transform import Rotation
from threadpoolctl import threadpool_limits

from mriworkbook.practice._bold_grid import SPACING, template_voxels
from mriworkbook.practice._bold_person import TASKS, planted_run
from mriworkbook.practice._compcor import (
    component_table,
    components,
    cosine_basis,
    varying_voxels,
)
from mriworkbook.practice._fields import generator
from mriworkbook.practice._files import sidecar, write_json
from mriworkbook.practice._motion import PARAMETERS, framewise_displacement
from mriworkbook.practice.parameters import BOLD_PEOPLE, SPACE, value

# Above either, a volume is an outlier (fMRIPrep's defaults).
FD_THRESHOLD = 0.5  # mm
STD_DVARS_THRESHOLD = 1.5
JENKINSON_RADIUS = 80.0  # mm, of the sphere that stands for the head in `relative_displacement`
EXPANDED = ("csf", "white_matter", "global_signal", *PARAMETERS)
# Columns -> the voxels they come from, and what the metadata say of them.
COMPCOR = {
    "t_comp_cor": ("tcompcor", {"Method": "tCompCor"}),
    "c_comp_cor": ("csf", {"Method": "aCompCor", "Mask": "CSF"}),
    "w_comp_cor": ("white_matter", {"Method": "aCompCor", "Mask": "WM"}),
    "a_comp_cor": ("csf_wm", {"Method": "aCompCor", "Mask": "combined"}),
}
_TEXT = "Simulated: confounds as fMRIPrep defines them, from the simulated run and its masks."


def write_confounds(root, label):
    """Write the table of confounds of each run of one person, and what the columns are.

    Parameters
    ----------
    root : Path
        Folder of the practice study; the person's preprocessed runs must be there.
    label : str
        Key of `parameters.BOLD_PEOPLE`.
    """
    folder = root / "derivatives" / "fmriprep" / f"sub-{label}" / "func"
    number = BOLD_PEOPLE[label].number
    tissue = erring_tissue(template_voxels(root, label, number), number)
    t_r, n_dummies = value("bold_protocol")[0], value("bold_n_dummies")
    for task in [name for name, people in TASKS.items() if label in (people or BOLD_PEOPLE)]:
        stem = f"sub-{label}_task-{task}"
        bold = nib.load(folder / f"{stem}_space-{SPACE}_desc-preproc_bold.nii.gz")
        mask = nib.load(folder / f"{stem}_space-{SPACE}_desc-brain_mask.nii.gz")
        csf, wm = (
            noise_mask(tissue[name], mask, purity)
            for name, purity in zip(("CSF", "WM"), value("noise_mask_purity"), strict=True)
        )
        motion = planted_run(label, task).estimated
        table, metadata = confounds_table(bold, mask, csf, wm, motion, t_r, n_dummies)
        save_confounds(folder / f"{stem}_desc-confounds_timeseries.tsv", table, metadata)


def save_confounds(path, table, metadata):
    """Write a table of confounds and, beside it, its metadata.

    Parameters
    ----------
    path : Path
        Of the TSV; the JSON has the same name.
    table, metadata
        From `confounds_table`.
    """
    text = table.to_csv(sep="\t", index=False, na_rep="n/a", float_format="%.8g")
    path.write_text(text, encoding="utf-8")
    write_json(path.with_suffix(".json"), sidecar(_TEXT) | metadata)


def erring_tissue(voxels, number):
    """White matter and CSF as a T1w image shows them on the BOLD run's grid.

    The run was not laid on the T1w image quite right, so the maps are shifted a little.

    Parameters
    ----------
    voxels : _bold_grid.Voxels
        In template space.
    number : int
        Of the person.

    Returns
    -------
    dict of str to Nifti1Image
        "WM" and "CSF", fractions, float32.
    """
    rng = generator(number, "coregistration")
    shift = value("bold_coregistration_sd") / SPACING * rng.standard_normal(3)
    return {
        name: nib.Nifti1Image(
            ndimage.shift(voxels.on_grid(voxels.shares[name]), shift, order=1), voxels.affine
        )
        for name in ("WM", "CSF")
    }


def noise_mask(fraction, mask, purity):
    """Voxels of the brain mask that hold little but one tissue.

    Parameters
    ----------
    fraction, mask : Nifti1Image
    purity : float
        Least share of the tissue.

    Returns
    -------
    Nifti1Image
        0 or 1, uint8.
    """
    pure = np.asarray(fraction.dataobj) > purity
    pure &= np.asarray(mask.dataobj) > 0
    return nib.Nifti1Image(pure.astype(np.uint8), mask.affine)


def confounds_table(bold, mask, csf, wm, motion, t_r, n_dummies):
    """All confounds of one run.

    Parameters
    ----------
    bold : Nifti1Image or path, 4D
        Preprocessed, all volumes.
    mask, csf, wm : Nifti1Image or path
        Brain mask and voxels of pure CSF and white matter, on the same grid.
    motion : DataFrame
        Estimated trans_x, trans_y, trans_z (mm), rot_x, rot_y, rot_z (rad); a row per volume.
    t_r : float
        Seconds.
    n_dummies : int
        Volumes before the steady state, 0 or more.

    Returns
    -------
    table : DataFrame
        A row per volume; NaN where a column has nothing to say (differences of the first volume).
    metadata : dict of str to dict
        By column; "dropped_0" and so on are components that were not kept.

    Raises
    ------
    ValueError
        If grids or numbers of volumes differ, if a mask is empty, or too few volumes are left.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> bold = nib.Nifti1Image(rng.normal(600, 6, (6, 6, 6, 100)), np.eye(4))
    >>> one = np.zeros((6, 6, 6), np.uint8)
    >>> one[:2] = 1
    >>> csf, wm = (nib.Nifti1Image(part, np.eye(4)) for part in (one, one[::-1]))
    >>> whole = nib.Nifti1Image(np.ones_like(one), np.eye(4))
    >>> motion = pd.DataFrame(np.zeros((100, 6)), columns=list(PARAMETERS))
    >>> table, metadata = confounds_table(bold, whole, csf, wm, motion, 2.0, 4)
    >>> table.filter(like="non_steady").shape, metadata["csf"]
    ((100, 4), {'Method': 'Mean'})
    """
    bold, images = image.load_img(bold), [image.load_img(img) for img in (mask, csf, wm)]
    _check(bold, images, motion, n_dummies)
    inside, fluid, white = (np.asarray(img.dataobj) > 0 for img in images)
    series = np.asarray(bold.dataobj)[inside].astype(np.float64)
    places = {"csf": fluid[inside], "white_matter": white[inside]}
    places["csf_wm"] = places["csf"] | places["white_matter"]
    places["tcompcor"] = varying_voxels(series[:, n_dummies:])
    columns = {"global_signal": series.mean(axis=0)}
    columns |= {name: series[place].mean(axis=0) for name, place in places.items()}
    metadata = {name: {"Method": "Mean"} for name in columns}
    columns["dvars"], columns["std_dvars"] = dvars(series)
    columns["framewise_displacement"] = framewise_displacement(motion)
    columns["rmsd"] = relative_displacement(motion)
    noise, about = _noise_components(series[:, n_dummies:], places, t_r, n_dummies)
    columns |= noise | {name: motion[name].to_numpy() for name in PARAMETERS}
    table = expanded(pd.DataFrame(columns))
    return pd.concat([table, *_outliers(table, n_dummies)], axis=1), metadata | about


def _check(bold, images, motion, n_dummies):
    for img in images:
        if img.shape != bold.shape[:3] or not np.allclose(img.affine, bold.affine, atol=1e-3):
            raise ValueError(
                f"A mask has shape {img.shape}, the run {bold.shape}, or their affines differ: "
                "resample the mask to the run with interpolation='nearest'."
            )
        if not np.asarray(img.dataobj).any():
            raise ValueError("A mask is empty: give masks that hold voxels.")
    if len(motion) != bold.shape[3]:
        raise ValueError(
            f"motion has {len(motion)} rows, the run {bold.shape[3]} volumes: give one row each."
        )
    if bold.shape[3] - n_dummies < 3:
        raise ValueError(
            f"{n_dummies} of {bold.shape[3]} volumes are dummies: give a run with three more."
        )


def _noise_components(steady, places, t_r, n_dummies):
    """Columns and metadata of tCompCor, the three kinds of aCompCor and the cosines."""
    basis = cosine_basis(steady.shape[1], t_r)
    columns, metadata, dropped = {}, {}, []
    # The rounding of eigenvectors depends on how many threads LAPACK takes.
    with threadpool_limits(1):
        for name, (place, about) in COMPCOR.items():
            found = components(steady[places[place]], basis)
            kept, described, left = component_table(name, found, n_dummies, about)
            columns |= kept
            metadata |= described
            dropped += left
    metadata |= {f"dropped_{i}": entry for i, entry in enumerate(dropped)}
    padded = np.pad(basis, ((n_dummies, 0), (0, 0)))
    columns |= {f"cosine{i:02d}": column for i, column in enumerate(padded.T)}
    return columns, metadata


def _outliers(table, n_dummies):
    """A column for each volume before the steady state, and for each that moved or jumped."""
    moved = table["framewise_displacement"] > FD_THRESHOLD
    moved |= table["std_dvars"] > STD_DVARS_THRESHOLD
    kinds = {
        "non_steady_state_outlier": np.arange(n_dummies),
        "motion_outlier": np.flatnonzero(moved),
    }
    for name, volumes in kinds.items():
        flags = np.zeros((len(table), len(volumes)))
        flags[volumes, np.arange(len(volumes))] = 1
        yield pd.DataFrame(flags, columns=[f"{name}{i:02d}" for i in range(len(volumes))])


def expanded(table):
    """Add backward differences, squares and squared differences of tissue signals and motion.

    The 36 parameters of Satterthwaite 2013 (10.1016/j.neuroimage.2012.08.052).

    Parameters
    ----------
    table : DataFrame
        Any of csf, white_matter, global_signal, trans_x to rot_z among its columns.

    Returns
    -------
    DataFrame
        With ``_derivative1``, ``_power2`` and ``_derivative1_power2`` behind each of them.

    Examples
    --------
    >>> expanded(pd.DataFrame({"csf": [1.0, 3.0], "rmsd": 0.1})).iloc[1].tolist()
    [3.0, 2.0, 9.0, 4.0, 0.1]
    """
    columns = {}
    for name, column in table.items():
        columns[name] = column
        if name in EXPANDED:
            columns[f"{name}_derivative1"] = column.diff()
            columns[f"{name}_power2"] = column**2
            columns[f"{name}_derivative1_power2"] = column.diff() ** 2
    return pd.DataFrame(columns)


def dvars(series):
    """Change of the whole brain from one volume to the next, and how unusual it is.

    DVARS_t = sqrt(mean_i (y_it - y_i,t-1)^2) after scaling the median of all y to 1000 (Power 2012,
    10.1016/j.neuroimage.2011.10.018). Standardised, it is divided by what is expected of each
    voxel as an AR(1) process, mean_i s_i sqrt(2 (1 - r_i)), with the robust s = IQR / 1.349 and the
    lag-1 autocorrelation r (Nichols 2013, arXiv:1704.01469).

    Parameters
    ----------
    series : ndarray (n_voxels, n_scans)
        Of the brain.

    Returns
    -------
    dvars, std_dvars : ndarray (n_scans,)
        The first value is NaN.

    Examples
    --------
    >>> quiet = np.random.default_rng(0).normal(500, 5, (2000, 200))
    >>> bool(abs(np.nanmean(dvars(quiet)[1]) - 1) < 0.02)
    True
    """
    scaled = series * (1000 / np.median(series))
    low, high = np.percentile(scaled, (25, 75), axis=1, method="lower")
    varies = high > low
    scaled, spread = scaled[varies], (high - low)[varies] / 1.349
    centred = scaled - scaled.mean(axis=1, keepdims=True)
    lagged = np.einsum("vt,vt->v", centred[:, 1:], centred[:, :-1])
    correlation = lagged / np.einsum("vt,vt->v", centred, centred)
    expected = (np.sqrt(2 * (1 - correlation)) * spread).mean()
    steps = np.diff(scaled, axis=1)
    change = np.sqrt(np.einsum("vt,vt->t", steps, steps) / len(steps))
    change = np.concatenate([[np.nan], change])
    return change, change / expected


def relative_displacement(motion, centre=(0.0, 0.0, 0.0)):
    """Root mean square displacement of a sphere's points since the volume before.

    With D = T_t inv(T_t-1) - 1 = (A, d): rmsd^2 = r^2 / 5 tr(A'A) + |d + A c|^2 (Jenkinson 1999,
    FMRIB technical report TR99MJ1; Jenkinson 2002, 10.1006/nimg.2002.1132), with r = 80 mm.

    Parameters
    ----------
    motion : DataFrame
        trans_* in mm, rot_* in rad.
    centre : sequence of three float
        c, mm from the point about which the head was said to turn.

    Returns
    -------
    ndarray (n_scans,)
        mm; the first is NaN.

    Examples
    --------
    >>> motion = pd.DataFrame(np.zeros((2, 6)), columns=list(PARAMETERS))
    >>> motion.loc[1, "trans_y"] = 0.3
    >>> round(float(relative_displacement(motion)[1]), 6)
    0.3
    """
    pose = np.tile(np.eye(4), (len(motion), 1, 1))
    angles = motion[list(PARAMETERS[3:])].to_numpy(float)
    pose[:, :3, :3] = Rotation.from_euler("XYZ", -angles).as_matrix()
    pose[:, :3, 3] = motion[list(PARAMETERS[:3])].to_numpy(float)
    change = np.einsum("tij,tjk->tik", pose[1:], np.linalg.inv(pose[:-1])) - np.eye(4)
    turn, shift = change[:, :3, :3], change[:, :3, 3]
    moved = shift + np.einsum("tij,j->ti", turn, np.asarray(centre, float))
    squared = JENKINSON_RADIUS**2 / 5 * (turn**2).sum(axis=(1, 2)) + (moved**2).sum(axis=1)
    return np.concatenate([[np.nan], np.sqrt(squared)])
