"""How many millimetres is a registration off? Rigid, affine and SyN on the twelve practice heads.

``python benchmarks/registration_error.py`` registers what a learner has, the corrected T1w image
and the brain mask of the fMRIPrep-like folder, to nilearn's template by
`mriworkbook.normalization.register_to_template`, and scores against the true warp:

error
    target registration error in mm of the person, at the centres of the template's deep
    structures: mean, and largest, of the distance between where the registration and the truth
    send a centre (Fitzpatrick 2001, 10.1109/42.952729);
best of its kind
    mean error at these centres of the rigid or affine map that is nearest to the truth over the
    whole brain (least squares). In a person in whom the affine's is not below the rigid one's, no
    registration can be asked for the order rigid > affine;
jacobian r
    Pearson correlation of the log Jacobian determinant with the true one in the template's brain.
    Both are of the whole map; a constant does not change r, and a linear map has no r.

The image of sub-09 is mirrored while its header is not. Its array is turned back before it is
registered, and then it is scored like the others. The template is symmetric, so no registration can
notice such a flip: the row "syn, flip unnoticed" has the same head as it is filed, scored against
where the named structure lies in that image. It is left out of the summary.
The settings of `register` were chosen with people 01, 04 and 08 in view.
``--write`` keeps the table, with date and commit.
"""

import argparse
import os
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from kept import keep
from nibabel.affines import apply_affine
from nilearn import datasets
from nilearn.image import resample_to_img
from scipy import ndimage

from mriworkbook.normalization import KINDS, register_to_template
from mriworkbook.practice import truth_path
from mriworkbook.practice._mapping import array_mirror
from mriworkbook.practice._registration import left_right_axis
from mriworkbook.practice.anatomy import load_template
from mriworkbook.practice.parameters import PEOPLE
from mriworkbook.practice.structures import STRUCTURES, template_structures

RESULT = Path(__file__).parent / "results" / "registration_error.tsv"
UNNOTICED = ", flip unnoticed"


def landmarks():
    """Centres of the template's deep structures, (n, 3) mm RAS+, and their names."""
    labels = template_structures()
    here = set(np.unique(labels))
    names = [name for name, number in STRUCTURES.items() if number in here]
    numbers = [STRUCTURES[name] for name in names]
    centres = ndimage.center_of_mass(labels > 0, labels, numbers)
    return apply_affine(load_template().affine, np.array(centres)), names


def person_brain(root, subject, *, turn_back=True):
    """The corrected T1w image within the brain mask that comes with it; a flip is undone."""
    stem = root / "derivatives/fmriprep" / f"sub-{subject}" / "anat" / f"sub-{subject}_desc-"
    img, mask = (nib.load(f"{stem}{name}.nii.gz") for name in ("preproc_T1w", "brain_mask"))
    brain = np.asarray(img.dataobj, np.float32) * (np.asarray(mask.dataobj) > 0)
    if turn_back and PEOPLE[subject].fault == "flip":
        brain = np.flip(brain, left_right_axis(img))
    return nib.Nifti1Image(brain, img.affine)


def true_places(root, subject, points, *, in_flipped=False):
    """Where template points lie in the person, (n, 3) mm; or in the image as it is filed."""
    truth = nib.load(truth_path(root, subject, "warp_from_template"))
    vectors = np.moveaxis(np.asarray(truth.dataobj, np.float32), -1, 0)
    places = read_map(vectors, truth.affine, points)
    if in_flipped:
        raw = nib.load(root / f"sub-{subject}" / "anat" / f"sub-{subject}_T1w.nii.gz")
        places = apply_affine(array_mirror(raw), places)
    return places


def read_map(vectors, affine, points):
    """Values of a map of vectors at points (n, 3), by cubic splines."""
    voxels = apply_affine(np.linalg.inv(affine), points).T
    return np.stack([ndimage.map_coordinates(v, voxels, order=3) for v in vectors], axis=-1)


def best_linear(kind, source, target):
    """Least-squares map of points (n, 3) to points, as a function; rigid: Arun 1987."""
    middle, there = source.mean(axis=0), target.mean(axis=0)
    if kind == "affine":
        matrix = np.linalg.lstsq(source - middle, target - there, rcond=None)[0]
    else:
        u, _, vt = np.linalg.svd((source - middle).T @ (target - there))
        matrix = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    return lambda points: (points - middle) @ matrix + there


