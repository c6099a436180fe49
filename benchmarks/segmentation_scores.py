"""Which way to the tissues is best, and what do lesions cost? Scored on the true fractions.

``python benchmarks/segmentation_scores.py`` takes what a learner has (the N4-corrected image and
the brain mask of the fMRIPrep-like folder, the FLAIR) of all twelve people of the practice study.

Tissues, by `mriworkbook.segmentation`:

k-means
    three classes by intensity alone, 0 or 1;
k-means, shares
    the same with shares: linear between the means inside the classes (Shattuck 2001);
priors
    the template's maps warped to the person, alone;
bell curves
    Atropos: the image, with these priors blurred by 4 mm (which follows from the registration
    error), the prior weight of antsCorticalThickness.sh and the other settings of antsAtroposN4.sh
    (whose own weight is 0). The first has a fourth class for deep grey matter and the second takes
    turns with N4: not here;
Atropos
    the same with histograms of any shape in place of normal distributions, `segment`'s default:
    mixed voxels make tails. This choice between two was made after a look at people 01 and 04.
    Tried on the same two and not taken: prior weights 0 and 0.5, and partial-volume classes from a
    k-means start. None of them overtakes the white matter labels of k-means. The number of bins
    was chosen on person 05, so that the volume does not jump with the priors, not by score;
    the lesion table shows this same person;
coarse bins
    the same with the 32 bins that Atropos takes by default.

Each is scored twice against the truth: by the overlap of fractions (Crum 2006,
10.1109/TMI.2006.880587), which is what the truth is, and by the Dice coefficient of the likeliest
tissue. The person whose array is mirrored is scored against the mirrored truth: tissue has no side.

Lesions: grey matter volume of the person with lesions minus that of the lesion-free twin, in all,
inside the true lesions and elsewhere. The scan is left alone; its lesions, found by a threshold on
FLAIR, are filled; or they are kept out of the classification and counted as white matter. The row
"other priors" is the twin itself with the priors of the other registration: what two
registrations differ by, and so the least difference that means anything.
``--write`` keeps both tables, with date and commit; ``--only`` makes one of them.
"""

import argparse
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from kept import keep
from scipy import ndimage

from mriworkbook import labels, lesions, segmentation
from mriworkbook.images import dice
from mriworkbook.practice import truth_path
from mriworkbook.practice.parameters import PEOPLE

RESULTS = Path(__file__).parent / "results"
TISSUES = segmentation.TISSUES
WITH_LESIONS, TWIN = "05", "06"
LIKELIHOODS = {
    "bell curves": "Gaussian",
    "coarse bins": "HistogramParzenWindows",
    "Atropos": segmentation.LIKELIHOOD,
}


def person_images(root, subject):
    """Paths of the corrected image, the brain mask and the FLAIR."""
    anat = Path(root, "derivatives", "fmriprep", f"sub-{subject}", "anat")
    stem = f"sub-{subject}_desc-"
    flair = Path(root, f"sub-{subject}", "anat", f"sub-{subject}_FLAIR.nii.gz")
    return (
        anat / f"{stem}preproc_T1w.nii.gz",
        anat / f"{stem}brain_mask.nii.gz",
        flair,
    )


def true_fractions(root, subject):
    """True maps, each an image; of a mirrored array, mirrored."""
    maps = {}
    for name in TISSUES:
        img = nib.load(truth_path(root, subject, name))
        data = img.get_fdata(dtype=np.float32)
        if PEOPLE[subject].fault == "flip":
            side = int(np.flatnonzero(nib.io_orientation(img.affine)[:, 0] == 0)[0])
            data = np.flip(data, side)
        maps[name] = nib.Nifti1Image(np.ascontiguousarray(data), img.affine)
    return maps


def as_maps(labels_img):
    """Memberships 0 or 1 of the labels 1, 2, 3."""
    data = np.asarray(labels_img.dataobj)
    return {
        name: nib.Nifti1Image((data == n).astype(np.float32), labels_img.affine)
        for n, name in enumerate(TISSUES, start=1)
    }


def find_tissues(img, mask_img):
    """For each way maps of the three tissues, and seconds."""
    start, found = time.perf_counter(), {}
    classes = segmentation.kmeans_classes(img, mask_img)
    found["k-means"] = as_maps(classes), _since(start)
    found["k-means, shares"] = segmentation.intensity_fractions(img, classes), _since(start)
    priors = segmentation.warp_priors(img, mask_img)
    found["priors"] = priors, _since(start)
    blurred = segmentation.blur_priors(priors, mask_img)
    for way, likelihood in LIKELIHOODS.items():
        maps = segmentation.segment(img, mask_img, blurred, likelihood=likelihood)
        found[way] = maps, _since(start)
    return found


def _since(start):
    return time.perf_counter() - start


def scores(found, truth):
    """Overlap of the fractions and of the likeliest tissue.

    Examples
    --------
    >>> maps = {n: nib.Nifti1Image(np.eye(3, dtype="f4")[None], np.eye(4)) for n in TISSUES}
    >>> scores(maps, maps)["GM fractions"]
    1.0
    """
    likely, true = (np.asarray(labels.most_likely(maps).dataobj) for maps in (found, truth))
    brain = sum(img.get_fdata() for img in truth.values()) > 0.5
    numbers = {}
    for index, name in enumerate(TISSUES, start=1):
        numbers[f"{name} fractions"] = labels.fuzzy_dice(found[name], truth[name])
        numbers[f"{name} likeliest"] = dice(likely == index, (true == index) & brain)
    return numbers


