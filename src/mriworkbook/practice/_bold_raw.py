"""The raw run of a moving head, and the preprocessed runs that are resampled from it.

Raw: the head at rest, changed voxel by voxel as `_bold_percent` says at the moment when its slice
is excited, is moved to the pose of each volume, seen by a coil that stays, and gets Rician noise.
Preprocessed: slice times are made equal, then every voxel of the target is looked up where the
estimated pose, the place of the run against the T1w image and the erring registration to the
template have it, in one cubic interpolation (as fMRIPrep does; Esteban 2019,
10.1038/s41592-018-0235-4).
"""

import functools

import nibabel as nib
import numpy as np
from scipy import ndimage

from mriworkbook.practice import VERSION, truth_path
from mriworkbook.practice._bold_files import (
    HAVE_RAW,
    func_folder,
    save_run,
    write_preprocessed,
    write_truth_of_run,
)
from mriworkbook.practice._bold_head import epi_head
from mriworkbook.practice._bold_noise import as_integers
from mriworkbook.practice._bold_percent import global_courses, percent, planted_changes
from mriworkbook.practice._bold_person import planted_run
from mriworkbook.practice._fields import generator, grid_points, sample, transform
from mriworkbook.practice._files import sidecar, write_json
from mriworkbook.practice._people import pose_matrix
from mriworkbook.practice._registration import registration_error
from mriworkbook.practice._transforms import LPS
from mriworkbook.practice.artefacts import add_rician_noise
from mriworkbook.practice.parameters import PEOPLE, SPACE, value

TASK = "rest"
LEAST_SIGNAL = 0.02  # of white matter: below, nothing is worth moving


def write_raw(root, label, voxels):
    """Simulate the raw run of one person; write it, both preprocessed runs and the truth.

    Parameters
    ----------
    root : Path
        The practice study with the person's scans and fMRIPrep-like files.
    label : str
        One of `HAVE_RAW`.
    voxels : _bold_grid.Voxels
        The person's in template space.
    """
    planted, number = planted_run(label, TASK), PEOPLE[label].number
    head = epi_head(root, label, value("bold_tilt")[HAVE_RAW.index(label)])
    slices = np.nonzero(head.voxels.mask)[2]
    changes = planted_changes(head.voxels, planted, number, TASK, slices, head.shape[2])
    raw = _scan(head, _changed(head, changes, slices), planted.motion, number)
    courses = global_courses(changes)
    del changes
    path = func_folder(root, label, derivative=None) / f"sub-{label}_task-{TASK}_bold.nii.gz"
    save_run(raw.T, head.affine, path)
    write_json(path, raw_sidecar())
    steady = _equal_times(raw)
    poses = _poses(head, planted.estimated)
    places = {SPACE: template_place(root, label, voxels), "T1w": t1w_place(root, label)}
    # All points at once: a volume becomes a spline once.
    points = np.concatenate([points for _, _, points in places.values()], axis=1)
    runs = as_integers(_resampled(steady, head.affine, poses, transform(head.session, points)))
    del steady
    ends = np.cumsum([mask.sum() for mask, _, _ in places.values()])
    for (space, (mask, affine, _)), run in zip(
        places.items(), np.split(runs, ends[:-1], axis=1), strict=True
    ):
        write_preprocessed(root, label, TASK, space, run, mask, affine)
    _write_coregistration(root, label, head.session)
    write_truth_of_run(root, label, TASK, planted, courses, voxels, _facts(head))


def slice_times():
    """When each slice is excited, seconds after its volume begins: every other one first.

    Examples
    --------
    >>> times = slice_times()
    >>> times[0], times[1] > times[2]
    (0.0, True)
    """
    n = value("bold_slices")
    order = [*range(0, n, 2), *range(1, n, 2)]
    times = np.empty(n)
    times[order] = np.arange(n) * value("bold_t_r") / n
    return [round(float(time), 4) for time in times]


def _delays():
    """When slices are excited, in repetitions after the middle of the volume."""
    return np.array(slice_times()) / value("bold_t_r") - 0.5


def _changed(head, changes, slices):
    """Factor by which each brain voxel's signal is changed, (n_scans, n)."""
    factor = np.empty((len(changes.neural), len(slices)), np.float32)
    for number, delay in enumerate(_delays()):
        here = np.flatnonzero(slices == number)
        factor[:, here] = 1 + percent(changes, here=here, delay=delay) / 100
    return factor


