"""Measures of BOLD runs and of their confounds, the same for real and practice files.

Percent is percent of the mean signal; displacements are in mm, rotations on a sphere of 50 mm.
"""

import numpy as np
from nilearn import image, masking
from scipy import ndimage
from scipy.spatial.transform import Rotation

SIX = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]
RADIUS = 50.0
N_SCANS = 148  # of a practice run in its steady state
SPACING = 4.0  # mm, of the practice runs in template space
COARSE_FWHM = 15.0  # mm, near what the real files at 7.5 mm were smoothed with


def lag1(series):
    """Correlation of each column with itself one volume later; (n, k) or (n,)."""
    series = series - series.mean(axis=0)
    return (series[1:] * series[:-1]).sum(axis=0) / (series**2).sum(axis=0)


def residuals(series, design):
    """What least squares leave of the columns of series."""
    return series - design @ np.linalg.lstsq(design, series, rcond=None)[0]


def trends(n):
    """Mean, straight and bent course of a run."""
    t = np.linspace(-1, 1, n)
    return np.stack([np.ones(n), t, t**2], axis=1)


def design24(six):
    """A constant and 24 parameters: six, backward differences, and all squared; columns scaled."""
    twelve = np.hstack([six, np.diff(six, axis=0, prepend=six[:1])])
    columns = np.hstack([twelve, twelve**2])
    scaled = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    return np.column_stack([np.ones(len(six)), scaled])


def explained(series, design):
    """R2 of each column of series on a design that holds a constant."""
    return 1 - residuals(series, design).var(axis=0) / series.var(axis=0)


def motion_numbers(six):
    """Shape of a run's motion.

    Parameters
    ----------
    six : ndarray (n, 6)
        trans_* in mm, rot_* in rad.
    """
    moved = six * ([1] * 3 + [RADIUS] * 3)
    steps = np.diff(moved, axis=0)
    size = np.abs(steps)
    fd = size.sum(axis=1)
    share = size.sum(axis=0) / size.sum()
    ten = (moved[10:] - moved[:-10]).std(axis=0)
    return {
        "FD, mean of a run (mm)": fd.mean(),
        "FD, SD of the logarithm": np.log(fd).std(),
        "FD, lag-1 correlation": lag1(fd),
        "FD, 95th centile / median": np.quantile(fd, 0.95) / np.median(fd),
        "FD, largest / median": fd.max() / np.median(fd),
        "FD, share of trans_y": share[1],
        "FD, share of rotations": share[3:].sum(),
        "steps, lag-1 correlation": lag1(steps).mean(),
        "steps of ten volumes / of one, SD": np.median(ten / steps.std(axis=0)),
        "motion, range over SD of steps": np.median(np.ptp(moved, axis=0) / steps.std(axis=0)),
    }


def confound_numbers(table):
    """How motion, DVARS and tissue signals of one of fMRIPrep's tables go together.

    Volumes that are not in the steady state are to be left out before.
    """
    fd = table["framewise_displacement"].to_numpy()[1:]
    dvars = table["dvars"].to_numpy()[1:] / 10  # fMRIPrep's unit is a thousandth of the mean
    standard = table["std_dvars"].to_numpy()[1:]
    slow = np.column_stack([np.ones(len(table)), table.filter(like="cosine").to_numpy()])
    signals = table[["global_signal", "csf", "white_matter"]].to_numpy()
    fast = 100 * residuals(signals, slow) / signals.mean(axis=0)
    together = np.corrcoef(fast.T)[0]
    design = np.column_stack([np.ones_like(fd), fd**2])
    floor, slope = np.linalg.lstsq(design, dvars**2, rcond=None)[0]
    later = [np.corrcoef(fd[: len(fd) - k], fast[1 + k :, 0])[0, 1] for k in range(4, 9)]
    whole = design24(table[SIX].to_numpy())
    part = design24(table[SIX].to_numpy()[:N_SCANS])
    return {
        "corr(FD, std_dvars)": np.corrcoef(fd, standard)[0, 1],
        "std_dvars, median": np.median(standard),
        "std_dvars, 95th centile / median": np.quantile(standard, 0.95) / np.median(standard),
        "DVARS without motion (%)": np.sqrt(floor),
        "DVARS for motion (% per mm of FD)": np.sqrt(max(slope, 0)),
        "R2 of global signal on 24 parameters": explained(signals[:, :1], whole)[0],
        "R2 of global signal, 148 volumes": explained(signals[:N_SCANS, :1], part)[0],
        "global signal, SD (%)": fast[:, 0].std(),
        "global signal, lag-1 correlation": lag1(fast)[0],
        "global signal 8-16 s after FD, lowest correlation": min(later),
        "corr(global signal, csf)": together[1],
        "corr(global signal, white_matter)": together[2],
        "csf, SD (%)": fast[:, 1].std(),
        "white_matter, SD (%)": fast[:, 2].std(),
    }


