"""Write what is true about a scan."""

import nibabel as nib
import numpy as np

from mriworkbook.practice import truth_path
from mriworkbook.practice._fields import box_grid, grid_points
from mriworkbook.practice._files import as_vectors, save, sidecar, write_json

WARP_SPACING = 4.0
TEMPLATE_BOX = (-98.0, -134.0, -72.0), (98.0, 98.0, 116.0)  # nilearn's bundled template


def write_truth(root, label, scan):
    from mriworkbook.practice._deformation import jacobian_determinant, to_scanner, to_template

    images = {"brain_mask": (scan.brain_mask, np.uint8), "bias_field": (scan.bias, np.int16)}
    images.update({name: (img, np.uint8) for name, img in scan.fractions.items()})
    shape, affine = box_grid(*TEMPLATE_BOX, WARP_SPACING)
    points = grid_points(shape, affine)
    out = to_scanner(scan.deformation, points)
    images["warp_from_template"] = as_vectors(out, affine), np.float32
    jacobian = jacobian_determinant(scan.deformation, points)
    images["jacobian"] = nib.Nifti1Image(jacobian, affine), np.float32
    shape, affine = _scanner_box(scan.raw)
    back = to_template(scan.deformation, grid_points(shape, affine))
    images["warp_to_template"] = as_vectors(back, affine), np.float32
    determinant = float(np.linalg.det(scan.deformation.affine[:3, :3]))
    for what, (img, dtype) in images.items():
        path = truth_path(root, label, what)
        path.parent.mkdir(parents=True, exist_ok=True)
        save(img, path, dtype)
        extra = {"AffineDeterminant": determinant} if what == "jacobian" else {}
        write_json(path, sidecar(_TRUTH_TEXTS[what], **extra))


_TRUTH_TEXTS = {
    "brain_mask": "True brain: GM, WM and CSF fractions together above one half.",
    "bias_field": "True multiplicative field; its range in the true brain mask is exact.",
    "GM": "True fraction of each voxel that is grey matter.",
    "WM": "True fraction of each voxel that is white matter.",
    "CSF": "True fraction of each voxel that is fluid within the brain's surface.",
    "warp_to_template": "Grid in scanner millimetres; values are template points (RAS+ mm).",
    "warp_from_template": "Grid in template millimetres; values are scanner points (RAS+ mm).",
    "jacobian": "Determinant of the map template -> scanner, affine included; > 1 means that the "
    "person's brain is larger there than the template.",
}


def _scanner_box(img):
    """Axis-aligned 4 mm grid that holds the whole field of view."""
    corners = np.array(list(np.ndindex(2, 2, 2))) * (np.array(img.shape) - 1)
    world = nib.affines.apply_affine(img.affine, corners)
    low = np.floor(world.min(axis=0) / WARP_SPACING) * WARP_SPACING
    high = np.ceil(world.max(axis=0) / WARP_SPACING) * WARP_SPACING
    return box_grid(low, high, WARP_SPACING)
