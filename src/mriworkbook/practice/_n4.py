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
from nibabel.affines import voxel_sizes
from scipy import ndimage

FINE = 1.5  # mm: images with smaller voxels are averaged to twice their size first


def estimate_fields(pairs):
    """N4 fields of several images.

    N4 itself works on every fourth voxel. An image finer than `FINE` is averaged over blocks of
    2 x 2 x 2 voxels before, and its field enlarged again: a field has no detail that this loses,
    and the whole head at 1 mm would take 0.8 GB.

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
        factors = [2 if min(voxel_sizes(img.affine)) < FINE else 1 for img, _ in pairs]
        for number, (pair, factor) in enumerate(zip(pairs, factors, strict=True)):
            img, mask_img = (_average(part, factor) for part in pair)
            _save(img, Path(folder, f"{number}-image.nii"))
            half = (np.asarray(mask_img.dataobj) >= 0.5).astype(np.uint8)
            _save(nib.Nifti1Image(half, img.affine), Path(folder, f"{number}-mask.nii"))
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
        fields = [np.load(Path(folder, f"{number}-field.npy")) for number in range(len(pairs))]
    sizes = zip(fields, pairs, factors, strict=True)
    return [_enlarge(field, pair, factor) for field, pair, factor in sizes]


def _average(img, factor):
    """Means over blocks of voxels; what does not fill a block at the end is repeated."""
    if factor == 1:
        return img
    data = np.asarray(img.dataobj)
    data = np.pad(data, [(0, -n % factor) for n in data.shape], mode="edge")
    mean = np.float32(0)
    for corner in np.ndindex(factor, factor, factor):
        mean = mean + data[tuple(slice(c, None, factor) for c in corner)].astype(np.float32)
    affine = img.affine @ np.diag([factor, factor, factor, 1.0])
    affine[:3, 3] += img.affine[:3, :3] @ np.full(3, (factor - 1) / 2)
    return nib.Nifti1Image(mean / factor**3, affine)


def _enlarge(field, pair, factor):
    """The field of averaged blocks on the voxels of the image; mean log 0 inside the mask."""
    if factor == 1:
        return field
    img, mask_img = pair
    field = ndimage.zoom(np.log(field), factor, order=1, mode="nearest", grid_mode=True)
    field = field[tuple(slice(n) for n in img.shape)]
    field -= field[np.asarray(mask_img.dataobj) > 0].mean(dtype=np.float64).astype(np.float32)
    return np.exp(field, out=field)


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
