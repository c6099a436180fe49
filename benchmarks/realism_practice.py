"""The same numbers of the practice study; image rows leave people with a planted fault out."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from nilearn import datasets, image
from realism_measures import (
    ASEG,
    air_of,
    brain_histogram,
    halve,
    head_measures,
    jacobian_measures,
    overlap,
    snr_dietrich,
    thickness_measures,
    tissues_of,
)
from realism_shared import (
    other_contrasts,
    read_aseg_stats,
    spread_measures,
    surface_measures,
    volume_measures,
)

from mriworkbook.cleanup import correct_bias
from mriworkbook.practice import truth_path
from mriworkbook.practice.parameters import PEOPLE

# The real heads, whose histograms are compared, lie beside the checkout.
REAL = Path(__file__).resolve().parents[2] / "shared" / "data"
# Scans without motion, wrap-around or a flip; scans with other contrasts that are looked at.
SOUND = [label for label, person in PEOPLE.items() if not person.fault]
WITH_CONTRASTS = ("01", "04", "05", "10", "11")


def truth(root, label, what):
    """Array of something true."""
    return np.asarray(nib.load(truth_path(root, label, what)).dataobj, np.float32)


def practice_head(root, label):
    """Raw image at 2 mm, brain and tissues of one person."""
    img = nib.load(root / f"sub-{label}" / "anat" / f"sub-{label}_T1w.nii.gz")
    tissues = tissues_of(truth(root, label, "structures"), ASEG)
    brain = truth(root, label, "brain_mask") > 0
    if PEOPLE[label].voxel_size > 1.5:
        return img, brain, tissues
    affine = img.affine.copy()
    affine[:3, 3] += affine[:3, :3].sum(axis=1) / 2
    affine[:3, :3] *= 2
    small = nib.Nifti1Image(halve(np.asarray(img.dataobj)), affine)
    return small, halve(brain) > 0.5, {name: halve(m) > 0.5 for name, m in tissues.items()}


def practice_heads(root, labels):
    """The numbers of heads as on the real side, and those that MRIQC's tables have."""
    rows, histograms = [], []
    for label in labels:
        img, brain, tissues = practice_head(root, label)
        mask = nib.Nifti1Image(brain.astype(np.uint8), img.affine)
        raw = img.get_fdata(dtype=np.float32)
        corrected = correct_bias(img, mask)[0].get_fdata(dtype=np.float32)
        white = corrected[tissues["WM"]]
        field = truth(root, label, "bias_field")[truth(root, label, "brain_mask") > 0]
        low, high = np.quantile(field / np.median(field), [0.05, 0.95])
        numbers = head_measures(raw, corrected, brain, tissues)
        numbers |= {
            "T1w cnr, MRIQC's tables": numbers["T1w cnr, k-means classes"],
            "T1w cjv, MRIQC's tables": numbers["T1w cjv, k-means classes"],
            "T1w snr, WM": np.median(white) / white.std(ddof=1),
            "T1w wm2max": np.median(white) / np.quantile(corrected, 0.9995),
            "T1w shading range": high - low,
        }
        # Averaging eight voxels would take noise away that MRIQC's images have.
        if PEOPLE[label].voxel_size > 1.5:
            numbers["T1w snr_dietrich, WM"] = snr_dietrich(corrected, tissues, air_of(raw))
        rows.append(numbers)
        histograms.append(brain_histogram(corrected, brain))
    return pd.DataFrame(rows, index=labels), histograms


def jacobians(root, labels):
    """SD of the true Jacobian in the template's brain mask."""
    rows = []
    for label in labels:
        img = nib.load(truth_path(root, label, "jacobian"))
        mask = image.resample_to_img(
            datasets.load_mni152_brain_mask(resolution=2),
            img,
            interpolation="nearest",
            force_resample=True,
            copy_header=True,
        )
        rows.append(jacobian_measures(img.get_fdata(), np.asarray(mask.dataobj) > 0))
    return pd.DataFrame(rows, index=labels)


