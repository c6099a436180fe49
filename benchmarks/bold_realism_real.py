"""Numbers of real BOLD files for the realism table: quantity -> values, one for each run.

The files lie beside the checkout (``../shared/data``, with MANIFEST.tsv); nothing of them is kept
but the ranges.
"""

import nibabel as nib
import numpy as np
import pandas as pd
from bold_realism_measures import (
    SIX,
    coarse_numbers,
    confound_numbers,
    motion_numbers,
    run_numbers,
    stranger_numbers,
)
from nilearn import datasets, image

from mriworkbook.practice.regions import load_regions

_TABLES = "six AOMIC runs (TR 2 s, 240 volumes) and one of NI-edu (325), fMRIPrep's tables"
_CCNP = "mean FD of CCNP's 389 runs (Reproducible Brain Charts) and the seven tables"
_FOREST = "studyforrest, one run at 3 mm (TR 2 s, 156 volumes), realigned and brought to 4 mm"
_COARSE = "three people of a public set at 7.5 x 7.5 x 9.1 mm in MNI space, 50 volumes, smoothed"
_ABOUT = {
    "FD, mean of a run (mm)": _CCNP,
    "R2 of global signal on 24 parameters": f"whole runs, which differ in length; {_TABLES}",
    "R2 of global signal, 148 volumes": f"the first 148 volumes; {_TABLES}",
    "R2 of global signal on a stranger's parameters": "mean over the other runs' motion, 148 "
    f"volumes: what slow series share by chance; {_TABLES}",
    "global signal, SD (%)": f"cosines removed; {_TABLES}",
    "DVARS without motion (%)": f"intercept of DVARS^2 on FD^2; {_TABLES}",
    "DVARS for motion (% per mm of FD)": f"root of the slope of DVARS^2 on FD^2; {_TABLES}",
}


def source(quantity):
    """Where a row's real range comes from, and what is meant where its name does not say it."""
    if quantity.startswith("raw run"):
        return _FOREST
    return _COARSE if quantity.startswith("7.5 mm") else _ABOUT.get(quantity, _TABLES)


def confound_values(root):
    """Numbers of the seven tables of confounds below `root`."""
    paths = [
        *sorted(root.glob("aomic/derivatives/fmriprep/sub-*/func/*_regressors.tsv")),
        *sorted(root.glob("ni-edu/*_regressors.tsv")),
    ]
    tables = [pd.read_csv(path, sep="\t", na_values="n/a") for path in paths]
    rows = [motion_numbers(t[SIX].to_numpy()) | confound_numbers(t) for t in tables]
    values = pd.DataFrame(rows).to_dict("list") | stranger_numbers(tables)
    runs = pd.read_csv(root / "rbc" / "study-CCNP_desc-functional_qc.tsv", sep="\t")
    values["FD, mean of a run (mm)"] += runs["meanFD"].dropna().tolist()
    return values


def raw_values(root):
    """Numbers of the raw run."""
    run = nib.load(root / "studyforrest" / "sub-02_task-oneback_run-1_bold.nii.gz")
    return {name: [value] for name, value in run_numbers(run).items()}


def coarse_brain(img):
    """Brain of the template on a coarse grid, without voxels that the images leave dark."""
    mask = image.smooth_img(datasets.load_mni152_brain_mask(resolution=2), 6)
    there = image.resample_to_img(mask, image.index_img(img, 0), force_resample=True)
    mean = img.get_fdata(dtype=np.float32).mean(axis=-1)
    inside = there.get_fdata() > 0.6
    return inside & (mean > 0.3 * np.median(mean[inside]))


def coarse_values(root):
    """Numbers of the three people at 7.5 mm."""
    regions = load_regions()
    rows = []
    for path in sorted((root / "lowres-mni-bold").glob("*.nii")):
        img = nib.load(path)
        rows.append(coarse_numbers(img, coarse_brain(img), regions))
    return pd.DataFrame(rows).to_dict("list")


def real_values(root):
    """All real numbers."""
    return confound_values(root) | raw_values(root) | coarse_values(root)
