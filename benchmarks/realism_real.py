"""Numbers of the real files for the realism table: quantity -> values, one for each file or person.

The files lie beside the checkout (``../shared/data``, with MANIFEST.tsv); nothing of them is kept
but the ranges.
"""

import itertools
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from nilearn import datasets, image
from realism_measures import (
    ASEG,
    MUSE,
    brain_histogram,
    halve,
    head_measures,
    jacobian_measures,
    overlap,
    thickness_measures,
    tissues_of,
)
from realism_shared import (
    SPREADS,
    VOLUMES,
    other_contrasts,
    read_aseg_stats,
    spread_measures,
    surface_measures,
    volume_measures,
)

from mriworkbook.cleanup import correct_bias

_HEADS = "4 IXI heads at 2 mm (MUSE label maps) and AOMIC sub-0001 averaged to 2 mm (aseg); N4"
_MRIQC = "MRIQC's own tables of ABIDE and ds030, 2.5th to 97.5th centile"
_THICK = "AOMIC fs_stats, 226 people aged 18-26: aparc and a2009s, left and right; age and sex out"
_BUCKNER = "FreeSurfer volumes of 40 adults of fsaverage (young, old and Alzheimer's), and sub-0001"
_FORTY = "FreeSurfer volumes of the 40 adults of fsaverage"
_MS = "one patient of the open longitudinal MS data; k-means of its T1w 8 mm inside the brain"
_RATIOS = (*(f"{name} / WM" for name in ASEG if name != "WM"),)
SOURCES = {
    **{f"T1w {name}": f"medians; {_HEADS}" for name in _RATIOS},
    "T1w cnr": f"|mu_wm - mu_cortex| / sqrt(SD_air^2 + SD_wm^2 + SD_cortex^2); {_HEADS}",
    "T1w cjv": f"(MAD_wm + MAD_cortex) / |mu_wm - mu_cortex|; {_HEADS}",
    "T1w cnr, k-means classes": f"the same of three k-means classes of the brain; {_HEADS}",
    "T1w cjv, k-means classes": f"the same of three k-means classes of the brain; {_HEADS}",
    "T1w GM / WM, k-means classes": f"medians of k-means classes; {_HEADS}",
    "T1w CSF / WM, k-means classes": f"medians of k-means classes; {_HEADS}",
    "T1w WM variation (%)": f"robust SD over median of WM; {_HEADS}",
    "T1w edge gradient (1/mm)": f"75th centile at the WM border over the contrast; {_HEADS}",
    "T1w detail": f"SD of what sigma 1 voxel smooths away over the contrast; {_HEADS}",
    "T1w noise in WM": f"robust SD of neighbour differences / sqrt 2 / WM; {_HEADS}",
    "T1w efc": f"entropy over its maximum, whole image; {_HEADS}",
    "T1w histogram overlap": f"brain histograms, 2nd-98th centile aligned, all pairs; {_HEADS}",
    "T1w cnr, MRIQC's tables": f"classes by FAST there, by k-means here; {_MRIQC}",
    "T1w cjv, MRIQC's tables": f"classes by FAST there, by k-means here; {_MRIQC}",
    "T1w snr_dietrich, WM": f".655 WM / MAD of air; {_MRIQC}",
    "T1w snr, WM": f"median / SD of WM; {_MRIQC}",
    "T1w wm2max": f"WM over the 99.95th centile; {_MRIQC}",
    "T1w shading range": f"5th to 95th centile of the field (inu_range); {_MRIQC}",
    "Jacobian SD": "AOMIC FSL-VBM maps of sub-0001..0003 in the MNI brain mask, scale taken out",
    "log Jacobian SD": "as Jacobian SD",
    "log Jacobian robust SD": "as Jacobian SD, 1.4826 MAD",
    **{f"volume, {name} (ml)": _BUCKNER for name in VOLUMES},
    "volume, SD of log(left / right), deep": f"six structures, one value each; {_FORTY}",
    "volume, SD of log share, deep": f"share in the six structures' sum; {_FORTY}",
    **{f"cohort {name}": _FORTY for name in SPREADS},
    "volume, cortex with narrow sulci (ml)": "4 IXI label maps (MUSE); practice: true structures",
    "volume, brain mask (ml)": "4 IXI label maps and AOMIC sub-0001's fMRIPrep mask",
    "volume, head (eTIV, ml)": "AOMIC fs_stats, 226 people",
    "volume, brain / eTIV": "AOMIC fs_stats, 226 people (BrainSegVolNotVent / eTIV)",
    "thickness, mean of a person (mm)": _THICK,
    "thickness, mean of a person, any age (mm)": "left aparc of fsaverage's 40 adults, area-free "
    "mean over regions",
    "thickness, mean of a region (mm)": _THICK,
    "thickness, SD between regions (mm)": f"one value a table; {_THICK}",
    "thickness, SD between people (mm)": f"one value a region; {_THICK}",
    "thickness, mean residual correlation": f"one value a table; {_THICK}",
    "thickness, SD of residual correlation": f"one value a table; {_THICK}",
    "thickness, mean of a surface (mm)": "AOMIC sub-0001, both hemispheres, cortex only",
    "thickness, SD within a surface (mm)": "AOMIC sub-0001, both hemispheres, cortex only",
    "T2w GM / WM": _MS,
    "T2w CSF / WM": _MS,
    "FLAIR GM / WM": _MS,
    "FLAIR CSF / WM": _MS,
    "FLAIR bright spots (ml)": f"above 1.5 WM, 10 mm inside, pieces of .02 ml; {_MS}",
    "FLAIR bright spots / WM": f"median of these spots; {_MS}",
}


