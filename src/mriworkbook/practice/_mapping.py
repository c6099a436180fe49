"""Where template points lie in a person's T1w as it is seen, from the files of the truth."""

from typing import NamedTuple

import nibabel as nib
import numpy as np

from mriworkbook.practice import truth_path
from mriworkbook.practice._fields import sample, transform
from mriworkbook.practice._files import raw_path
from mriworkbook.practice.parameters import PEOPLE


class Mapping(NamedTuple):
    """The point maps of the truth and the mirror through which the T1w shows them.

    forward (template to scanner) and backward: (volume (i, j, k, 3), affine). mirror (4, 4) is the
    identity but for a T1w whose array is turned over under its header. What a pipeline calls left
    there is the true right; since the template is symmetric, it goes template -> mirrored template
    -> scanner -> mirrored scanner.
    """

    forward: tuple[np.ndarray, np.ndarray]
    backward: tuple[np.ndarray, np.ndarray]
    mirror: np.ndarray
    mirrored: bool


def _left_right_axis(img):
    return next(i for i, code in enumerate(nib.aff2axcodes(img.affine)) if code in "LR")


def array_mirror(img):
    """World reflection of turning an image's array over from left to right.

    Parameters
    ----------
    img : Nifti1Image

    Returns
    -------
    ndarray (4, 4)

    Examples
    --------
    >>> array_mirror(nib.Nifti1Image(np.zeros((5, 3, 3)), np.eye(4)))[0].tolist()
    [-1.0, 0.0, 0.0, 4.0]
    """
    axis = _left_right_axis(img)
    turn = np.eye(4)
    turn[axis, axis], turn[axis, 3] = -1, img.shape[axis] - 1
    return img.affine @ turn @ np.linalg.inv(img.affine)


def _load(root, label, what):
    img = nib.load(truth_path(root, label, what))
    return np.asarray(img.dataobj, np.float32), img.affine


def load_mapping(root, label):
    """Read the maps of one person below `root`."""
    mirrored = PEOPLE[label].fault == "flip"
    mirror = array_mirror(nib.load(raw_path(root, label))) if mirrored else np.eye(4)
    maps = (_load(root, label, f"warp_{way}_template") for way in ("from", "to"))
    return Mapping(*maps, mirror, mirrored)


def as_seen(img, mapping):
    """A truth image on the raw grid, turned over with the T1w if that is."""
    if not mapping.mirrored:
        return img
    return nib.Nifti1Image(np.flip(np.asarray(img.dataobj), _left_right_axis(img)), img.affine)


def _read(points, volume, affine):
    return np.stack([sample(volume[..., axis], affine, points, order=3) for axis in range(3)])


def _turn_template(mapping, points):
    signs = np.array([-1.0 if mapping.mirrored else 1.0, 1.0, 1.0])
    return points * signs[:, None]


def to_image(mapping, points):
    """Template points (3, n) -> world of the T1w as it is seen."""
    true = _read(_turn_template(mapping, points), *mapping.forward)
    return transform(mapping.mirror, true.astype(np.float64))


def to_truth(mapping, points):
    """World of the T1w as it is seen -> world of the truth's files; the same matrix both ways."""
    return transform(mapping.mirror, points)


def to_template(mapping, points):
    """World of the T1w as it is seen -> template, for points (3, n)."""
    return _turn_template(mapping, _read(to_truth(mapping, points), *mapping.backward))
