"""Do the practice images leak their truth? Three ways to find grey matter, white matter and fluid.

``python benchmarks/tissue_scores.py`` takes what a learner has, the N4-corrected image and the
brain mask of the fMRIPrep-like folder, and scores against the true fractions:

k-means
    intensities alone, three classes (scikit-learn);
priors
    nilearn's template maps brought over by an affine and SyN of the template image (ANTs), and
    nothing else: what a person looks like on average at this place;
Atropos
    the same maps as priors of a Markov random field on the image (ANTs; Avants 2011,
    10.1007/s12021-011-9109-y).

The practice brains were made from the same template maps. Were the priors alone as good as Atropos,
the maps would still be in the images, and every score that uses them would be circular.
The person whose image is mirrored is left out: truth lies where the header says.
``--write`` keeps the table, with date and commit.
"""

import argparse
import tempfile
import time
from pathlib import Path

import ants
import nibabel as nib
import numpy as np
import pandas as pd
from kept import keep
from nilearn import datasets
from sklearn.cluster import KMeans

from mriworkbook.practice import truth_path
from mriworkbook.practice.parameters import PEOPLE

RESULT = Path(__file__).parent / "results" / "tissue_scores.tsv"
TISSUES = ("CSF", "GM", "WM")  # dark to bright on a T1w image
ATROPOS = {"m": "[0.2,1x1x1]", "c": "[10,0]", "priorweight": 0.25}


def person_images(root, subject):
    """Corrected brain image and mask that come with the study, and true fractions (arrays)."""
    (corrected,) = (root / "derivatives/fmriprep" / f"sub-{subject}" / "anat").glob(
        f"sub-{subject}_desc-preproc_T1w.nii.gz"
    )
    mask = nib.load(str(corrected).replace("desc-preproc_T1w", "desc-brain_mask"))
    truth = [nib.load(truth_path(root, subject, t)).get_fdata(dtype=np.float32) for t in TISSUES]
    inside = np.asarray(mask.dataobj) > 0
    brain = nib.load(corrected).get_fdata(dtype=np.float32) * inside
    return nib.Nifti1Image(brain, mask.affine), inside, np.stack(truth)


def ants_image(img):
    """The image in ANTs, with its place in the scanner."""
    out = nib.Nifti1Image(np.asarray(img.dataobj, np.float32), img.affine)
    out.header.set_xyzt_units("mm", "sec")
    return ants.from_nibabel_nifti(out)


def template_maps(resolution=2):
    """Skull-stripped template image and its maps of GM and WM, in ANTs."""
    loaders = (
        datasets.load_mni152_template,
        datasets.load_mni152_gm_template,
        datasets.load_mni152_wm_template,
    )
    return [ants_image(loader(resolution=resolution)) for loader in loaders]


def warped_priors(brain, inside, seed=1):
    """Template maps on the grid of `brain`, by an affine and SyN of the template image.

    Returns
    -------
    ndarray (3, i, j, k)
        CSF, GM and WM; 1 together inside the mask.
    """
    template, *maps = template_maps()
    found = ants.registration(
        brain, template, type_of_transform="SyN", random_seed=seed, singleprecision=True
    )
    grey, white = (
        np.clip(ants.apply_transforms(brain, one, found["fwdtransforms"]).numpy(), 0, 1)
        for one in maps
    )
    total = np.maximum(grey + white, 1)
    grey, white = grey / total, white / total
    return np.stack([1 - grey - white, grey, white]) * inside


def by_intensity(brain, inside):
    """Memberships 0 or 1 of three k-means classes, dark to bright."""
    values = brain.numpy()[inside][:, None]
    classes = KMeans(3, n_init=4, random_state=0).fit(values)
    rank = np.argsort(np.argsort(classes.cluster_centers_[:, 0]))
    found = np.zeros((3, *inside.shape), np.float32)
    found[:, inside] = np.eye(3, dtype=np.float32)[rank[classes.labels_]].T
    return found


