"""A real and a practice run as carpets side by side: to look at, and not to be kept."""

import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np
from bold_realism_measures import (
    RADIUS,
    SPACING,
    realigned,
    realignment,
    residuals,
    trends,
)
from bold_realism_practice import RAW, raw_run
from nilearn import image, masking
from scipy import ndimage

from mriworkbook.studies import open_study

N_ROWS = 1500


def carpet(img):
    """FD, global signal and rows of voxels from the surface inwards, percent without trends.

    Parameters
    ----------
    img : Nifti1Image (x, y, z, n)
        A raw run in its steady state; it is realigned and brought to 4 mm first.
    """
    volumes = img.get_fdata(dtype=np.float32)
    brain = np.asarray(masking.compute_epi_mask(img).dataobj) > 0
    six, centre = realignment(volumes, img.affine, brain)
    moved, grid = realigned(volumes, img.affine, six, centre)
    inside = np.asarray(masking.compute_epi_mask(image.new_img_like(img, moved, grid)).dataobj) > 0
    depth = ndimage.distance_transform_edt(inside, sampling=SPACING)[inside]
    series = moved[inside].T.astype(float)
    percent = 100 * residuals(series, trends(len(series))) / series.mean(axis=0)
    order = np.argsort(depth, kind="stable")
    rows = order[np.linspace(0, len(order) - 1, N_ROWS).astype(int)]
    steps = np.abs(np.diff(six * ([1] * 3 + [RADIUS] * 3), axis=0)).sum(axis=1)
    return np.concatenate([[np.nan], steps]), percent.mean(axis=1), percent[:, rows].T


def draw_carpets(real, study, path):
    """Draw studyforrest's run beside the raw practice runs into the file `path`."""
    root = study or open_study("practice", stage="functional").root
    runs = {"studyforrest": real / "studyforrest" / "sub-02_task-oneback_run-1_bold.nii.gz"}
    runs = {name: nib.load(file) for name, file in runs.items()}
    runs |= {f"practice {label}": raw_run(root, label) for label in RAW}
    fig, axes = plt.subplots(
        3, len(runs), figsize=(5 * len(runs), 7), height_ratios=[1, 1, 5], squeeze=False
    )
    for column, (name, img) in zip(axes.T, runs.items(), strict=True):
        displacement, whole, rows = carpet(img)
        column[0].plot(displacement, color="black", linewidth=0.8)
        column[0].set(title=name, ylabel="FD (mm)", ylim=(0, 1))
        column[1].plot(whole, color="black", linewidth=0.8)
        column[1].set(ylabel="mean (%)", ylim=(-1.5, 1.5))
        column[2].imshow(rows, cmap="gray", vmin=-3, vmax=3, aspect="auto", interpolation="none")
        column[2].set(xlabel="volume", ylabel="surface (top) to middle")
    fig.tight_layout()
    fig.savefig(path, dpi=110)
    plt.close(fig)
