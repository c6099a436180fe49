"""Open atlases, and say so where their numbers, names or spaces do not belong together.

Masks of regions, means of regions and resampling are nilearn's (`math_img`, `NiftiLabelsMasker`,
`resample_to_img`); here is what it does not check.
"""

import shutil
import tempfile
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

import data_fetch
from mriworkbook.images import describe, image_in_mm, load_3d
from mriworkbook.studies import study_folder
from mriworkbook.transforms import placed

NATIVE = "native to"
FUNCTIONAL = ("bold", "boldref", "sbref")
# Smallest first; signed ones, because NIfTI readers differ in how they treat uint16 and uint32.
LABEL_TYPES = (np.uint8, np.int16, np.int32)


class SpaceWarning(UserWarning):
    """An atlas lies in another space than the data."""


def atlas_is_here(part):
    """Whether a published atlas was fetched; if not, print how to get it.

    Parameters
    ----------
    part : {"aal", "destrieux", "harvard-oxford", "yeo2011"}
        Its name as a subset of the study "atlases".

    Returns
    -------
    bool
        True if nilearn's fetcher, with ``data_dir=study_folder("atlases")``, will find all that it
        wants there and download nothing.

    Raises
    ------
    ValueError
        If there is no such atlas.

    Examples
    --------
    >>> atlas_is_here("aal3")
    Traceback (most recent call last):
    ValueError: no atlas is called 'aal3'; choose one of aal, destrieux, harvard-oxford, yeo2011
    """
    entries = [entry for entry in data_fetch.manifest("atlases") if entry.subset == "mini"]
    known = sorted({name for entry in entries for name in entry.parts})
    if part not in known:
        raise ValueError(f"no atlas is called {part!r}; choose one of {', '.join(known)}")
    folder = study_folder("atlases")
    here = all((folder / entry.path).is_file() for entry in entries if part in entry.parts)
    if not here:
        print(f"The {part} atlas is not here. Get it: mriworkbook data get atlases --subset {part}")
    return here


def practice_parcellation(study):
    """Folder of the practice study's parcellation, whichever study is open.

    It lies in template space and belongs to nobody, so it can be laid over any study's template.
    For a study that is not the practice study it is made in a few seconds, once.

    Parameters
    ----------
    study : mriworkbook.studies.Study

    Returns
    -------
    Path
        Holds ``tpl-MNI152NLin2009aSym`` (volumes, table) and ``tpl-fsaverage5`` (surfaces).
    """
    if study.simulated:
        return study.file("derivatives", "parcellation")
    root = Path(study.memory.location) / "parcellation"
    if not root.is_dir():
        from mriworkbook.practice._parcellation import write_parcellation

        making = Path(tempfile.mkdtemp(prefix=".parcellation-", dir=root.parent))
        try:
            write_parcellation(making)
            making.rename(root)
        except OSError:
            # Another notebook may have made it meanwhile: a folder is not renamed onto a full one.
            if not root.is_dir():
                raise
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return root / "derivatives" / "parcellation"


def space_of(path):
    """Space that a BIDS file says it lies in.

    Parameters
    ----------
    path : str or Path
        Only the name is read; the file need not exist.

    Returns
    -------
    str
        What stands behind ``space-`` or ``tpl-``, with ``cohort-`` if there is one. For a file of a
        person without either, and for ``space-T1w``: "native to sub-01", the space of this person's
        T1w; a functional image without ``space-`` has one of its own, "native to sub-01's BOLD".

    Raises
    ------
    ValueError
        If the name says nothing: nilearn's atlases have their space in ``.template``.

    References
    ----------
    BIDS 1.10, entities "space" and "tpl".

    Examples
    --------
    >>> space_of("sub-01_space-MNI152NLin2009aSym_desc-brain_mask.nii.gz")
    'MNI152NLin2009aSym'
    >>> space_of("sub-01_desc-brain_mask.nii.gz")
    'native to sub-01'
    """
    name = Path(path).name
    entities = dict(part.split("-", 1) for part in name.split("_") if "-" in part)
    space = entities.get("space") or entities.get("tpl")
    if space and space != "T1w":
        return f"{space} cohort-{entities['cohort']}" if "cohort" in entities else space
    if space or "sub" in entities:
        functional = not space and name.split(".")[0].rsplit("_", 1)[-1] in FUNCTIONAL
        return f"{NATIVE} sub-{entities.get('sub', '?')}" + "'s BOLD" * functional
    raise ValueError(
        f"{name}: its name does not say in which space it lies. Find it in its documentation; an "
        "atlas of nilearn has it in atlas.template."
    )


def check_space(atlas_space, data_space):
    """Warn if an atlas and the data lie in different spaces.

    Parameters
    ----------
    atlas_space, data_space : str
        From `space_of`, ``atlas.template`` or ``study.space``.

    Warns
    -----
    SpaceWarning
        If the two differ; with both names, and what to do.

    Examples
    --------
    >>> check_space("MNI152NLin6Asym", "MNI152NLin6Asym")
    >>> with warnings.catch_warnings(record=True) as said:
    ...     warnings.simplefilter("always")
    ...     check_space("MNIColin27", "native to sub-01")
    >>> str(said[0].message)[:64]
    'The atlas lies in MNIColin27, the data in the space native to su'
    """
    if atlas_space == data_space:
        return
    if any(name.startswith(NATIVE) for name in (atlas_space, data_space)):
        advice = "Bring the atlas to the data through the transform between the two"
    else:
        advice = "Take the atlas in the data's space if there is one, or register the two templates"
    atlas, data = (
        f"the space {name}" if name.startswith(NATIVE) else name
        for name in (atlas_space, data_space)
    )
    warnings.warn(
        f"The atlas lies in {atlas}, the data in {data}: equal millimetres are different places. "
        f"{advice}; labels move by nearest neighbour.",
        SpaceWarning,
        stacklevel=2,
    )