def _poses(head, motion):
    """Rigid matrix of each volume: where a point of the resting head is, scanner mm."""
    shifts = motion[["trans_x", "trans_y", "trans_z"]].to_numpy()
    turns = np.degrees(motion[["rot_x", "rot_y", "rot_z"]].to_numpy())
    return [
        pose_matrix(head.affine, head.shape, (turn, shift))
        for turn, shift in zip(turns, shifts, strict=True)
    ]


def _scan(head, factor, motion, number):
    """The raw run, int16 (t, k, j, i), which is the order of the file."""
    seen = ndimage.binary_dilation(head.pulses[-1] > LEAST_SIGNAL, iterations=2)
    index = np.stack(np.nonzero(seen)).astype(np.float32)
    to_index = np.linalg.inv(head.affine)
    rng = generator(number, f"thermal noise {TASK}")
    # What three axes of space and time leave when the run is resampled has the frozen SD.
    sd = head.noise / np.float32(kept_by_interpolation() ** 4)
    raw = np.empty((len(factor), *head.shape[::-1]), np.int16)
    for number_of_volume, pose in enumerate(_poses(head, motion)):
        volume = head.pulses[min(number_of_volume, len(head.pulses) - 1)].copy()
        volume[head.voxels.mask] *= factor[number_of_volume]
        spline = ndimage.spline_filter(volume, 3, output=np.float32)
        back = to_index @ np.linalg.inv(pose) @ head.affine
        moved = np.zeros(head.shape, np.float32)
        moved[seen] = ndimage.map_coordinates(
            spline, transform(back, index), order=3, mode="nearest", prefilter=False
        )
        measured = add_rician_noise(np.maximum(moved, 0) * head.coil, sd, rng)
        raw[number_of_volume] = as_integers(measured * np.float32(value("bold_intensity"))).T
    return raw


@functools.lru_cache(maxsize=1)
def kept_by_interpolation():
    """Share of the SD that cubic spline interpolation along one axis leaves of white noise.

    Root mean square over all places between two samples; half-way it is less, on a sample 1.

    Examples
    --------
    >>> 0.8 < kept_by_interpolation() < 1
    True
    """
    spline = ndimage.spline_filter1d(np.eye(1, 41, 20)[0], 3)
    fine = ndimage.map_coordinates(spline, [np.arange(0, 40, 0.05)], order=3, prefilter=False)
    return float(np.sqrt((fine**2).sum() * 0.05))


def _equal_times(raw):
    """The run as if all slices were excited at the middle of the volume; float32 (t, k, j, i).

    Volumes before the steady state are left as they are.
    """
    first = value("bold_n_dummies")
    out = raw.astype(np.float32)
    for number, delay in enumerate(_delays()):
        spline = ndimage.spline_filter1d(out[first:, number], 3, axis=0, mode="nearest")
        n = len(spline)
        shift = int(np.floor(-delay))
        total = np.float32(0)
        for step, weight in zip(range(-1, 3), _spline_weights(-delay - shift), strict=True):
            total = total + weight * spline[np.clip(np.arange(n) + shift + step, 0, n - 1)]
        out[first:, number] = total
    return out


def _spline_weights(u):
    """Cubic B-splines of the four knots around a place a share u behind the second of them.

    Examples
    --------
    >>> (6 * _spline_weights(0.0)).tolist()
    [1.0, 4.0, 1.0, 0.0]
    """
    return np.array(
        [
            (1 - u) ** 3,
            3 * u**3 - 6 * u**2 + 4,
            -3 * u**3 + 3 * u**2 + 3 * u + 1,
            u**3,
        ],
        np.float32,
    ) / np.float32(6)


def template_place(root, label, voxels):
    """Mask and affine of the template grid, and where the registration puts its voxels.

    Returns
    -------
    mask : ndarray (i, j, k) of bool
    affine : ndarray (4, 4)
    points : ndarray (3, n)
        Scanner millimetres at the T1w image.
    """
    img = nib.load(truth_path(root, label, "warp_from_template"))
    number = PEOPLE[label].number
    error = registration_error(number, voxels.shape, voxels.affine[0, 0])
    shown = (grid_points(voxels.shape, voxels.affine) + error)[:, voxels.mask]
    warp = np.asarray(img.dataobj, np.float32)
    points = np.stack([sample(warp[..., axis], img.affine, shown, order=3) for axis in range(3)])
    return voxels.mask, voxels.affine, points


