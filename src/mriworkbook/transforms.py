"""A map between the spaces of two images: use it, save it, load it."""

import warnings
from dataclasses import dataclass, field
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from scipy import ndimage

from mriworkbook.images import describe, image_in_mm, load_3d
from mriworkbook.itk_transforms import determinant, invert_linear, move_points, read_itk
from mriworkbook.practice._transforms import write_composite

DIRECTIONS = ("fixed_to_moving", "moving_to_fixed")
ORDERS = {"nearest": 0, "linear": 1, "continuous": 3}
SLAB = 400_000  # points moved at once, to bound memory
APART = 5.0  # mm by which there and back may miss, before two files are called no pair


@dataclass(frozen=True, repr=False)
class Transform:
    """A map between the spaces of two images, from `normalization.register` or `Transform.load`.

    Points go through it from fixed to moving; images therefore go from moving to fixed: the value
    of the new image at a fixed point is the moving image's value where the map sends that point.

    Attributes
    ----------
    kind : str
        "rigid", "affine", "syn", or "file" for one that was read.
    forward : list
        The map of points fixed -> moving, parts as in `mriworkbook.itk_transforms`, RAS+ mm.
    backward : list or None
        The map of points moving -> fixed; None if it is not known.
    fixed, moving : tuple or None
        Shape and affine of the grids of both images.
    history : DataFrame or None
        The cost in every iteration, if `normalization.register` was asked for it.
    """

    kind: str
    forward: list
    backward: list | None = None
    fixed: tuple | None = None
    moving: tuple | None = None
    history: pd.DataFrame | None = field(default=None, compare=False)

    def __repr__(self):
        back = "both ways" if self.backward else "fixed to moving only"
        return f"<Transform {self.kind}, {back}>"

    def inverse(self):
        """The same map with the roles of both images exchanged.

        Returns
        -------
        Transform

        Raises
        ------
        ValueError
            If only one direction was read.
        """
        if self.backward is None:
            raise ValueError(_ONE_WAY)
        return Transform(self.kind, self.backward, self.forward, self.moving, self.fixed)

    def map_points(self, points, direction):
        """Send points from one image's space to the other's.

        Parameters
        ----------
        points : array_like (3,) or (n, 3)
            RAS+ mm
        direction : {"fixed_to_moving", "moving_to_fixed"}
            Say which; images go the other way than points, which is why there is no default.

        Returns
        -------
        ndarray, shape of `points`

        Raises
        ------
        ValueError
            If the points are not such, `direction` is neither, or that direction was not read.

        Examples
        --------
        >>> shift = np.eye(4)
        >>> shift[0, 3] = 10
        >>> transform = Transform("affine", [shift], [np.linalg.inv(shift)])
        >>> transform.map_points([0, 0, 0], "fixed_to_moving").tolist()
        [10.0, 0.0, 0.0]
        >>> transform.map_points([0, 0, 0], "moving_to_fixed").tolist()
        [-10.0, 0.0, 0.0]
        """
        points = _as_points(points)
        if direction not in DIRECTIONS:
            raise ValueError(
                f"direction={direction!r}: choose 'fixed_to_moving' or 'moving_to_fixed'. Images "
                "resampled onto the fixed grid go moving to fixed; their points go fixed to moving."
            )
        parts = self.forward if direction == DIRECTIONS[0] else self.backward
        if parts is None:
            raise ValueError(_ONE_WAY)
        return move_points(points, parts)

    def apply(self, img, interpolation="linear", *, reference=None):
        """Resample an image that lies in the moving space onto the fixed grid.

        Parameters
        ----------
        img : nibabel image, str or Path
            3D, on any grid in the moving space.
        interpolation : {"linear", "nearest", "continuous"}
            "nearest" for labels: anything else invents labels between two others.
        reference : nibabel image, str or Path, optional
            Its grid is used instead; needed after `load`.

        Returns
        -------
        Nifti1Image
            0 where nothing of `img` lies. Of the type of `img` for "nearest", else float32.

        Warns
        -----
        UserWarning
            If nothing of `img` lands on the grid.

        Raises
        ------
        ValueError
            If an image is not 3D, not finite or without a place in the world, or no grid is known.
        """
        if interpolation not in ORDERS:
            raise ValueError(
                f"interpolation={interpolation!r}: choose 'linear', 'continuous' (cubic) or, for "
                "labels, 'nearest'."
            )
        img = placed(load_3d(img, name="image"), describe(img, "image"))
        shape, affine = self._grid(reference)
        data, order = np.asarray(img.dataobj).reshape(img.shape), ORDERS[interpolation]
        out = np.zeros(shape, data.dtype if order == 0 else np.float32)
        data = data.astype(out.dtype, copy=False)
        source = ndimage.spline_filter(data, order, output=np.float32) if order > 1 else data
        to_voxels, landed = np.linalg.inv(img.affine), False
        for part, points in _slabs(shape, affine):
            voxels = nib.affines.apply_affine(to_voxels, move_points(points, self.forward))
            voxels = np.moveaxis(voxels, -1, 0)
            size = np.array(data.shape).reshape(3, 1, 1, 1)
            inside = np.all((voxels > -0.5) & (voxels < size - 0.5), axis=0)
            landed |= bool(inside.any())
            values = ndimage.map_coordinates(
                source, voxels, order=order, mode="nearest", prefilter=False
            )
            out[part] = np.where(inside, values, 0)
        if not landed:
            warnings.warn(
                f"Nothing of {describe(img)} lies where the transform looks for it; all is 0. Is "
                "it in the moving image's space? The other way is transform.inverse().apply(img).",
                stacklevel=2,
            )
        return image_in_mm(out, affine)

    def jacobian(self, *, reference=None, log=False):
        """Determinant of the derivative of the map of points fixed -> moving, on the fixed grid.

        Above 1 the moving brain is larger there than the fixed one, below 1 smaller; of the whole
        map, affine part included.

        Parameters
        ----------
        reference : nibabel image, str or Path, optional
            Its grid is used instead; needed after `load`.
        log : bool
            Natural logarithm, in which half and twice are equally far from 0.

        Returns
        -------
        Nifti1Image
            float32, no unit.

        Examples
        --------
        >>> transform = Transform("affine", [2 * np.eye(4)], fixed=((4, 4, 4), np.eye(4)))
        >>> float(transform.jacobian().get_fdata()[1, 1, 1])
        8.0
        """
        shape, affine = self._grid(reference)
        out = np.zeros(shape, np.float32)
        for part, points in _slabs(shape, affine):
            out[part] = determinant(points, self.forward)
        if log:
            # A fold has no logarithm: NaN there, and the caller is told how many.
            folded = int((out <= 0).sum())
            if folded:
                warnings.warn(f"The map folds in {folded} voxels: NaN there.", stacklevel=2)
            out = np.log(np.where(out > 0, out, np.nan))
        return image_in_mm(out, affine)

    def save(self, path, inverse_path=None):
        """Write the map as ITK composite transforms, LPS+ mm, as fMRIPrep names and fills them.

        Parameters
        ----------
        path : str or Path
            Ends in .h5. The file that resamples images from moving to fixed, to be given to
            ``antsApplyTransforms -t`` as it is: call it from-MOVING_to-FIXED_mode-image_xfm.h5.
        inverse_path : str or Path, optional
            The same for the other direction.
        """
        wanted = {path: self.forward} | ({inverse_path: self.backward} if inverse_path else {})
        for target, parts in wanted.items():
            target = Path(target)
            if target.suffix != ".h5":
                raise ValueError(f"{target}: give a path that ends in .h5, an ITK composite.")
            if not target.parent.is_dir():
                raise FileNotFoundError(f"There is no folder {target.parent}; make it first.")
            if parts is None:
                raise ValueError(_ONE_WAY)
            write_composite(target, parts)

    @classmethod
    def load(cls, path, inverse_path=None):
        """Read a transform of ANTs, ITK or fMRIPrep.

        Parameters
        ----------
        path : str, Path or list of these
            Composite (.h5), affine (.mat, .txt) or warp (.nii.gz); several in the order in which
            ``antsApplyTransforms -t`` takes them, as in ANTsPy's ``fwdtransforms``.
        inverse_path : the same, optional
            The transform of the other direction; not needed for affines.

        Returns
        -------
        Transform
            Without grids: `apply` and `jacobian` need a `reference`.

        Warns
        -----
        UserWarning
            If both are given and one does not lead back where the other came from.
        """
        forward = _read_all(path)
        backward = _read_all(inverse_path) if inverse_path else invert_linear(forward)
        if inverse_path:
            _check_pair(forward, backward)
        return cls("file", forward, backward)

    def _grid(self, reference):
        if reference is not None:
            img = placed(load_3d(reference, name="reference"), describe(reference, "reference"))
            return tuple(map(int, img.shape)), img.affine
        if self.fixed is None:
            raise ValueError(
                "This transform was read from a file, which does not say the fixed image's grid. "
                "Give reference=, an image on the grid that you want."
            )
        return self.fixed