def stranger_numbers(tables):
    """R2 of each run's global signal on the 24 parameters of every other run, 148 volumes."""
    signals = [table["global_signal"].to_numpy()[:N_SCANS, None] for table in tables]
    designs = [design24(table[SIX].to_numpy()[:N_SCANS]) for table in tables]
    found = [
        np.mean([explained(signal, d)[0] for j, d in enumerate(designs) if j != i])
        for i, signal in enumerate(signals)
    ]
    return {"R2 of global signal on a stranger's parameters": found}


def realignment(volumes, affine, brain):
    """Rigid motion of each volume against their mean, by one linear step.

    Parameters
    ----------
    volumes : ndarray (x, y, z, n)
    affine : ndarray (4, 4)
    brain : ndarray of bool (x, y, z)

    Returns
    -------
    six : ndarray (n, 6)
        mm and rad, about `centre`.
    centre : ndarray (3,)
    """
    near = ndimage.binary_dilation(brain, iterations=2)
    points = np.argwhere(near) @ affine[:3, :3].T + affine[:3, 3]
    centre = points.mean(axis=0)
    smooth = ndimage.gaussian_filter(volumes.mean(axis=-1), 1.0)
    gradient = np.stack(np.gradient(smooth), axis=-1) @ np.linalg.inv(affine[:3, :3])
    gradient, mean = gradient[near], smooth[near]
    # A volume moved by a small (t, w) differs by -gradient . (t + w x (p - centre)); and in scale.
    change = np.column_stack([-gradient, -np.cross(points - centre, gradient), mean])
    solve = np.linalg.pinv(change)
    moved = [
        solve @ (ndimage.gaussian_filter(volume, 1.0)[near] - mean)
        for volume in np.moveaxis(volumes, -1, 0)
    ]
    return np.array(moved)[:, :6], centre


def realigned(volumes, affine, six, centre, spacing=SPACING):
    """Volumes on a grid of `spacing` mm along the same axes, motion undone, cubic splines."""
    zooms = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    factor = spacing / zooms
    shape = tuple(np.floor((np.array(volumes.shape[:3]) - 1) / factor).astype(int) + 1)
    grid = affine @ np.diag([*factor, 1.0])
    there, back = np.eye(4), np.eye(4)
    there[:3, 3], back[:3, 3] = centre, -centre
    moved = np.empty((*shape, volumes.shape[-1]), np.float32)
    for t, parameters in enumerate(six):
        rigid = np.eye(4)
        rigid[:3, :3] = Rotation.from_rotvec(parameters[3:]).as_matrix()
        rigid[:3, 3] = parameters[:3]
        matrix = np.linalg.inv(affine) @ there @ rigid @ back @ grid
        moved[..., t] = ndimage.affine_transform(
            volumes[..., t], matrix[:3, :3], matrix[:3, 3], output_shape=shape, mode="nearest"
        )
    return moved, grid


def neighbours(series, brain, axis):
    """Mean correlation of neighbouring voxels along an axis; series (n, voxels)."""
    scaled = (series - series.mean(axis=0)) / series.std(axis=0)
    index = np.full(brain.shape, -1)
    index[brain] = np.arange(brain.sum())
    n = brain.shape[axis]
    one = np.take(index, range(n - 1), axis).ravel()
    two = np.take(index, range(1, n), axis).ravel()
    both = (one >= 0) & (two >= 0)
    return float((scaled[:, one[both]] * scaled[:, two[both]]).mean())


def full_width(correlation, step):
    """FWHM in mm of a Gaussian field whose neighbours have this correlation (Forman 1995)."""
    return step * np.sqrt(-2 * np.log(2) / np.log(correlation)) if correlation > 0 else np.nan