def ixi_head(path):
    """Raw array, brain and tissues of one IXI head; its label map lies beside it."""
    labels = np.asarray(nib.load(str(path).replace("_ds.nii", "_ds_DLMUSE.nii")).dataobj)
    return nib.load(path), labels > 0, tissues_of(labels, MUSE)


def aomic_head(freesurfer, fmriprep):
    """AOMIC sub-0001 averaged to 2 mm: image, brain, tissues."""
    orig, labels = (nib.load(freesurfer / "mri" / f"{name}.mgz") for name in ("orig", "aseg"))
    mask = nib.load(fmriprep / "sub-0001_desc-brain_mask.nii.gz")
    mask = image.resample_to_img(
        mask, orig, interpolation="nearest", force_resample=True, copy_header=True
    )
    affine = orig.affine.copy()
    affine[:3, 3] += affine[:3, :3].sum(axis=1) / 2
    affine[:3, :3] *= 2
    small = nib.Nifti1Image(halve(np.asarray(orig.dataobj)), affine)
    tissues = tissues_of(np.asarray(labels.dataobj), ASEG)
    tissues = {name: halve(tissue) > 0.5 for name, tissue in tissues.items()}
    return small, halve(np.asarray(mask.dataobj) > 0) > 0.5, tissues


def measure_heads(heads):
    """Numbers of each head, and the histograms of their brains."""
    numbers, histograms = [], []
    for img, brain, tissues in heads:
        mask = nib.Nifti1Image(brain.astype(np.uint8), img.affine)
        corrected = correct_bias(img, mask)[0].get_fdata(dtype=np.float32)
        numbers.append(head_measures(img.get_fdata(dtype=np.float32), corrected, brain, tissues))
        histograms.append(brain_histogram(corrected, brain))
    return pd.DataFrame(numbers).to_dict("list"), histograms


def real_heads(data):
    """The five real T1w heads, one after another."""
    for path in sorted((data / "ixi-2mm").glob("*_ds.nii.gz")):
        yield ixi_head(path)
    derivatives = data / "aomic" / "derivatives"
    yield aomic_head(
        derivatives / "freesurfer" / "sub-0001", derivatives / "fmriprep" / "sub-0001" / "anat"
    )


def real_histograms(data):
    """Brain histograms of the five real heads."""
    return measure_heads(real_heads(data))[1]


def mriqc_values(folder):
    """Columns of MRIQC's tables that a practice image can be measured for."""
    table = pd.concat([pd.read_csv(folder / f"{s}.tsv", sep="\t") for s in ("abide", "ds030")])
    columns = {
        "T1w cnr, MRIQC's tables": "cnr",
        "T1w cjv, MRIQC's tables": "cjv",
        "T1w snr_dietrich, WM": "snrd_wm",
        "T1w snr, WM": "snr_wm",
        "T1w wm2max": "wm2max",
        "T1w shading range": "inu_range",
    }
    table = table.replace(-1, np.nan)  # MRIQC's "not computable"
    return {name: table[column].to_numpy() for name, column in columns.items()}