def best_error(root, subject, kind, points):
    """Mean error at points of the linear map that is nearest to the truth in the brain, mm."""
    brain = datasets.load_mni152_brain_mask(resolution=4)
    inside = apply_affine(brain.affine, np.argwhere(np.asarray(brain.dataobj) > 0))
    best = best_linear(kind, inside, true_places(root, subject, inside))
    return np.linalg.norm(best(points) - true_places(root, subject, points), axis=1).mean()


def jacobian_correlation(transform, root, subject):
    """Pearson r of the log Jacobian determinant with the true one in the brain, and folds."""
    truth = nib.load(truth_path(root, subject, "jacobian"))
    true = np.asarray(truth.dataobj, np.float32)
    inside = resample_to_img(
        datasets.load_mni152_brain_mask(resolution=2), truth, interpolation="nearest"
    )
    found = transform.jacobian(reference=truth).get_fdata()
    # A fold has no logarithm; there are hardly any, and the table counts them.
    inside = inside.get_fdata() > 0
    good = inside & (found > 0)
    r = np.corrcoef(np.log(found[good]), np.log(true[good]))[0, 1]
    return float(r), int((inside & ~good).sum())


def score(root, subject, kind, *, turn_back=True):
    """One row: errors in mm, correlation, and the seconds that the registration took."""
    points, _ = landmarks()
    flipped = PEOPLE[subject].fault == "flip" and not turn_back
    brain = person_brain(root, subject, turn_back=turn_back)
    start, busy = time.perf_counter(), os.times()
    transform = register_to_template(brain, kind)
    seconds, cpu = time.perf_counter() - start, sum(os.times()[:2]) - sum(busy[:2])
    truth = true_places(root, subject, points, in_flipped=flipped)
    errors = np.linalg.norm(transform.map_points(points, "fixed_to_moving") - truth, axis=1)
    best = np.nan if kind == "syn" else best_error(root, subject, kind, points)
    r, folds = np.nan, 0
    if kind == "syn" and not flipped:
        r, folds = jacobian_correlation(transform, root, subject)
    return {
        "subject": subject,
        "kind": kind + UNNOTICED * flipped,
        "error mean (mm)": errors.mean(),
        "error largest (mm)": errors.max(),
        "best of its kind (mm)": best,
        "jacobian r": r,
        "folds": folds,
        "seconds": seconds,
        "cpu seconds": cpu,
    }


def verdict(table):
    """People in whom rigid > affine > SyN fails or SyN is over 2.5 mm."""
    wide = table.pivot(index="subject", columns="kind", values="error mean (mm)")[list(KINDS)]
    ordered = (wide["rigid"] > wide["affine"]) & (wide["affine"] > wide["syn"])
    return wide[~ordered | (wide["syn"] > 2.5)]


def summary(table):
    """Mean and range of each kind, and of SyN's error over the affine's, as text."""
    fair = table[table["kind"].isin(KINDS)]
    numbers = fair.drop(columns="subject").groupby("kind", sort=False)
    wide = fair.pivot(index="subject", columns="kind", values="error mean (mm)")
    ratio = wide["syn"] / wide["affine"]
    return (
        f"{numbers.agg(['mean', 'min', 'max']).round(2).T.to_string()}\n"
        f"SyN / affine: {ratio.mean():.2f} ({ratio.min():.2f} to {ratio.max():.2f})\n"
        f"rigid > affine > SyN and SyN <= 2.5 mm fail in:\n{verdict(fair).round(2)}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", type=Path, help="folder of a practice study (default: yours)")
    parser.add_argument("--subjects", nargs="*", help="labels; default: all twelve")
    parser.add_argument("--write", action="store_true", help=f"keep the table as {RESULT.name}")
    options = parser.parse_args()
    if options.study is None:
        from mriworkbook.studies import open_study

        options.study = Path(open_study("practice", stage="anatomy").root)
    rows = []
    for label in options.subjects or PEOPLE:
        rows += [score(options.study, label, kind) for kind in KINDS]
        if PEOPLE[label].fault == "flip":
            rows.insert(0, score(options.study, label, "syn", turn_back=False))
            print(pd.DataFrame(rows[:1]).round(3).to_string(header=False), flush=True)
        print(pd.DataFrame(rows[-3:]).round(3).to_string(header=len(rows) < 4), flush=True)
    table = pd.DataFrame(rows)
    print(summary(table))
    if options.write:
        keep(table, RESULT)


if __name__ == "__main__":
    main()
