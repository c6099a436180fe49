"""How well N4 recovers planted shading, over the practice people and several fields each.

``python benchmarks/n4_curve.py`` plants fields of 0, 10, 20 and 40 % into heads whose own shading
is divided out by the truth, corrects them as a reader would (no mask given), and compares the log
of the estimated field with the log of the planted one in the true brain, means removed.
``--write`` keeps the table, with date and commit, for the book's validation page.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from kept import keep
from nilearn import image, masking
from scipy import ndimage

from mriworkbook.cleanup import correct_bias
from mriworkbook.practice.artefacts import bias_field
from mriworkbook.practice.write import CORE
from mriworkbook.studies import open_study

RESULT = Path(__file__).parent / "results" / "n4_curve.tsv"
PERCENTS = (0, 10, 20, 40)


def clean_head(study, subject):
    """Raw scan without its own shading, true brain mask, and white matter away from its border."""
    raw = study.layout.get(
        subject=subject, suffix="T1w", scope="raw", extension=".nii.gz", return_type="file"
    )[0]
    clean = image.math_img("v / f", v=raw, f=study.truth(subject, "bias_field"))
    brain = image.load_img(study.truth(subject, "brain_mask"))
    white = image.get_data(study.truth(subject, "WM")) > 0.5
    deep = image.new_img_like(brain, ndimage.binary_erosion(white).astype("uint8"))
    return clean, brain, deep


def score(clean, brain, deep, percent, seed):
    """One planted field: agreement of the logs, error before and after, white matter, seconds."""
    planted = bias_field(clean, brain, percent=percent, seed=seed)
    shaded = image.math_img("u * f", u=clean, f=planted)
    start = time.perf_counter()
    corrected, estimate = correct_bias(shaded)
    seconds = time.perf_counter() - start
    logs = [np.log(masking.apply_mask(field, brain)) for field in (planted, estimate)]
    true, found = (log - log.mean() for log in logs)

    def variation(img):
        values = masking.apply_mask(img, deep)
        return 100 * values.std() / values.mean()

    return {
        "planted_percent": percent,
        "r": np.corrcoef(true, found)[0, 1] if percent else np.nan,
        "rms_before": true.std(),
        "rms_after": (true - found).std(),
        "wm_cv_before": variation(shaded),
        "wm_cv_after": variation(corrected),
        "seconds": seconds,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=4, help="fields for each person and strength")
    parser.add_argument("--write", action="store_true", help=f"keep the table as {RESULT.name}")
    options = parser.parse_args()
    study, rows = open_study("practice"), []
    for subject in CORE:
        head = clean_head(study, subject)
        for percent in PERCENTS:
            for seed in range(options.seeds if percent else 1):
                rows.append({"subject": subject, "seed": seed} | score(*head, percent, seed))
                print(
                    {key: np.round(value, 3) for key, value in rows[-1].items() if key != "subject"}
                )
    table = pd.DataFrame(rows)
    summary = table.drop(columns=["subject", "seed"]).groupby("planted_percent")
    summary = summary.agg(["mean", "min", "max"])
    print(summary.round(3).to_string())
    if options.write:
        keep(table, RESULT)


if __name__ == "__main__":
    main()