def t1w_place(root, label):
    """Mask and affine of a grid along the axes of the T1w image, and its points in the mask.

    Voxels are as large as the raw run's; the mask is that of the T1w image.

    Returns
    -------
    mask, affine, points
        As `template_place`.
    """
    folder = root / "derivatives" / "fmriprep" / f"sub-{label}" / "anat"
    img = nib.as_closest_canonical(nib.load(folder / f"sub-{label}_desc-brain_mask.nii.gz"))
    brain = np.asarray(img.dataobj, np.float32)
    zooms = np.array(value("bold_raw_voxel")) / nib.affines.voxel_sizes(img.affine)
    box = ndimage.find_objects(brain.astype(np.uint8))[0]
    low = np.array([part.start for part in box]) - zooms
    high = np.array([part.stop for part in box]) + zooms
    shape = tuple(int(n) for n in np.ceil((high - low) / zooms))
    affine = img.affine @ nib.affines.from_matvec(np.diag(zooms), low)
    points = grid_points(shape, affine)
    mask = sample(brain, img.affine, points) > 0.5
    return mask, affine, points[:, mask]


def _resampled(run, affine, poses, points):
    """Values (n_scans, n) of a run (t, k, j, i) at points of the resting head, scanner mm."""
    to_index = np.linalg.inv(affine)
    out = np.empty((len(run), points.shape[1]), np.float32)
    for values, volume, pose in zip(out, run, poses, strict=True):
        spline = ndimage.spline_filter(volume.T, 3, output=np.float32)
        place = transform(to_index @ pose, points)
        ndimage.map_coordinates(
            spline, place, order=3, mode="nearest", prefilter=False, output=values
        )
    return out


def raw_sidecar():
    """BIDS metadata of the raw run.

    Examples
    --------
    >>> raw_sidecar()["TaskName"]
    'rest'
    """
    t_r, echo_time, flip_angle = value("bold_protocol")
    return sidecar(
        "Simulated gradient-echo EPI of a head that moves.",
        TaskName=TASK,
        Modality="MR",
        Manufacturer="Simulated",
        ManufacturersModelName="MRI Workbook practice study",
        InstitutionName="None: simulated",
        SoftwareVersions=f"mriworkbook.practice {VERSION}",
        MagneticFieldStrength=3.0,
        MRAcquisitionType="2D",
        ScanningSequence=["GR", "EP"],
        SequenceVariant="SK",
        PulseSequenceType="2D gradient-echo EPI",
        RepetitionTime=t_r,
        EchoTime=echo_time,
        FlipAngle=flip_angle,
        SliceTiming=slice_times(),
        SliceEncodingDirection="k",
        PhaseEncodingDirection="j-",
        NumberOfVolumesDiscardedByScanner=0,
        Instructions="None: simulated",
        CogAtlasID="https://www.cognitiveatlas.org/id/trm_4c8a834779883/",
    )


def _write_coregistration(root, label, session):
    """The rigid map between the run and the T1w image as an ITK text file, which is true.

    A file that resamples images from the run to T1w holds the map of points T1w -> run.
    """
    name = f"sub-{label}_task-{TASK}_from-boldref_to-T1w_mode-image_desc-coreg_xfm.txt"
    path = func_folder(root, label) / name
    lps = LPS @ session @ LPS
    numbers = " ".join(f"{number:.9g}" for number in [*lps[:3, :3].ravel(), *lps[:3, 3]])
    lines = ["#Insight Transform File V1.0", "#Transform 0"]
    lines += ["Transform: AffineTransform_double_3_3", f"Parameters: {numbers}"]
    path.write_text("\n".join([*lines, "FixedParameters: 0 0 0", ""]), encoding="utf-8")
    about = "Simulated: the true rigid map between the run and the T1w image (ITK)."
    write_json(path.with_suffix(".json"), sidecar(about))


def _facts(head):
    """What was planted in the raw run, as plain data."""
    turn, shift = value("bold_session_pose")
    middle = head.affine @ [*((np.array(head.shape) - 1) / 2), 1]
    return {
        "PoseSinceT1w": {"RotationDegrees": turn, "ShiftMm": shift},
        "CentreOfRotationMm": [round(float(x), 3) for x in middle[:3]],
        "SliceTiming": slice_times(),
    }
