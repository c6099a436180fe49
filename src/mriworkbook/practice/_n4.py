"""N4 bias-field correction in a process of its own, on one thread.

With several threads ITK adds in another order, and single grey values change from machine to
machine; the number of threads can only be chosen before ANTs is loaded, which in a notebook may
long have happened. ``python -m mriworkbook.practice._n4 FOLDER`` does what `estimate_fields` asks.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np


def estimate_fields(pairs):
    """N4 fields of several images.

    Parameters
    ----------
    pairs : list of (Nifti1Image, Nifti1Image)
        Image and mask on one grid. The field is estimated inside the mask, reaches over the whole
        grid and has mean log 0 inside the mask.

    Returns
    -------
    list of ndarray, float32

    Raises
    ------
    RuntimeError
        If ANTs fails; the message ends with what it said.

    References
    ----------
    Tustison 2010, 10.1109/TMI.2010.2046908.
    """
    with tempfile.TemporaryDirectory(prefix="mriworkbook-n4-") as folder:
        for number, (img, mask_img) in enumerate(pairs):
            _save(img, Path(folder, f"{number}-image.nii"))
            _save(mask_img, Path(folder, f"{number}-mask.nii"))
        environment = {**os.environ, "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}
        run = subprocess.run(
            [sys.executable, "-m", __name__, folder],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode != 0:
            raise RuntimeError(
                "N4 failed while the practice study was made. If the last line below says that "
                "ants is missing, install antspyx for this machine, then try again.\n" + run.stderr
            )
        return [np.load(Path(folder, f"{number}-field.npy")) for number in range(len(pairs))]


def _save(img, path):
    out = nib.Nifti1Image(np.asarray(img.dataobj, np.float32), img.affine)
    out.header.set_xyzt_units("mm", "sec")
    nib.save(out, path)


def _main(folder):
    import ants

    for path in sorted(Path(folder).glob("*-image.nii")):
        number = path.name.split("-")[0]
        mask = ants.image_read(str(path.with_name(f"{number}-mask.nii")))
        # ANTs' corrected image is left as it was outside the mask; its field is not.
        field = ants.n4_bias_field_correction(
            ants.image_read(str(path)), mask=mask, return_bias_field=True
        ).numpy()
        field = field / np.exp(np.log(field[mask.numpy() > 0]).mean())
        np.save(path.with_name(f"{number}-field.npy"), field.astype(np.float32))


if __name__ == "__main__":
    _main(sys.argv[1])