def run_numbers(img):
    """Signal, noise and smoothness of a raw run in its steady state.

    Parameters
    ----------
    img : Nifti1Image (x, y, z, n)
    """
    volumes, affine = img.get_fdata(dtype=np.float32), img.affine
    brain = np.asarray(masking.compute_epi_mask(img).dataobj) > 0
    six, centre = realignment(volumes, affine, brain)
    moved, grid = realigned(volumes, affine, six, centre)
    inside = np.asarray(masking.compute_epi_mask(image.new_img_like(img, moved, grid)).dataobj) > 0
    series = moved[inside].T.astype(float)
    mean, noise = series.mean(axis=0), residuals(series, trends(len(series)))
    depth = ndimage.distance_transform_edt(inside, sampling=SPACING)[inside]
    outer, deep = depth <= 10, depth > 20
    snr, memory = mean / noise.std(axis=0), lag1(noise)
    dvars = np.sqrt((np.diff(series, axis=0) ** 2).mean(axis=1))
    on_motion = explained(noise, design24(six))
    return {
        "raw run: FD, mean, by our realignment (mm)": motion_numbers(six)["FD, mean of a run (mm)"],
        "raw run at 4 mm: tSNR, brain": np.median(snr),
        "raw run at 4 mm: tSNR, outer 10 mm": np.median(snr[outer]),
        "raw run at 4 mm: tSNR, deeper than 20 mm": np.median(snr[deep]),
        "raw run at 4 mm: lag-1 correlation, outer 10 mm": np.median(memory[outer]),
        "raw run at 4 mm: lag-1 correlation, deeper than 20 mm": np.median(memory[deep]),
        "raw run at 4 mm: DVARS (%)": 100 * np.median(dvars) / np.median(mean),
        "raw run at 4 mm: R2 of a voxel on 24 parameters": np.median(on_motion),
        "raw run at 4 mm: global signal, SD (%)": 100 * noise.mean(axis=1).std() / mean.mean(),
    } | {
        f"raw run at 4 mm: smoothness, {name} (mm)": full_width(
            neighbours(noise, inside, axis), SPACING
        )
        for axis, name in enumerate("xyz")
    }


def region_series(img, points):
    """Series (n, regions) at points (regions, 3) in mm, by trilinear interpolation."""
    inverse = np.linalg.inv(img.affine)
    index = inverse[:3, :3] @ points.T + inverse[:3, 3:]
    volumes = img.get_fdata(dtype=np.float32)
    found = [
        ndimage.map_coordinates(volumes[..., t], index, order=1) for t in range(volumes.shape[-1])
    ]
    return np.array(found, float)


def coarse_numbers(img, brain, regions):
    """Noise and coupling of a smooth run at 7.5 mm in template space, fifty volumes.

    Parameters
    ----------
    img : Nifti1Image
    brain : ndarray of bool
        On the grid of img.
    regions : DataFrame
        network, x, y, z.
    """
    volumes = img.get_fdata(dtype=np.float32)
    flat = trends(volumes.shape[-1])
    series = volumes[brain].T.astype(float)
    noise = residuals(series, flat)
    at = region_series(img, regions[["x", "y", "z"]].to_numpy(float))
    seen = at.mean(axis=0) > np.median(at.mean(axis=0)) / 2
    at, networks = at[:, seen], regions["network"].to_numpy()[seen]
    rest = residuals(at, flat)
    regressed = residuals(at, np.column_stack([flat, noise.mean(axis=1)]))
    same = networks[:, None] == networks
    own = same & ~np.eye(len(same), dtype=bool)
    numbers = {
        "7.5 mm: tSNR, brain": np.median(series.mean(axis=0) / noise.std(axis=0)),
        "7.5 mm: global signal, SD (%)": 100 * noise.mean(axis=1).std() / series.mean(),
        "7.5 mm: lag-1 correlation, brain": np.median(lag1(noise)),
        "7.5 mm: SD of a region's series (%)": np.median(100 * rest.std(axis=0) / at.mean(axis=0)),
    }
    for name, part in (("", rest), (", global signal removed", regressed)):
        coupling = np.corrcoef(part.T)
        numbers[f"7.5 mm: coupling in networks{name}"] = coupling[own].mean()
        numbers[f"7.5 mm: coupling across networks{name}"] = coupling[~same].mean()
        numbers[f"7.5 mm: SD of coupling across networks{name}"] = coupling[~same].std()
    return numbers
