"""Register images: rigid, affine and SyN, by ANTs."""

import os
import re
import sys
import tempfile
import warnings
from contextlib import contextmanager, nullcontext
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from nibabel.affines import apply_affine
from nilearn.image import resample_img
from scipy import ndimage

from mriworkbook.cleanup import _ants
from mriworkbook.images import describe, load_scan
from mriworkbook.itk_transforms import invert_linear, read_itk
from mriworkbook.transforms import Transform, placed

__all__ = ["Transform", "register", "register_to_template"]

KINDS = ("rigid", "affine", "syn")
RESOLUTION = 2.0  # mm
MOST = 0.5  # share of the fixed image's content that the moving image should hold
MARGIN = 8.0  # mm of air kept around what is registered
# Levels of the registration: voxels of so many mm, smoothed by so many mm (SD), iterations.
LEVELS, SMOOTH = (8.0, 4.0, 2.0), "4x2x0mm"
# Of the linear stages only the last needs the finest level.
ITERATIONS = {"start": "200x100x0", "linear": "200x100x5", "syn": "40x12x2"}
# Radius of the window of the cross-correlation, and variance of the smoothing of each update, in
# voxels of the level; step as a share of the largest update.
SYN_RADIUS, SYN_SMOOTHING, SYN_STEP = 2, 4, 0.4
COLUMNS = ("stage", "level", "iteration", "cost")


def register(moving, fixed, kind="syn", *, resolution=RESOLUTION, random_state=1, history=False):
    """Find the map that lays one image over another.

    Rigid and affine maximise the mutual information, one after the other; SyN then bends the result
    by a diffeomorphism that maximises the local cross-correlation, coarse to fine.

    Parameters
    ----------
    moving, fixed : nibabel image, str or Path
        3D, any orientation and voxel size, of the same part of the body: register a brain without
        skull to a template without skull.
    kind : {"rigid", "affine", "syn"}
        6 parameters, 12, or 12 and a field of displacements; capitals do not matter ("SyN").
    resolution : float
        Images with smaller, uneven or skewed voxels are looked at on a grid of this many mm, which
        changes where the cost is computed but not what is returned.
    random_state : int
        Seed of ANTs. Results still differ in the last digits, as the sums of several threads do.
    history : bool
        Keep the cost of every iteration, in ``history``. Whatever else the process prints on its
        standard output meanwhile is lost.

    Returns
    -------
    Transform

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        If an input is missing, not 3D, without contrast, not finite or without a place in the
        world (neither qform nor sform set), `kind` is none of the three, or `resolution` is not
        above 0.
    ImportError
        If ANTs is not installed.

    Warns
    -----
    UserWarning
        If most of what the fixed image shows lies outside the moving image afterwards.

    References
    ----------
    Avants 2008, 10.1016/j.media.2007.06.004 (SyN); Avants 2011, 10.1016/j.neuroimage.2010.09.025.

    Examples
    --------
    >>> transform = register("sub-01_brain.nii.gz", "template.nii.gz")  # doctest: +SKIP
    >>> in_template = transform.apply("sub-01_brain.nii.gz")  # doctest: +SKIP
    """
    kind = kind.lower() if isinstance(kind, str) else kind
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}: choose one of {', '.join(KINDS)}.")
    if not resolution > 0:
        raise ValueError(f"resolution={resolution!r}: give voxels in mm, above 0, for instance 2.")
    moving, fixed = (
        placed(load_scan(img, name=name), describe(img, name))
        for img, name in ((moving, "moving image"), (fixed, "fixed image"))
    )
    ants = _ants()
    pair = [_working(img, resolution, ants) for img in (fixed, moving)]
    with tempfile.TemporaryDirectory(prefix="mriworkbook-") as folder:
        command = _command(*pair, kind, f"{folder}/", random_state, history, ants)
        with _standard_output() if history else nullcontext([]) as said:
            ants.registration(command, None)
        found = {file.name: str(file) for file in Path(folder).iterdir()}
        if "0GenericAffine.mat" not in found:
            raise RuntimeError("ANTs found no registration. Do both images show the same thing?")
        affine = read_itk(found["0GenericAffine.mat"])
        warps = [read_itk(found[n]) for n in ("1Warp.nii.gz", "1InverseWarp.nii.gz") if n in found]
    bend, unbend = warps if warps else ([], [])
    transform = Transform(
        kind,
        [*bend, *affine],
        [*invert_linear(affine), *unbend],
        *((tuple(map(int, img.shape)), img.affine) for img in (fixed, moving)),
        _history(said[0], kind) if history else None,
    )
    _check_overlap(transform, fixed)
    return transform


def register_to_template(moving, kind="syn", *, random_state=1, history=False):
    """Register a brain to nilearn's bundled template, skull-stripped, at 2 mm.

    Parameters
    ----------
    moving : nibabel image, str or Path
        T1w of a brain without skull.
    kind, random_state, history
        See `register`.

    Returns
    -------
    Transform
        The template is the fixed image.

    References
    ----------
    Fonov 2011, 10.1016/j.neuroimage.2010.07.033 (template).

    Examples
    --------
    >>> transform = register_to_template("sub-01_brain.nii.gz")  # doctest: +SKIP
    """
    from nilearn.datasets import load_mni152_template

    template_img = load_mni152_template(resolution=2)
    return register(moving, template_img, kind, random_state=random_state, history=history)


