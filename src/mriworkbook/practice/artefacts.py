"""What the scanner adds: intensity non-uniformity, noise, and motion between lines of k-space."""

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from scipy import ndimage

from mriworkbook.practice.parameters import value

COIL_ELEMENTS = 12


def bias_field(img, mask_img, percent, seed):
    """Smooth positive field as receive coils and the transmit field leave it.

    Root sum of squares of loop elements around the head (on-axis field of a loop), each with its
    own gain, times the central brightening of a head at 3 T. The field is then scaled so that its
    range over the mask is exactly ``1 - percent / 200`` to ``1 + percent / 200``, BrainWeb's
    convention: "40 %" is 0.8 to 1.2. Beyond the mask it goes on smoothly and stays positive.

    Parameters
    ----------
    img : Nifti1Image
        Gives the grid.
    mask_img : Nifti1Image
        On the grid of `img`; where the range is set.
    percent : float
        0 to 100; 0 gives ones.
    seed : int
        Of the coil's place and gains.

    Returns
    -------
    Nifti1Image
        float32, on the grid of `img`.

    Raises
    ------
    ValueError
        If the grids differ, the mask is empty or `percent` is out of range.

    References
    ----------
    Kwan 1999, 10.1109/42.816072 (range); Roemer 1990, 10.1002/mrm.1910160203 (coil array).

    Examples
    --------
    >>> img = nib.Nifti1Image(np.ones((20, 20, 20), np.uint8), np.diag([9, 9, 9, 1]))
    >>> field = bias_field(img, img, 40, seed=1).get_fdata()
    >>> float(field.min().round(3)), float(field.max().round(3))
    (0.8, 1.2)
    """
    _check(img, mask_img, percent)
    mask = np.asarray(mask_img.dataobj) > 0
    if not mask.any():
        raise ValueError("The mask is empty: give a mask of the brain on the image's grid.")
    affine, shape = img.affine, img.shape[:3]
    corners = apply_affine(
        affine, [[b.start for b in _box(mask)], [b.stop - 1 for b in _box(mask)]]
    )
    raw = _coil_pattern(shape, affine, corners.mean(axis=0), np.random.default_rng(seed))
    low, high = raw[mask].min(), raw[mask].max()
    # In place: a head at 1 mm makes large arrays.
    raw -= low
    raw /= high - low
    field = _soften(raw)
    field *= np.float32(percent / 100)
    field += np.float32(1 - percent / 200)
    return nib.Nifti1Image(field, affine)


def _check(img, mask_img, percent):
    if img.shape[:3] != mask_img.shape or not np.allclose(img.affine, mask_img.affine, atol=1e-4):
        raise ValueError(
            f"Image {img.shape} and mask {mask_img.shape} lie on different grids: resample the "
            "mask with nilearn.image.resample_to_img(mask_img, img, interpolation='nearest')."
        )
    if not 0 <= percent <= 100:
        raise ValueError(f"percent is {percent}, expected 0 to 100; a real scan has 10 to 40.")


def _box(mask):
    return ndimage.find_objects(mask.astype(np.uint8))[0]


def _coil_pattern(shape, affine, centre, rng, step_mm=8.0):
    """Relative sensitivity, computed on a coarse grid and enlarged by cubic splines."""
    zooms = nib.affines.voxel_sizes(affine)
    coarse = [
        max(4, int(np.ceil((n - 1) * z / step_mm)) + 1) for n, z in zip(shape, zooms, strict=True)
    ]
    axes = [np.linspace(0, n - 1, m) for n, m in zip(shape, coarse, strict=True)]
    points = apply_affine(affine, np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)) - centre
    power = np.zeros(coarse)
    for element in range(COIL_ELEMENTS):
        # Two rings of loops on a cylinder about 24 cm wide that the head never fills evenly.
        angle = 2 * np.pi * (element + rng.uniform(-0.2, 0.2)) / (COIL_ELEMENTS / 2)
        height = (-45 if element % 2 else 55) + rng.uniform(-15, 15)
        place = [118 * np.cos(angle), 132 * np.sin(angle) - 4, height]
        distance2 = ((points - place) ** 2).sum(axis=-1)
        radius = rng.uniform(55, 75)
        gain = rng.lognormal(0, value("coil_gain_sd"))
        power += (gain * radius**3 / (radius**2 + distance2) ** 1.5) ** 2
    shift = rng.uniform(-12, 12, 3)
    bright = value("central_brightening") * rng.uniform(0.7, 1.3)
    central = 1 + bright * np.exp(-(((points - shift) / 75) ** 2).sum(axis=-1) / 2)
    pattern = np.sqrt(power) * central
    factors = [n / m for n, m in zip(shape, coarse, strict=True)]
    return ndimage.zoom(pattern.astype(np.float32), factors, order=3, mode="nearest")