def score_person(root, subject):
    """One row for each way."""
    img, mask_img, _ = person_images(root, subject)
    truth = true_fractions(root, subject)
    return [
        {"subject": subject, "method": way} | scores(maps, truth) | {"seconds": seconds}
        for way, (maps, seconds) in find_tissues(img, mask_img).items()
    ]


def wins(table, others=("k-means", "priors")):
    """In how many people Atropos beats the others, for each score."""
    columns = [name for name in table if name.split(" ")[-1] in ("fractions", "likeliest")]
    wide = table.pivot(index="subject", columns="method", values=columns)
    return {
        name: int((wide[name]["Atropos"] > wide[name][list(others)].max(axis=1)).sum())
        for name in columns
    }


def grey_maps(img, mask_img, priors, lesion_img=None):
    """Maps of GM by k-means and by Atropos, mL a voxel; lesions left out where given."""
    if lesion_img is not None:
        spared = (nib.load(mask_img).get_fdata() > 0) & (lesion_img.get_fdata() == 0)
        mask_img = nib.Nifti1Image(spared.astype(np.uint8), lesion_img.affine)
        priors = {
            name: nib.Nifti1Image((p.get_fdata() * spared).astype(np.float32), p.affine)
            for name, p in priors.items()
        }
    found = {"k-means": as_maps(segmentation.kmeans_classes(img, mask_img))["GM"]}
    for way, likelihood in LIKELIHOODS.items():
        found[way] = segmentation.segment(img, mask_img, priors, likelihood=likelihood)["GM"]
    voxel = abs(np.linalg.det(found["k-means"].affine)) / 1000
    return {way: grey.get_fdata() * voxel for way, grey in found.items()}


def lesion_errors(root):
    """Table of the error of the GM volume for each way and each handling of the lesions."""
    scans = {label: person_images(root, label) for label in (TWIN, WITH_LESIONS)}
    priors = {
        label: segmentation.blur_priors(segmentation.warp_priors(img, mask_img), mask_img)
        for label, (img, mask_img, _) in scans.items()
    }
    img, mask_img, flair = scans[WITH_LESIONS]
    maps = segmentation.segment(img, mask_img, priors[WITH_LESIONS])
    marked = lesions.find_lesions(flair, mask_img, maps)
    print(f"{labels.label_volumes(marked)['millilitres'].sum():.1f} mL marked as lesion")
    white = labels.most_likely(maps)
    white = nib.Nifti1Image((np.asarray(white.dataobj) == 3).astype(np.uint8), white.affine)
    filled = lesions.fill_lesions(img, marked, white)
    own = priors[WITH_LESIONS]
    reference = grey_maps(*scans[TWIN][:2], priors[TWIN])
    handled = {
        "other priors": grey_maps(*scans[TWIN][:2], own),
        "left alone": grey_maps(img, mask_img, own),
        "masked": grey_maps(img, mask_img, own, marked),
        "filled": grey_maps(filled, mask_img, own),
    }
    true_lesions = _true_lesions(root)
    overlap = dice(marked, true_lesions)
    inside = ndimage.binary_dilation(true_lesions.get_fdata() > 0)
    true_ml = map_volume(true_fractions(root, TWIN)["GM"])
    rows = []
    for way, twin in reference.items():
        for handling, found in handled.items():
            error = found[way] - twin
            rows.append(
                {"method": way, "lesions": handling, "true_ml": true_ml, "twin_ml": twin.sum()}
                | {"error_ml": error.sum(), "inside_ml": error[inside].sum()}
                | {"elsewhere_ml": error[~inside].sum(), "lesion_dice": overlap}
            )
    return pd.DataFrame(rows)


def map_volume(img):
    """Millilitres of a map of fractions."""
    return img.get_fdata().sum() * abs(np.linalg.det(img.affine)) / 1000


def _true_lesions(root):
    img = nib.load(truth_path(root, WITH_LESIONS, "lesions"))
    return nib.Nifti1Image((img.get_fdata() > 0.5).astype(np.uint8), img.affine)


def tissue_table(root, subjects):
    """Score people one by one, printing as it goes, and say who won."""
    rows = []
    for label in subjects:
        new = score_person(root, label)
        print(pd.DataFrame(new).round(3).to_string(header=not rows), flush=True)
        rows += new
    table = pd.DataFrame(rows)
    summary = table.drop(columns="subject").groupby("method", sort=False)
    print(summary.agg(["median", "min", "max"]).round(3).T.to_string())
    for others in (["k-means", "priors"], ["k-means, shares", "priors"]):
        for name, count in wins(table, others).items():
            print(f"Atropos beats {' and '.join(others)}, {name}: {count} of {len(subjects)}")
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", type=Path, help="folder of a practice study (default: yours)")
    parser.add_argument("--subjects", nargs="*", default=list(PEOPLE), help="labels; default: all")
    parser.add_argument("--only", choices=["tissues", "lesions"], help="default: both")
    parser.add_argument("--write", action="store_true", help="keep the tables in results/")
    options = parser.parse_args()
    if options.study is None:
        from mriworkbook.studies import open_study

        options.study = Path(open_study("practice", stage="anatomy").root)
    if options.only != "lesions":
        table = tissue_table(options.study, options.subjects)
        if options.write:
            keep(table, RESULTS / "segmentation_scores.tsv")
    if options.only != "tissues":
        errors = lesion_errors(options.study)
        print(errors.round(2).to_string(index=False))
        if options.write:
            keep(errors, RESULTS / "lesion_filling.tsv")


if __name__ == "__main__":
    main()