def by_atropos(brain, inside, priors):
    """Posterior probabilities of Atropos with `priors`."""
    mask = brain.new_image_like(inside.astype(np.float32))
    images = [brain.new_image_like(np.ascontiguousarray(prior)) for prior in priors]
    result = ants.atropos(a=brain, x=mask, i=images, **ATROPOS)
    return np.stack([img.numpy() for img in result["probabilityimages"]]) * inside


def scores(found, truth, inside):
    """Dice of each tissue, hard (the likeliest) and soft (sum of the smaller shares).

    Examples
    --------
    >>> share = np.array([[[[0.0, 1]]], [[[1.0, 0]]], [[[0.0, 0]]]])
    >>> scores(share, share, np.ones((1, 1, 2), bool))["GM"]
    1.0
    """
    labels, true = np.argmax(found, axis=0), np.argmax(truth, axis=0)
    brain = truth.sum(axis=0) > 0.5
    numbers = {}
    for index, name in enumerate(TISSUES):
        a, b = (labels == index) & inside, (true == index) & brain
        size = a.sum() + b.sum()
        numbers[name] = float(2 * (a & b).sum() / size) if size else np.nan
        size = found[index].sum() + truth[index].sum()
        common = np.minimum(found[index], truth[index]).sum()
        numbers[f"{name} soft"] = float(2 * common / size) if size else np.nan
    return numbers


def score_person(root, subject):
    """One row for each way, with the seconds it took."""
    img, inside, truth = person_images(root, subject)
    brain, rows, priors = ants_image(img), [], None
    ways = {
        "k-means": lambda: by_intensity(brain, inside),
        "priors": lambda: warped_priors(brain, inside),
        "Atropos": lambda: by_atropos(brain, inside, priors),
    }
    for way, find in ways.items():
        start = time.perf_counter()
        found = find()
        seconds = time.perf_counter() - start
        priors = found if way == "priors" else priors
        rows.append({"subject": subject, "method": way} | scores(found, truth, inside))
        rows[-1]["seconds"] = seconds
    return rows


def score_people(root, labels):
    """Table of all scores; ANTs leaves its temporary files in a folder that goes away."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="mriworkbook-") as folder:
        tempfile.tempdir = folder
        for label in labels:
            rows += score_person(root, label)
            print(pd.DataFrame(rows[-3:]).round(3).to_string(header=label == labels[0]))
        tempfile.tempdir = None
    return pd.DataFrame(rows)


def verdict(table):
    """People and tissues where the priors alone are at least as good as Atropos with them."""
    tissues = [f"{name}{kind}" for name in TISSUES for kind in ("", " soft")]
    wide = table.pivot(index="subject", columns="method", values=tissues)
    return [
        (subject, tissue, row[tissue, "priors"], row[tissue, "Atropos"])
        for subject, row in wide.iterrows()
        for tissue in tissues
        if row[tissue, "priors"] >= row[tissue, "Atropos"]
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", type=Path, help="folder of a practice study (default: yours)")
    parser.add_argument("--subjects", nargs="*", help="labels; default: see above")
    parser.add_argument("--write", action="store_true", help=f"keep the table as {RESULT.name}")
    options = parser.parse_args()
    if options.study is None:
        from mriworkbook.studies import open_study

        options.study = Path(open_study("practice", stage="anatomy").root)
    labels = options.subjects or [name for name in PEOPLE if PEOPLE[name].fault != "flip"]
    table = score_people(options.study, labels)
    summary = table.drop(columns="subject").groupby("method", sort=False)
    print(summary.agg(["median", "min", "max"]).round(3).T.to_string())
    for subject, tissue, alone, both in verdict(table):
        print(f"priors alone win: sub-{subject} {tissue}: {alone:.3f} against {both:.3f}")
    if options.write:
        keep(table, RESULT)


if __name__ == "__main__":
    main()
