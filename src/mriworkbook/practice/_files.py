"""Write files of the practice study with honest headers and texts that say it is simulated."""

import json

import nibabel as nib
import numpy as np

from mriworkbook.practice import VERSION, fingerprint
from mriworkbook.practice.parameters import PEOPLE, SPACE

BIDS_VERSION = "1.10.0"


def as_vectors(points, affine):
    """Points (3, i, j, k) as an image (i, j, k, 3)."""
    return nib.Nifti1Image(np.moveaxis(points, 0, -1).astype(np.float32), affine)


def save(img, path, dtype, step=None):
    """Save with honest header: scanner coordinates in mm, scaling where integers hold fractions.

    With `step`, integers hold multiples of it; data that are integers already are taken as such.
    """
    data = np.asanyarray(img.dataobj)
    if step:
        counts = data if np.issubdtype(data.dtype, np.integer) else np.round(data / step)
        data, slope, inter = counts, step, 0.0
    elif np.issubdtype(dtype, np.integer) and not np.issubdtype(data.dtype, np.integer):
        low, high = (0.0, 1.0) if dtype == np.uint8 else (float(data.min()), float(data.max()))
        data, slope, inter = _quantise(data, dtype, low, high)
    else:
        slope, inter = 1.0, 0.0
    out = nib.Nifti1Image(data.astype(dtype), img.affine)
    out.header.set_xyzt_units("mm", "sec")
    code = "mni" if f"space-{SPACE}" in path.name or f"from-{SPACE}" in path.name else "scanner"
    out.set_sform(img.affine, code)
    out.set_qform(img.affine, code)
    out.header.set_slope_inter(slope, inter)
    nib.save(out, path)


def _quantise(data, dtype, low, high):
    """Integers, slope and intercept; int16 uses 14 of its bits (steps of 5e-5 in a bias field)."""
    levels = 255 if dtype == np.uint8 else 2**14 - 1
    slope = (high - low) / levels
    return np.round((np.clip(data, low, high) - low) / slope), slope, low


def raw_path(root, label):
    """The T1w that derivatives are made from: the first run, where there are two."""
    run = "_run-1" if PEOPLE[label].fault == "motion" else ""
    return root / f"sub-{label}" / "anat" / f"sub-{label}{run}_T1w.nii.gz"


def sidecar(description, **fields):
    return {"Description": description, "Simulated": True, **fields}


def write_json(path, content):
    """Write JSON; the name of an image stands for its sidecar."""
    path = path.with_name(path.name.replace(".nii.gz", ".json"))
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def description(name, what, derivative):
    about = {
        "Name": name,
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative" if derivative else "raw",
        "License": "CC-BY-4.0",
        "Authors": ["MRI Workbook contributors"],
        "GeneratedBy": [
            {
                "Name": what,
                "Version": f"{VERSION}-{fingerprint()}",
                "Description": "Simulated by mriworkbook.practice; no person was scanned.",
            }
        ],
    }
    return about
