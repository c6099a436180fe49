"""Is the planted coupling found again in the images, and which cleaning helps?

``python benchmarks/coupling_recovery.py`` does with each of the twenty people what a learner does:
parcel means by nilearn's NiftiLabelsMasker on the files of the study, confounds by load_confounds,
correlation of every pair of regions. Each strategy is scored on Fisher's z of all pairs against the
coupling that was planted in the person:

r
    correlation over pairs of found and planted z: is the pattern right?
rmse
    root mean square of found minus planted z: pattern and level together.
bias
    mean of found minus planted z: is the level right? It says nothing about the order of pairs.
near - far
    mean error of pairs nearer than 40 mm minus that of pairs farther than 100 mm: what distance-
    dependent artefact leaves.

"neural" is the run's own neural series without any artefact: no cleaning can do better, because
five minutes are short. Gains are paired, better than raw is positive, mean over people with the
95 % interval of Student's t. Pairs are those of the regions that the parcellation has at 4 mm.
``--write`` keeps the table, with date and commit; ``--root`` names a study.
"""

import argparse
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from kept import keep
from nilearn.interfaces.fmriprep import load_confounds
from nilearn.maskers import NiftiLabelsMasker
from scipy import stats

from mriworkbook.practice import truth_path
from mriworkbook.practice.parameters import BOLD_PEOPLE, SPACE, value
from mriworkbook.practice.regions import load_regions

RESULT = Path(__file__).parent / "results" / "coupling_recovery.tsv"
MOTION = {"strategy": ("motion", "high_pass"), "motion": "full"}
NINE = {
    "strategy": ("motion", "high_pass", "wm_csf", "global_signal"),
    "motion": "basic",
    "wm_csf": "basic",
    "global_signal": "basic",
}
STRATEGIES = {
    "raw": None,
    "24P": MOTION,
    "9P": NINE,
    "9P without global": NINE | {"strategy": ("motion", "high_pass", "wm_csf")},
    "36P": NINE | {"motion": "full", "wm_csf": "full", "global_signal": "full"},
    "9P, scrubbed": NINE
    | {"strategy": (*NINE["strategy"], "scrub"), "scrub": 5, "fd_threshold": 0.5}
    | {"std_dvars_threshold": 1.5},
    "24P and compcor": MOTION
    | {"strategy": ("motion", "high_pass", "compcor"), "compcor": "anat_combined", "n_compcor": 5},
}
NEAR, FAR = 40.0, 100.0  # mm
# Scores whose gain over raw is given; -1 where less is better.
GAIN = {"r": 1, "rmse": -1}


def run_path(root, label):
    """The preprocessed run at rest in template space."""
    name = f"sub-{label}_task-rest_space-{SPACE}_desc-preproc_bold.nii.gz"
    return root / "derivatives" / "fmriprep" / f"sub-{label}" / "func" / name


def parcels_path(root):
    """The parcellation at the BOLD runs' resolution."""
    folder = root / "derivatives" / "parcellation"
    (path,) = folder.rglob(f"tpl-{SPACE}_atlas-practice_res-4_dseg.nii.gz")
    return path


def steady_mask(n_scans):
    """Volumes after those that fMRIPrep flags as not steady."""
    return np.arange(value("bold_n_dummies"), n_scans)


def cleaned_series(path, img, labels_img, strategy):
    """Parcel series (volumes kept, labels present) of one run, and which labels they are.

    Parameters
    ----------
    path : Path
        Of the run: its confounds lie beside it.
    img : Nifti1Image
        The run itself.
    labels_img : Nifti1Image
    strategy : dict or None
        Arguments of load_confounds; None leaves the series as they are, but for the volumes that
        are not steady.
    """
    if strategy is None:
        confounds, sample_mask = None, steady_mask(img.shape[3])
    else:
        confounds, sample_mask = load_confounds(str(path), **strategy)
    masker = NiftiLabelsMasker(labels_img, standardize=None, reports=False)
    series = masker.fit_transform(img, confounds=confounds, sample_mask=sample_mask)
    labels = [int(label) for label in masker.labels_ if label != 0]
    return series, np.array(labels)


