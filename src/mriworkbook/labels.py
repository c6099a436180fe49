"""Labels and maps of tissues: the likeliest label, what labels mean, overlap and volume."""

import warnings

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from mriworkbook.images import check_same_grid, describe, image_in_mm, load_3d


def most_likely(maps):
    """Label of the largest of several maps in each voxel.

    Parameters
    ----------
    maps : dict of Nifti1Image
        Probabilities or fractions, on one grid.

    Returns
    -------
    Nifti1Image
        uint8: 1 for the first map, 2 for the second, ...; 0 where all maps are 0.

    Raises
    ------
    ValueError
        If there is no map.

    Examples
    --------
    >>> import nibabel as nib
    >>> as_img = lambda *data: nib.Nifti1Image(np.array([[data]], np.float32), np.eye(4))
    >>> labels = most_likely({"CSF": as_img(0.2, 0, 0.7), "GM": as_img(0.8, 0, 0.3)})
    >>> labels.get_fdata().ravel().tolist()
    [2.0, 0.0, 1.0]
    """
    if not maps:
        raise ValueError("There are no maps to choose from. Give a dictionary name -> image.")
    first = next(iter(maps.values()))
    stack = np.stack([img.get_fdata(dtype=np.float32) for img in maps.values()])
    labels = np.where(stack.max(axis=0) > 0, stack.argmax(axis=0) + 1, 0)
    return image_in_mm(labels.astype(np.uint8), first.affine)


def label_overlap(labels_img, reference_img, tissues):
    """Find out what each label means, by overlap with labels whose meaning is known.

    Parameters
    ----------
    labels_img : nibabel image, str or Path
        Labels of unknown order; 0 is the background.
    reference_img : nibabel image, str or Path
        Known labels on the same grid, such as FreeSurfer's aseg.
    tissues : dict
        Name -> labels of `reference_img`, such as ``{"WM": [2, 41]}``.

    Returns
    -------
    DataFrame
        Row: label of `labels_img`. Column: tissue. Entry: the share of that tissue's voxels, of
        those with any label, that carry the label. Columns add up to 1.
    dict
        Label -> name, one to one, so that the sum of the shares is largest.

    Raises
    ------
    ValueError
        If the grids differ, a tissue has no voxel, or there are fewer labels than tissues.

    Examples
    --------
    >>> import nibabel as nib
    >>> as_img = lambda *data: nib.Nifti1Image(np.array([[data]], np.uint8), np.eye(4))
    >>> table, order = label_overlap(as_img(1, 1, 2, 2), as_img(3, 3, 2, 3), {"GM": [3], "WM": [2]})
    >>> order
    {1: 'GM', 2: 'WM'}
    """
    labels_img = load_3d(labels_img, name="labels")
    reference_img = load_3d(reference_img, name="reference")
    names = describe(labels_img, "labels"), describe(reference_img, "reference")
    check_same_grid(labels_img, reference_img, *names)
    labels, reference = np.asarray(labels_img.dataobj), np.asarray(reference_img.dataobj)
    known = [int(label) for label in np.unique(labels) if label]
    if len(known) < len(tissues):
        raise ValueError(f"{len(tissues)} tissues, but only the labels {known}: nothing fits.")
    table = pd.DataFrame(index=pd.Index(known, name="label"), columns=list(tissues), dtype=float)
    for name, wanted in tissues.items():
        inside = labels[np.isin(reference, wanted) & (labels > 0)]
        if not inside.size:
            raise ValueError(
                f"No voxel of {name} (labels {list(wanted)}) is labelled. Is the reference what "
                "you think, and in the same space?"
            )
        table[name] = [(inside == label).mean() for label in known]
    rows, columns = linear_sum_assignment(table.to_numpy(), maximize=True)
    return table, {known[r]: table.columns[c] for r, c in zip(rows, columns, strict=True)}


def fuzzy_dice(map_a, map_b):
    """Dice overlap of two maps of fractions: twice the shared amount over the sum of both.

    Parameters
    ----------
    map_a, map_b : nibabel image, str or Path
        0 to 1, on one grid; for masks it is the usual Dice coefficient.

    Returns
    -------
    float
        0 (apart) to 1 (equal); NaN with a warning if both are empty.

    References
    ----------
    Crum 2006, 10.1109/TMI.2006.880587.

    Examples
    --------
    >>> import nibabel as nib
    >>> half = nib.Nifti1Image(np.full((1, 1, 2), 0.5, np.float32), np.eye(4))
    >>> whole = nib.Nifti1Image(np.ones((1, 1, 2), np.float32), np.eye(4))
    >>> round(fuzzy_dice(half, whole), 3)
    0.667
    """
    map_a, map_b = load_3d(map_a, name="first map"), load_3d(map_b, name="second map")
    check_same_grid(map_a, map_b, "first map", "second map")
    a, b = (np.asarray(one.dataobj, dtype=np.float32) for one in (map_a, map_b))
    total = a.sum(dtype=float) + b.sum(dtype=float)
    if total == 0:
        warnings.warn("Dice of two empty maps is undefined: NaN returned.", stacklevel=2)
        return float("nan")
    return float(2 * np.minimum(a, b).sum(dtype=float) / total)


def label_volumes(labels_img, names=None):
    """Volume of each label.

    Parameters
    ----------
    labels_img : nibabel image, str or Path
        Whole numbers; 0 is the background.
    names : dict, optional
        Label -> name; only these are listed, absent ones with 0.

    Returns
    -------
    DataFrame
        Indexed by label: name (if given), voxels, millilitres.

    Examples
    --------
    >>> import nibabel as nib
    >>> img = nib.Nifti1Image(np.array([[[1, 300, 300]]], np.int16), np.diag([10.0, 10, 5, 1]))
    >>> label_volumes(img)["millilitres"].round(3).to_dict()
    {1: 0.5, 300: 1.0}
    """
    img = load_3d(labels_img, name="labels")
    labels, voxels = np.unique(np.asarray(img.dataobj), return_counts=True)
    if not np.array_equal(labels, np.round(labels)):
        raise ValueError(
            "The labels are not whole numbers. Were they resampled with another interpolation "
            "than 'nearest', or is this a probability map (then sum it)?"
        )
    count = pd.Series(voxels, index=labels.astype(int)).drop(0, errors="ignore")
    table = pd.DataFrame({"voxels": count.reindex(list(names), fill_value=0) if names else count})
    if names:
        table.insert(0, "name", list(names.values()))
    millilitres = abs(np.linalg.det(img.affine[:3, :3])) / 1000
    table["millilitres"] = table["voxels"] * millilitres
    return table.rename_axis("label")