def jacobian_values(folder):
    """SD of the Jacobian in the brain, three people."""
    mask = datasets.load_mni152_brain_mask(resolution=2)
    rows = []
    for path in sorted(folder.glob("sub-*/*_J.nii.gz")):
        inside = image.resample_to_img(
            mask, str(path), interpolation="nearest", force_resample=True, copy_header=True
        )
        rows.append(jacobian_measures(nib.load(path).get_fdata(), np.asarray(inside.dataobj) > 0))
    return pd.DataFrame(rows).to_dict("list")


def fs_stats_values(root):
    """Thickness, head size and brain size of the 226 people."""
    people = pd.read_csv(root / "participants.tsv", sep="\t").set_index("participant_id")
    found = []
    for path in sorted((root / "derivatives" / "fs_stats").glob("*thickness*.tsv")):
        table = pd.read_csv(path, sep="\t", index_col=0)
        rows = people.reindex(table.index)
        covariates = np.column_stack([rows.age, rows.sex == rows.sex.iloc[0]]).astype(float)
        known = np.isfinite(covariates).all(axis=1)
        regions = [name for name in table if name.endswith("_thickness") and "Mean" not in name]
        found.append(thickness_measures(table.loc[known, regions].to_numpy(), covariates[known]))
    values = {name: np.concatenate([f[name] for f in found]) for name in found[0]}
    etiv, brain = table["eTIV"].to_numpy(), table["BrainSegVolNotVent"].to_numpy()
    return values | {
        "volume, head (eTIV, ml)": etiv / 1000,
        "volume, brain / eTIV": brain / etiv,
    }


def volume_values(freesurfer):
    """Volumes of the 40 people behind fsaverage and of sub-0001; thickness of the 40."""
    table = pd.read_csv(
        freesurfer / "fsaverage5" / "stats" / "subject.aseg.volume.stats", sep="\t", index_col=0
    )
    rows = [volume_measures(row) for _, row in table.iterrows()]
    rows.append(volume_measures(read_aseg_stats(freesurfer / "sub-0001" / "stats/aseg.stats")))
    values = pd.DataFrame(rows).to_dict("list")
    spread = spread_measures([row for _, row in table.iterrows()])
    values |= spread | {f"cohort {name}": spread[name] for name in spread}
    path = freesurfer / "fsaverage5" / "stats" / "subject.lh.aparc.thickness.stats"
    table = pd.read_csv(path, sep="\t", index_col=0)
    regions = [name for name in table if name.endswith("_thickness") and "unknown" not in name]
    regions = [name for name in regions if "Mean" not in name and "corpuscallosum" not in name]
    values["thickness, mean of a person, any age (mm)"] = table[regions].mean(axis=1).to_numpy()
    return values


def real_values(data):
    """Every quantity of the table, measured on the real files below `data`."""
    aomic = Path(data, "aomic")
    heads = list(real_heads(Path(data)))
    values, histograms = measure_heads(heads)
    values["T1w histogram overlap"] = [
        overlap(a, b) for a, b in itertools.combinations(histograms, 2)
    ]
    values |= mriqc_values(Path(data, "mriqc"))
    values |= jacobian_values(aomic / "derivatives" / "vbm" / "subset")
    values |= volume_values(aomic / "derivatives" / "freesurfer")
    values["volume, brain mask (ml)"] = [8 * brain.sum() / 1000 for _, brain, _ in heads]
    ixi = heads[:4]  # the fifth is AOMIC's
    values["volume, cortex with narrow sulci (ml)"] = [
        8 * t["cortex"].sum() / 1000 for _, _, t in ixi
    ]
    values |= fs_stats_values(aomic)
    values |= surface_measures(aomic / "derivatives" / "freesurfer" / "sub-0001" / "surf")
    scan = Path(data, "ms-longitudinal")
    names = {kind: scan / f"study1_{kind}.nii.gz" for kind in ("T1W", "T2W", "FLAIR")}
    numbers = other_contrasts(names["T1W"], {"T2w": names["T2W"], "FLAIR": names["FLAIR"]})
    return values | {name: [value] for name, value in numbers.items()}