_ONE_WAY = (
    "This transform is known in one direction only. Read both files: "
    "Transform.load(path, inverse_path=...)."
)


def _as_points(points):
    """Points as floats, or an error that says what was given."""
    try:
        array = np.asarray(points, dtype=np.float64)
        got = f"shape {array.shape}" if np.isfinite(array).all() else "NaN or infinity"
    except (TypeError, ValueError):
        array, got = np.empty(0), f"a {type(points).__name__}"
    if array.ndim not in (1, 2) or array.shape[-1] != 3 or not np.isfinite(array).all():
        raise ValueError(
            f"points: expected finite numbers of shape (3,) or (n, 3), got {got}. "
            "Each row is one point: x, y, z in RAS+ mm."
        )
    return array


def _read_all(paths):
    listed = [paths] if isinstance(paths, str | Path) else paths
    return [part for path in listed for part in read_itk(path)]


def _check_pair(forward, backward):
    """Warn unless one map undoes the other, in the middle of where they bend."""
    bends = [part for part in forward if isinstance(part, tuple)]
    shape, affine = (bends[0][0].shape[1:], bends[0][1]) if bends else ((3, 3, 3), np.eye(4))
    corners = np.stack(np.meshgrid(*[(0.35, 0.5, 0.65)] * 3), axis=-1).reshape(-1, 3)
    points = nib.affines.apply_affine(affine, corners * (np.array(shape) - 1))
    back = move_points(move_points(points, forward), backward)
    missed = np.median(np.linalg.norm(back - points, axis=1))
    if missed > APART:
        warnings.warn(
            f"path and inverse_path are no pair: there and back ends {missed:.0f} mm away. One of "
            "them may have the wrong direction, or be of somebody else; look for from-A_to-B and "
            "from-B_to-A in the names.",
            stacklevel=3,
        )


def _slabs(shape, affine):
    """Parts of a grid and their points in mm, ndarray (..., 3)."""
    thick = max(1, SLAB // int(np.prod(shape[1:])))
    for first in range(0, shape[0], thick):
        part = slice(first, min(first + thick, shape[0]))
        axes = np.arange(part.start, part.stop), *map(np.arange, shape[1:])
        voxels = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
        yield part, nib.affines.apply_affine(affine, voxels)


def placed(img, label):
    """`img`, or an error if its header does not say where it lies.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.ones((2, 2, 2), np.float32), np.eye(4))
    >>> placed(img, "image") is img
    True
    """
    header = img.header
    if isinstance(img, nib.Nifti1Pair) and not (header["qform_code"] or header["sform_code"]):
        raise ValueError(
            f"{label}: neither qform nor sform is set, so nobody knows where it lies, nor which "
            "side is left. Get the file again from its source (a scan: from DICOM), or find out "
            "and set it: img.set_sform(affine, code=1)."
        )
    return img