def _working(img, resolution, ants):
    """The image for ANTs: cropped, float32, on a grid that ITK can hold, not too fine."""
    affine, data = img.affine, np.asarray(img.dataobj, dtype=np.float32).reshape(img.shape)
    zooms = nib.affines.voxel_sizes(affine)
    directions = affine[:3, :3] / zooms
    skewed = np.abs(directions.T @ directions - np.eye(3)).max() > 1e-3
    if skewed or zooms.min() < 0.75 * resolution or zooms.max() > 1.5 * zooms.min():
        widths = np.sqrt(np.maximum((resolution / zooms) ** 2 - 1, 0)) / np.sqrt(8 * np.log(2))
        low = nib.Nifti1Image(ndimage.gaussian_filter(data, widths), affine)
        img = resample_img(low, target_affine=resolution * np.eye(3), interpolation="linear")
        affine, data = img.affine, np.asarray(img.dataobj)
    zooms = nib.affines.voxel_sizes(affine)
    data, affine = _cropped(data, affine, np.ceil(MARGIN / zooms).astype(int))
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    return ants.from_numpy(
        np.ascontiguousarray(data, dtype=np.float32),
        origin=lps[:3, 3].tolist(),
        spacing=zooms.tolist(),
        direction=lps[:3, :3] / zooms,
    )


def _check_overlap(transform, fixed):
    """Warn if most of what the fixed image shows lies outside the moving image."""
    data, (shape, affine) = np.asarray(fixed.dataobj).reshape(fixed.shape), transform.moving
    shown = np.argwhere(data > data.min() + 0.1 * np.ptp(data))
    points = apply_affine(fixed.affine, shown[:: max(1, len(shown) // 5000)])
    there = transform.map_points(points, "fixed_to_moving")
    voxels = apply_affine(np.linalg.inv(affine), there)
    share = np.all((voxels > -0.5) & (voxels < np.array(shape) - 0.5), axis=1).mean()
    if share < MOST:
        warnings.warn(
            f"Only {share:.0%} of what the fixed image shows lies inside the moving image. Do both "
            "show the same part of the body, and is the field of view as you want it? Look at the "
            "result with nilearn.plotting.plot_anat and add_contours.",
            stacklevel=3,
        )


def _cropped(data, affine, margin):
    """The box around what is not air, with its affine."""
    (box,) = ndimage.find_objects((data > data.min() + 0.02 * np.ptp(data)).astype(np.uint8))
    start = np.maximum([s.start for s in box] - margin, 0)
    stop = np.minimum([s.stop for s in box] + margin, data.shape)
    cut = affine.copy()
    cut[:3, 3] = apply_affine(affine, start)
    return data[tuple(map(slice, start, stop))], cut


def _command(fixed, moving, kind, prefix, seed, verbose, ants):
    """What antsRegistration is asked to do: its own options, one stage after the other."""
    pair = ",".join(ants.internal.get_pointer_string(img) for img in (fixed, moving))
    shrink = "x".join(str(max(1, round(level / min(fixed.spacing)))) for level in LEVELS)
    # Every voxel of a level counts: regular sampling would draw its offset at random.
    information = f"MI[{pair},1,32,None]"
    stages = {
        "rigid": (information, "Rigid[0.1]"),
        "affine": (information, "Affine[0.1]"),
        "syn": (f"CC[{pair},1,{SYN_RADIUS}]", f"SyN[{SYN_STEP},{SYN_SMOOTHING},0]"),
    }
    command = ["-d", 3, "--float", 1, "-v", int(verbose), "--random-seed", int(seed)]
    command += ["-o", prefix, "-z", 1, "-r", f"[{pair},1]"]
    last = "affine" if kind == "syn" else kind
    for name in KINDS[: KINDS.index(kind) + 1]:
        metric, step = stages[name]
        effort = "syn" if name == "syn" else "linear" if name == last else "start"
        command += ["-m", metric, "-t", step, "-c", f"[{ITERATIONS[effort]},1e-6,10]"]
        command += ["-f", shrink, "-s", SMOOTH]
    return command


@contextmanager
def _standard_output():
    """Catch what C++ writes to standard output; the list gets the text at the end."""
    said = []
    sys.stdout.flush()
    kept = os.dup(1)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        try:
            yield said
        finally:
            os.dup2(kept, 1)
            os.close(kept)
            file.seek(0)
            said.append(file.read().decode(errors="replace"))


def _history(text, kind):
    """Cost of every iteration, from the lines that antsRegistration writes."""
    rows, stage, level = [], -1, 0
    for line in text.splitlines():
        if re.match(r"Stage \d+$", line.strip()):
            stage, level = stage + 1, 0
        elif "DIAGNOSTIC,Iteration" in line:
            level += 1
        elif found := re.match(r"\s*\dDIAGNOSTIC,\s*(\d+),\s*([-+.\de]+),", line):
            rows.append((KINDS[stage], level, int(found[1]), float(found[2])))
    if not rows:
        raise RuntimeError(f"ANTs told nothing about the {kind} registration; leave history out.")
    return pd.DataFrame(rows, columns=COLUMNS)
