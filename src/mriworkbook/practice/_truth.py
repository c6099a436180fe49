"""Write what is true about a scan."""

import nibabel as nib
import numpy as np

from mriworkbook.practice import truth_path
from mriworkbook.practice._deformation import jacobian_determinant, to_scanner, to_template
from mriworkbook.practice._fields import box_grid, grid_points
from mriworkbook.practice._files import as_vectors, save, sidecar, write_json
from mriworkbook.practice.parameters import PEOPLE, value
from mriworkbook.practice.structures import RIGHT_OF, STRUCTURES, template_regions

WARP_SPACING = 4.0
TEMPLATE_BOX = (-98.0, -134.0, -72.0), (98.0, 98.0, 116.0)  # nilearn's bundled template
# Maps are rounded, so that files stay small: points to 1/64 mm, the field to 0.0005.
WARP_STEP, JACOBIAN_STEP, BIAS_STEP, SHARE_STEP = 1 / 64, 1 / 4096, 5e-4, 1 / 255
WARPS = ("warp_from_template", "warp_to_template")


def write_truth(root, label, scan, run=None):
    """Write all truth files of one scan; `run` is "run-2" for a rescan."""
    images = {
        "brain_mask": (scan.brain_mask, np.uint8),
        "bias_field": (scan.bias, np.int16),
        "structures": (scan.structures, np.uint8),
    }
    images |= {name: (img, np.uint8) for name, img in scan.fractions.items()}
    maps = _maps(scan)
    images |= {"jacobian": (maps["jacobian"], np.float32)}
    images |= {name: (maps[name], np.int16) for name in WARPS}
    determinant = float(np.linalg.det(scan.deformation.affine[:3, :3]))
    steps = {"bias_field": BIAS_STEP} | dict.fromkeys(scan.fractions, SHARE_STEP)
    steps |= dict.fromkeys(WARPS, WARP_STEP)
    for what, (img, dtype) in images.items():
        path = truth_path(root, label, what, run)
        path.parent.mkdir(parents=True, exist_ok=True)
        save(img, path, dtype, step=steps.get(what))
        extra = {"AffineDeterminant": determinant} if what == "jacobian" else {}
        write_json(path, sidecar(_TRUTH_TEXTS[what], **extra))
    _write_tables(root, label, scan, run)
    facts = _facts(label, scan, run) | {"AffineDeterminant": determinant}
    write_json(
        truth_path(root, label, "facts", run),
        sidecar("All that was planted in this person's images.", **facts),
    )


_TRUTH_TEXTS = {
    "brain_mask": "True brain: GM, WM and CSF fractions together above one half.",
    "bias_field": "True multiplicative field of all contrasts, within 0.0003; its range in the "
    "true brain mask is BiasPercent of the facts.",
    "GM": "True fraction of each voxel that is grey matter.",
    "WM": "True fraction of each voxel that is white matter, lesions included.",
    "CSF": "True fraction of each voxel that is fluid within the brain's surface.",
    "lesions": "True fraction of each voxel that is lesion, a part of its white matter; rounded "
    "up, so that 0 is free of lesion.",
    "structures": "True structures, numbered as in FreeSurfer's aseg; cortex and white matter by "
    "the largest fraction.",
    "warp_to_template": "Grid in scanner millimetres; values are template points (RAS+ mm).",
    "warp_from_template": "Grid in template millimetres; values are scanner points (RAS+ mm).",
    "jacobian": "Determinant of the map template -> scanner, affine included; > 1 means that the "
    "person's brain is larger there than the template.",
}


def _maps(scan):
    """Point maps in both directions and the Jacobian determinant, on 4 mm grids."""
    shape, affine = box_grid(*TEMPLATE_BOX, WARP_SPACING)
    points = grid_points(shape, affine)
    out = to_scanner(scan.deformation, points)
    jacobian = jacobian_determinant(scan.deformation, points)
    near, back_affine = _scanner_box(scan.brain_mask)
    back = to_template(scan.deformation, grid_points(near, back_affine))
    # Up, or a small determinant could become 0.
    jacobian = (np.ceil(jacobian / JACOBIAN_STEP) * JACOBIAN_STEP).astype(np.float32)
    return {
        "warp_from_template": as_vectors(out, affine),
        "warp_to_template": as_vectors(back, back_affine),
        "jacobian": nib.Nifti1Image(jacobian, affine),
    }