def pair_z(series):
    """Fisher's z of all pairs of columns, in the order of the lower triangle.

    Examples
    --------
    >>> pair_z(np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])).tolist()
    [0.0]
    """
    r = np.corrcoef(series, rowvar=False)
    return np.arctanh(r[np.tril_indices(len(r), -1)])


def scores(found, planted, distance):
    """How near found z of pairs is to planted z.

    Examples
    --------
    >>> z = np.array([0.1, 0.2, 0.5])
    >>> result = scores(z + 0.3, z, np.array([10.0, 10, 120]))
    >>> round(result["r"], 6), round(result["bias"], 6), abs(round(result["near - far"], 6))
    (1.0, 0.3, 0.0)
    """
    error = found - planted
    return {
        "r": float(np.corrcoef(found, planted)[0, 1]),
        "rmse": float(np.sqrt((error**2).mean())),
        "bias": float(error.mean()),
        "near - far": float(error[distance < NEAR].mean() - error[distance > FAR].mean()),
    }


def score_person(root, label):
    """One row for each strategy, and one for the neural series."""
    truth = pd.read_csv(truth_path(root, label, "coupling"), sep="\t").to_numpy()
    neural = pd.read_csv(truth_path(root, label, "network_series"), sep="\t").to_numpy()
    points = load_regions()[["x", "y", "z"]].to_numpy()
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1)
    path, parcels = run_path(root, label), nib.load(parcels_path(root))
    run = nib.load(path)
    img = nib.Nifti1Image(np.asarray(run.dataobj), run.affine, run.header)
    rows = []
    for name, strategy in STRATEGIES.items():
        series, labels = cleaned_series(path, img, parcels, strategy)
        pairs = np.ix_(labels - 1, labels - 1)
        lower = np.tril_indices(len(labels), -1)
        planted, distance = np.arctanh(truth[pairs][lower]), apart[pairs][lower]
        row = {"subject": label, "strategy": name, "volumes": len(series)}
        rows.append(row | scores(pair_z(series), planted, distance))
    kept = neural[steady_mask(len(neural))][:, labels - 1]
    row = {"subject": label, "strategy": "neural", "volumes": len(kept)}
    return [*rows, row | scores(pair_z(kept), planted, distance)]


def summary(table):
    """Mean of each score over people, and the paired gains over raw with their 95 % intervals.

    Parameters
    ----------
    table : DataFrame
        Rows of `score_person`.

    Returns
    -------
    DataFrame
        One row a strategy.
    """
    wide = {score: table.pivot(index="subject", columns="strategy", values=score) for score in GAIN}
    rows = []
    for name, part in table.groupby("strategy", sort=False):
        row = {"strategy": name, "people": len(part)}
        row |= part[["volumes", "r", "rmse", "bias", "near - far"]].mean().to_dict()
        for score, sign in GAIN.items():
            gain = sign * (wide[score][name] - wide[score]["raw"])
            low, high = (np.nan, np.nan) if name == "raw" else interval(gain)
            row |= {f"{score} gain": gain.mean(), f"{score} low": low, f"{score} high": high}
        rows.append(row)
    return pd.DataFrame(rows)


def interval(values):
    """95 % interval of a mean, Student's t.

    Examples
    --------
    >>> low, high = interval(np.array([1.0, 2, 3]))
    >>> round((low + high) / 2, 6), low < 0
    (2.0, True)
    """
    low, high = stats.t.interval(
        0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values)
    )
    return float(low), float(high)


def main():
    """Score the people, print the summary and write it if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, help="a practice study; by default this machine's")
    parser.add_argument("--write", action="store_true", help=f"keep the table in {RESULT.name}")
    arguments = parser.parse_args()
    root = arguments.root
    if root is None:
        from mriworkbook.studies import open_study

        root = Path(open_study("practice", stage="functional").root)
    rows = [row for label in BOLD_PEOPLE for row in score_person(root, label)]
    table = summary(pd.DataFrame(rows)).round(4)
    print(table.to_string(index=False))
    if arguments.write:
        keep(table, RESULT)


if __name__ == "__main__":
    main()