def load_atlas(labels_img, lut=None):
    """Open an atlas of labels and make sure that it can be trusted with names and places.

    Parameters
    ----------
    labels_img : nibabel image, str or Path
        3D, any orientation and voxel size; whole numbers, 0 for the background.
    lut : DataFrame, optional
        Look-up table with the columns "index" and "name".

    Returns
    -------
    nibabel image
        On the same grid, of the smallest type that holds its labels.

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        As `images.load_3d`; if the header does not say where the image lies (neither qform nor
        sform set), if a value is no label, if a label has no name or two, or a name two labels.

    Examples
    --------
    >>> labels = np.zeros((2, 2, 2), np.int16)
    >>> labels[0] = 2401
    >>> img = load_atlas(nib.Nifti1Image(labels, np.diag([2, 2, 2, 1])))
    >>> img.shape, img.get_data_dtype().name
    ((2, 2, 2), 'int16')
    """
    label = describe(labels_img, "atlas")
    img = placed(load_3d(labels_img, name="atlas"), label)
    out = label_image(np.asarray(img.dataobj).reshape(img.shape), img)
    if lut is not None:
        _check_names(np.unique(out.dataobj), lut, label)
    return out


def _check_names(labels, lut, label):
    """Raise an error unless every label but 0 has one name, and every name one label."""
    if not isinstance(lut, pd.DataFrame):
        raise TypeError(
            f"look-up table: expected a DataFrame, got {type(lut).__name__}. Read the file: "
            "pd.read_csv(path, sep='\\t')."
        )
    lacking = {"index", "name"} - set(lut.columns)
    if lacking:
        raise ValueError(
            f"look-up table: expected the columns index and name, got {', '.join(lut.columns)}."
        )
    numbers = pd.to_numeric(lut["index"], errors="coerce")
    broken = numbers.isna() | (numbers % 1 != 0) | lut["name"].isna()
    if broken.any():
        raise ValueError(
            f"look-up table: {broken.sum()} rows lack a whole number or a name, the first is row "
            f"{broken.argmax()}: {lut['index'].iloc[broken.argmax()]!r}, "
            f"{lut['name'].iloc[broken.argmax()]!r}."
        )
    for what, column in (("numbers", numbers.astype(int)), ("names", lut["name"])):
        twice = sorted(set(column[column.duplicated()]))
        if twice:
            raise ValueError(
                f"look-up table: the {what} {_few(twice)} stand in it twice. Which row is right?"
            )
    nameless = sorted(set(labels.tolist()) - {0} - set(numbers.astype(int)))
    if nameless:
        raise ValueError(
            f"{label}: {len(nameless)} labels have no name in the look-up table ({_few(nameless)})."
            " Table and image are of different versions, or the labels were resampled wrongly."
        )


def _few(numbers):
    shown = ", ".join(map(str, numbers[:5]))
    return f"{shown}, ..." if len(numbers) > 5 else shown


def label_image(labels, like, dtype=None):
    """Image of labels, of an integer type that holds every one of them.

    Parameters
    ----------
    labels : ndarray (i, j, k)
        Whole numbers from 0, of any type.
    like : nibabel image
        Gives the affine and the codes that say what its millimetres mean.
    dtype : optional
        Integer type of the result; by default the smallest of uint8, int16 and int32.

    Returns
    -------
    Nifti1Image

    Raises
    ------
    ValueError
        If a value is negative, no whole number or too large for `dtype`, or the shapes differ.

    Examples
    --------
    >>> like = nib.Nifti1Image(np.zeros((1, 1, 2), np.uint8), np.eye(4))
    >>> label_image(np.array([[[0, 187.0]]]), like).get_data_dtype().name
    'uint8'
    >>> label_image(np.array([[[0, 2401]]]), like, dtype="uint8")
    Traceback (most recent call last):
    ValueError: labels: the largest is 2401, but uint8 ends at 255 and would turn it into 97. ...
    """
    labels = np.asarray(labels)
    if labels.shape != tuple(like.shape[:3]):
        raise ValueError(f"labels: expected the shape {tuple(like.shape[:3])}, got {labels.shape}.")
    if labels.dtype.kind not in "uib":
        broken = int((~np.isfinite(labels) | (labels != np.round(labels))).sum())
        if broken:
            raise ValueError(
                f"labels: {broken} values are no whole numbers. A label is a name, not an amount: "
                "resample labels with interpolation='nearest'."
            )
    low, high = int(labels.min()), int(labels.max())
    if low < 0:
        raise ValueError(f"labels: the smallest is {low}; labels begin at 0, the background.")
    if dtype is not None and np.dtype(dtype).kind not in "iu":
        raise ValueError(f"dtype: labels need an integer type such as int16, got {dtype!r}.")
    chosen = dtype or next((t for t in LABEL_TYPES if high <= np.iinfo(t).max), LABEL_TYPES[-1])
    limit = int(np.iinfo(chosen).max)
    if high > limit:
        raise ValueError(
            f"labels: the largest is {high}, but {np.dtype(chosen).name} ends at {limit} and would "
            f"turn it into {int(np.array(high).astype(chosen))}. Take a larger type, or leave "
            "dtype out."
        )
    out = image_in_mm(labels.astype(chosen), like.affine)
    if isinstance(like, nib.Nifti1Pair):
        out.set_sform(like.affine, int(like.header["sform_code"] or like.header["qform_code"]))
    return out
