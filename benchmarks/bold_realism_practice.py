"""The same numbers of the practice study's rest runs."""

import nibabel as nib
import numpy as np
import pandas as pd
from bold_realism_measures import (
    COARSE_FWHM,
    SIX,
    coarse_numbers,
    confound_numbers,
    motion_numbers,
    run_numbers,
    stranger_numbers,
)
from nilearn import image

from mriworkbook.practice.parameters import BOLD_PEOPLE, SPACE, value
from mriworkbook.practice.regions import load_regions
from mriworkbook.studies import open_study

RAW = ("01", "02")
COARSE_ZOOMS = (7.5, 7.5, 9.1)
COARSE_SCANS = 50


def func_path(root, label, name):
    """A file of the rest run in fMRIPrep's folder."""
    folder = root / "derivatives" / "fmriprep" / f"sub-{label}" / "func"
    return folder / f"sub-{label}_task-rest_{name}"


def steady(img):
    """A run without its first volumes, which are not in the steady state."""
    return image.index_img(img, slice(value("bold_n_dummies"), None))


def confounds(root, label):
    """The table of confounds in the steady state."""
    path = func_path(root, label, "desc-confounds_timeseries.tsv")
    table = pd.read_csv(path, sep="\t", na_values="n/a")
    return table.iloc[value("bold_n_dummies") :].reset_index(drop=True)


def confound_values(root, labels):
    """Numbers of the tables of confounds."""
    tables = [confounds(root, label) for label in labels]
    rows = [motion_numbers(t[SIX].to_numpy()) | confound_numbers(t) for t in tables]
    return pd.DataFrame(rows).to_dict("list") | stranger_numbers(tables)


def raw_run(root, label):
    """The raw run in its steady state."""
    path = root / f"sub-{label}" / "func" / f"sub-{label}_task-rest_bold.nii.gz"
    return steady(nib.load(path))


def coarse_run(root, label):
    """A run in template space, smoothed and brought to 7.5 mm, and its brain there."""
    name = f"space-{SPACE}_desc-preproc_bold.nii.gz"
    run = steady(nib.load(func_path(root, label, name)))
    run = image.index_img(run, slice(0, COARSE_SCANS))
    mask = nib.load(func_path(root, label, f"space-{SPACE}_desc-brain_mask.nii.gz"))
    affine = np.diag([*COARSE_ZOOMS, 1.0])
    affine[:3, 3] = image.coord_transform(0, 0, 0, mask.affine)
    smooth = [image.smooth_img(part, COARSE_FWHM) for part in (run, mask)]
    coarse, share = (
        image.resample_img(part, affine, interpolation="linear", copy_header=True)
        for part in smooth
    )
    inside = share.get_fdata() > 0.6
    # Smoothing mixes the empty background in; what is left of the mask says how much.
    data = coarse.get_fdata(dtype=np.float32)
    data[inside] /= share.get_fdata(dtype=np.float32)[inside, None]
    return image.new_img_like(coarse, data), inside


def coarse_values(root, labels):
    """Numbers of the runs at 7.5 mm."""
    regions = load_regions()
    rows = [coarse_numbers(*coarse_run(root, label), regions) for label in labels]
    return pd.DataFrame(rows).to_dict("list")


def practice_values(root=None):
    """All practice numbers."""
    root = root or open_study("practice", stage="functional").root
    labels = list(BOLD_PEOPLE)
    raw = pd.DataFrame([run_numbers(raw_run(root, label)) for label in RAW]).to_dict("list")
    return confound_values(root, labels) | raw | coarse_values(root, labels)