def _soften(unit, span=0.45):
    """Identity on 0 to 1, bending off beyond (twice differentiable), never under -span.

    In place.
    """
    above, below = unit > 1, unit < 0
    unit[above] = 1 + span * np.tanh((unit[above] - 1) / span)
    unit[below] = span * np.tanh(unit[below] / span)
    return unit


def add_rician_noise(signal, sd, rng):
    """Magnitude of a real signal after complex Gaussian noise.

    Parameters
    ----------
    signal : ndarray
    sd : float
        Standard deviation of the real and of the imaginary part.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, float32
        Rice distributed: in air the mean is ``sd * sqrt(pi / 2)``, at high signal it is Gaussian.

    References
    ----------
    Gudbjartsson 1995, 10.1002/mrm.1910340618.

    Examples
    --------
    >>> air = add_rician_noise(np.zeros(100_000), 2.0, np.random.default_rng(0))
    >>> bool(abs(air.mean() - 2 * np.sqrt(np.pi / 2)) < 0.02)
    True
    """
    real = signal + sd * rng.standard_normal(np.shape(signal), dtype=np.float32)
    imaginary = sd * rng.standard_normal(np.shape(signal), dtype=np.float32)
    return np.hypot(real, imaginary).astype(np.float32)


def mix_k_space_lines(still, moved, lines, axis=1):
    """Image whose lines of k-space were measured partly after a movement.

    Parameters
    ----------
    still, moved : ndarray, shape (x, y)
        Magnitude images before and after the movement.
    lines : array_like of int
        Lines of k-space (zero frequency in the middle) that come from `moved`.
    axis : int
        The phase-encoding axis, along which the lines are counted.

    Returns
    -------
    ndarray, shape (x, y)
        Magnitude.

    References
    ----------
    Zaitsev 2015, 10.1002/jmri.24850.

    Examples
    --------
    >>> still = np.eye(8)
    >>> np.allclose(mix_k_space_lines(still, still + 1, []), still)
    True
    """
    k_still, k_moved = (np.fft.fftshift(np.fft.fft2(image)) for image in (still, moved))
    where = (slice(None),) * axis + (lines,)
    k_still[where] = k_moved[where]
    return np.abs(np.fft.ifft2(np.fft.ifftshift(k_still)))


def move_between_lines(poses, axis=1):
    """Volume whose lines of k-space were measured in several poses of the head, one after another.

    Parameters
    ----------
    poses : list of (float, ndarray)
        For each pose the share of the lines measured before it, from 0 up, and the volume as it
        would look if the head had stayed there, shape (x, y, z).
    axis : int
        The phase-encoding axis along which the lines are counted, lowest frequency in the middle.

    Returns
    -------
    ndarray, shape (x, y, z), float32
        Magnitude.

    Raises
    ------
    ValueError
        If the shares do not start at 0 and grow.

    References
    ----------
    Zaitsev 2015, 10.1002/jmri.24850.

    Examples
    --------
    >>> still = np.eye(8)[..., None]
    >>> np.allclose(move_between_lines([(0, still), (0.5, still)]), still, atol=1e-6)
    True
    """
    shares = [share for share, _ in poses]
    if not shares or shares[0] != 0 or np.any(np.diff(shares) <= 0):
        raise ValueError(f"Shares of lines are {shares}: they start at 0 and grow.")
    n = poses[0][1].shape[axis]
    starts = [round(share * n) for share in shares] + [n]
    lines = np.empty(poses[0][1].shape, np.complex64)
    for (_, volume), first, last in zip(poses, starts[:-1], starts[1:], strict=True):
        # Only the phase-encoding axis matters: along the others all lines are whole.
        spectrum = np.fft.fftshift(np.fft.fft(volume, axis=axis), axes=axis)
        part = (slice(None),) * axis + (slice(first, last),)
        lines[part] = spectrum[part]
    return np.abs(np.fft.ifft(np.fft.ifftshift(lines, axes=axis), axis=axis)).astype(np.float32)


def wrap_around(volume, part):
    """Fold what lies outside a smaller field of view back into it.

    Parameters
    ----------
    volume : ndarray, shape (x, y, z)
        Everything that gives signal.
    part : tuple of three slices
        The field of view, with start and stop.

    Returns
    -------
    ndarray
        Shape of the field of view; what left it on one side has entered on the other.

    Examples
    --------
    >>> wrap_around(np.arange(6.0).reshape(6, 1, 1), np.s_[1:5, 0:1, 0:1]).ravel().tolist()
    [6.0, 2.0, 3.0, 4.0]
    """
    for axis, kept in enumerate(part):
        lines, size = np.moveaxis(volume, axis, 0), kept.stop - kept.start
        folded = np.zeros((size, *lines.shape[1:]), volume.dtype)
        for line, content in enumerate(lines):
            folded[(line - kept.start) % size] += content
        volume = np.moveaxis(folded, 0, axis)
    return volume