def volumes(root, labels):
    """Volumes as the FreeSurfer-like tables report them; true cortex and brain mask."""
    rows, people = [], []
    for label in labels:
        folder = root / "derivatives" / "freesurfer" / f"sub-{label}"
        people.append(read_aseg_stats(folder / "stats" / "aseg.stats"))
        voxel = PEOPLE[label].voxel_size ** 3 / 1000
        cortex = np.isin(truth(root, label, "structures"), ASEG["cortex"])
        true = {
            "volume, cortex with narrow sulci (ml)": cortex.sum() * voxel,
            "volume, brain mask (ml)": truth(root, label, "brain_mask").sum() * voxel,
        }
        rows.append(volume_measures(people[-1]) | true)
    return pd.DataFrame(rows, index=labels), spread_measures(people)


def surfaces(root, labels):
    """Thickness over each surface, of the people that have surfaces."""
    folders = [root / "derivatives" / "freesurfer" / f"sub-{label}" / "surf" for label in labels]
    found = [surface_measures(folder) for folder in folders if folder.is_dir()]
    return {name: [value for one in found for value in one[name]] for name in found[0]}


def cohort_values(folder):
    """Thickness, head size and brain size of the cohort; age, sex, site and group taken out."""
    people = pd.read_csv(folder / "participants.tsv", sep="\t", na_values="n/a")
    people = people.set_index("participant_id")
    found = []
    for path in sorted(folder.glob("*measure-thickness_hemi-*.tsv")):
        table = pd.read_csv(path, sep="\t", index_col=0)
        rows = people.reindex(table.index)
        age = rows[["age"]].assign(squared=rows.age**2)
        factors = pd.get_dummies(rows[["sex", "site", "group"]], drop_first=True, dtype=float)
        known = rows[["age", "sex", "site", "group"]].notna().all(axis=1)
        regions = [name for name in table if name.endswith("_thickness") and "Mean" not in name]
        thickness = table.loc[known, regions].to_numpy()
        covariates = np.column_stack([age[known], factors[known]])
        numbers = thickness_measures(thickness, covariates)
        means = numbers["thickness, mean of a person (mm)"]
        numbers["thickness, mean of a person, any age (mm)"] = means
        numbers["thickness, mean of a person (mm)"] = means[(rows.age[known] <= 30).to_numpy()]
        found.append(numbers)
    values = {name: np.concatenate([f[name] for f in found]) for name in found[0]}
    etiv, brain = table["eTIV"].to_numpy(), table["BrainSegVolNotVent"].to_numpy()
    (path,) = folder.glob("*aseg_measure-volume*.tsv")
    aseg = pd.read_csv(path, sep="\t", index_col=0).dropna()
    spread = spread_measures([row for _, row in aseg.iterrows()])
    values |= {f"cohort {name}": spread[name] for name in spread}
    return values | {
        "volume, head (eTIV, ml)": etiv / 1000,
        "volume, brain / eTIV": brain / etiv,
    }


def contrasts(root, labels):
    """Ratios of T2w and FLAIR, and bright spots, by the code of the real side."""
    rows = []
    for label in labels:
        stem = root / f"sub-{label}" / "anat" / f"sub-{label}"
        paths = {kind: f"{stem}_{kind}.nii.gz" for kind in ("T1w", "T2w", "FLAIR")}
        rows.append(other_contrasts(paths.pop("T1w"), paths))
    return pd.DataFrame(rows, index=labels)


def practice_values(study=None, real=REAL):
    """Every quantity of the table, measured on the practice study in folder `study`."""
    if study is None:
        from mriworkbook.studies import open_study

        study = open_study("practice", stage="anatomy").root
    root = Path(study)
    heads, histograms = practice_heads(root, SOUND)
    values = heads.to_dict("list")
    from realism_real import real_histograms

    values["T1w histogram overlap"] = [
        overlap(mine, theirs) for theirs in real_histograms(real) for mine in histograms
    ]
    values |= jacobians(root, list(PEOPLE)).to_dict("list")
    sizes, spread = volumes(root, list(PEOPLE))
    values |= sizes.to_dict("list") | spread
    values |= surfaces(root, list(PEOPLE))
    values |= cohort_values(root / "derivatives" / "fs_stats")
    other = contrasts(root, list(WITH_CONTRASTS))
    spots = [name for name in other if "spots" in name]
    values |= other.drop(columns=spots).to_dict("list")
    return values | other.loc[["05"], spots].to_dict("list")