def _scanner_box(img):
    """Axis-aligned 4 mm grid that holds the whole field of view."""
    corners = np.array(list(np.ndindex(2, 2, 2))) * (np.array(img.shape) - 1)
    world = nib.affines.apply_affine(img.affine, corners)
    low = np.floor(world.min(axis=0) / WARP_SPACING) * WARP_SPACING
    high = np.ceil(world.max(axis=0) / WARP_SPACING) * WARP_SPACING
    return box_grid(low, high, WARP_SPACING)


def structure_volumes(volumes):
    """Rows (index, name, mm3 in the template, mm3 of the person) of the table of volumes.

    What the template defines is counted on the octants of the person's voxels; tissue within the
    hemispheres and the cerebellum, folded anew in each person, has no template volume. The last
    rows have no aseg number: they hold whole hemispheres of cerebrum and cerebellum.

    Parameters
    ----------
    volumes : ndarray (256, 4)
        See `_sampling.Voxels`.

    Returns
    -------
    list of tuple
    """
    everything, grey, white, fluid = volumes.T
    template = np.bincount(template_regions().ravel(), minlength=256)
    names = {index: name for name, index in STRUCTURES.items()}
    split = {3: 2, 42: 41, 8: 7, 47: 46}
    native = {i: (template[i], everything[i]) for i in names if template[i] and i not in split}
    for cortex, inner in split.items():
        native[cortex], native[inner] = ("n/a", grey[cortex]), ("n/a", white[cortex])
    native[24] = "n/a", sum(fluid[cortex] for cortex in split)
    rows = [(index, names[index], *native[index]) for index in sorted(native)]
    for name, left in (("Cerebrum", 3), ("Cerebellum", 8)):
        for side, index in (("Left", left), ("Right", RIGHT_OF[left])):
            rows.append(("n/a", f"{side}-{name}", template[index], everything[index]))
    return rows


def _write_tables(root, label, scan, run):
    lines = ["index\tname\ttemplate_mm3\tnative_mm3"]
    lines += [f"{i}\t{n}\t{t}\t{v:.1f}" for i, n, t, v in structure_volumes(scan.volumes)]
    path = truth_path(root, label, "structure_volumes", run)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    lines = ["index\tname"] + [f"{index}\t{name}" for name, index in STRUCTURES.items()]
    path = truth_path(root, label, "structures", run)
    path = path.with_name(path.name.replace(".nii.gz", ".tsv"))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _facts(label, scan, run):
    """What was planted in one person, as plain data."""
    person = PEOPLE[label]
    voxel = abs(np.linalg.det(scan.brain_mask.affine[:3, :3]))
    lesions = scan.fractions.get("lesions")
    fault = {"": {}, **_faults()}[person.fault if run is None else ""]
    return {
        "Age": person.age,
        "Sex": person.sex,
        "Diagnosis": person.diagnosis or "none",
        "TwinOf": f"sub-{person.twin_of}" if person.twin_of else "none",
        "BiasPercent": person.bias_percent,
        "Noise": {c: value(f"noise_{c}") for c in scan.images},
        "BrainVolumeMm3": float(np.asarray(scan.brain_mask.dataobj).sum() * voxel),
        "VentricleLogGrowth": person.ventricle_log_growth,
        "HippocampusLogGrowth": person.hippocampus_log_growth,
        "SulcalWidening": person.sulcal_widening,
        "LesionCount": person.lesions,
        "LesionVolumeMm3": 0.0 if lesions is None else _share_sum(lesions) * voxel,
        "Fault": fault or {"Kind": "none"},
    }


def _share_sum(img):
    return float(np.asarray(img.dataobj).sum(dtype=float) * SHARE_STEP)


def _faults():
    poses = [
        {"ShareOfLinesBefore": share, "RotationDegrees": turn, "ShiftMm": shift}
        for share, turn, shift in value("motion_poses")
    ]
    return {
        "motion": {
            "Kind": "motion",
            "Image": "run-1_T1w",
            "PhaseEncoding": "front-back",
            "Poses": poses,
        },
        "wrap": {
            "Kind": "wrap-around",
            "Image": "T1w",
            "Axis": "front-back",
            "FieldOfViewMm": value("wrap_field_of_view"),
        },
        "flip": {"Kind": "left-right flip of the array, header unchanged", "Image": "T1w"},
    }
