"""Write the practice study: files, names, headers and the texts that say it is simulated."""

import json

import nibabel as nib
import numpy as np

from mriworkbook.practice import VERSION, fingerprint, truth_path
from mriworkbook.practice._fields import box_grid, grid_points
from mriworkbook.practice.parameters import MPRAGE, PEOPLE, SPACE

WARP_SPACING = 4.0
TEMPLATE_BOX = (-98.0, -134.0, -72.0), (98.0, 98.0, 116.0)  # nilearn's bundled template
BIDS_VERSION = "1.10.0"

README = """\
Everything in this data set is simulated. No person was scanned.

The practice study of the MRI Workbook: T1-weighted MPRAGE images of three invented people. Tissue
maps of the ICBM 2009a nonlinear symmetric template (Fonov et al. 2011,
doi:10.1016/j.neuroimage.2010.07.033) were folded and sharpened into three anatomies, put into
heads, moved by known diffeomorphisms, and given signal, intensity non-uniformity and noise. Every
amplitude is in the table mriworkbook.practice.parameters, with its source.

sub-*/anat               raw T1w, 2 mm; the storage order differs on purpose
derivatives/fmriprep     simulated outputs named as fMRIPrep names its own: an N4-corrected image
                         (real N4 on the simulated image) and a brain mask that errs as a real one
derivatives/freesurfer   simulated orig, nu, T1 and brainmask.mgz. FreeSurfer conforms to 256 voxels
                         of 1 mm; here the cube is 128 voxels of 2 mm, the images' own spacing
derivatives/truth        what is true: brain mask, bias field, tissue fractions (raw grid), point
                         maps between scanner and template in both directions and the Jacobian
                         determinant template -> scanner (4 mm grids, RAS+ millimetres)

What it cannot teach: faces, necks and vessels are crude, sulci do not have their names, and one
scanner model made all images. Do not use it as evidence about people or about tools.
"""


def write_core(root, *, n_jobs=1, progress=None):
    """See `mriworkbook.practice.make_core`."""
    if not root.is_dir():
        raise NotADirectoryError(f"{root} is no folder: create it first.")
    if any(root.iterdir()):
        raise FileExistsError(f"{root} is not empty: give an empty folder.")
    from mriworkbook.practice.anatomy import load_template

    _write_texts(root)
    steps = [(step, label) for label in PEOPLE for step in ("scan", "process")]
    report = progress or (lambda message, done, total: None)
    report("Loading the templates", 0, len(steps))
    if n_jobs == 1:
        for done, (step, label) in enumerate(steps):
            report(f"{_DOING[step]} sub-{label}", done, len(steps))
            _STEPS[step](root, label)
    else:
        _in_processes(root, steps, n_jobs, report)
    load_template.cache_clear()
    report("The practice study is ready", len(steps), len(steps))


def _in_processes(root, steps, n_jobs, report):
    """The same steps, people side by side; no process outlives the call."""
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor

    parallel = Parallel(n_jobs=n_jobs, backend="loky", return_as="generator_unordered")
    try:
        done = 0
        for step in _STEPS:
            labels = [label for name, label in steps if name == step]
            tasks = (delayed(_STEPS[step])(root, label) for label in labels)
            for label in parallel(tasks):
                done += 1
                report(f"{_DOING[step]} sub-{label}", done, len(steps))
    finally:
        get_reusable_executor().shutdown(wait=True, kill_workers=True)


def _scan(root, label):
    from mriworkbook.practice._scan import make_scan

    person = PEOPLE[label]
    scan = make_scan(person)
    path = _raw_path(root, label)
    path.parent.mkdir(parents=True)
    _save(scan.raw, path, np.int16)
    _write_json(path, _raw_sidecar(person))
    _write_truth(root, label, scan)
    return label


def _process(root, label):
    """Run the simulated pipelines on the raw file."""
    from mriworkbook.practice import _derivatives as make
    from mriworkbook.practice._n4 import estimate_fields

    person, raw = PEOPLE[label], nib.load(_raw_path(root, label))
    truth = nib.load(truth_path(root, label, "brain_mask"))
    mask = make.erring_mask(truth, person, "fmriprep")
    fs_mask = make.erring_mask(truth, person, "freesurfer")
    cube = make.freesurfer_cube(raw, fs_mask, person.voxel_size)
    raw_field, cube_field = estimate_fields([(raw, mask), (cube.orig, cube.mask)])
    _write_fmriprep(root, label, raw, mask, raw_field)
    mri = root / "derivatives" / "freesurfer" / f"sub-{label}" / "mri"
    mri.mkdir(parents=True)
    for name, img in make.freesurfer_images(cube, cube_field).items():
        nib.save(img, mri / f"{name}.mgz")
    return label


def _write_fmriprep(root, label, raw, mask, field):
    anat = root / "derivatives" / "fmriprep" / f"sub-{label}" / "anat"
    anat.mkdir(parents=True)
    source = [f"bids:raw:{_raw_path(root, label).relative_to(root).as_posix()}"]
    path = anat / f"sub-{label}_desc-preproc_T1w.nii.gz"
    data = np.clip(np.round(np.asarray(raw.dataobj) / field), 0, 32767).astype(np.int16)
    _save(nib.Nifti1Image(data, raw.affine), path, np.int16)
    about = "Simulated raw image after real N4 bias-field correction."
    _write_json(path, _about(about, SkullStripped=False, Sources=source))
    path = anat / f"sub-{label}_desc-brain_mask.nii.gz"
    _save(mask, path, np.uint8)
    about = "Simulated: the true mask with its surface moved as real tools' masks err."
    _write_json(path, _about(about, Type="Brain", Sources=source))


_STEPS = {"scan": _scan, "process": _process}
_DOING = {"scan": "Scanning", "process": "Processing"}


def _write_truth(root, label, scan):
    from mriworkbook.practice._deformation import jacobian_determinant, to_scanner, to_template

    images = {"brain_mask": (scan.brain_mask, np.uint8), "bias_field": (scan.bias, np.int16)}
    images.update({name: (img, np.uint8) for name, img in scan.fractions.items()})
    shape, affine = box_grid(*TEMPLATE_BOX, WARP_SPACING)
    points = grid_points(shape, affine)
    out = to_scanner(scan.deformation, points)
    images["warp_from_template"] = _as_vectors(out, affine), np.float32
    jacobian = jacobian_determinant(scan.deformation, points)
    images["jacobian"] = nib.Nifti1Image(jacobian, affine), np.float32
    shape, affine = _scanner_box(scan.raw)
    back = to_template(scan.deformation, grid_points(shape, affine))
    images["warp_to_template"] = _as_vectors(back, affine), np.float32
    determinant = float(np.linalg.det(scan.deformation.affine[:3, :3]))
    for what, (img, dtype) in images.items():
        path = truth_path(root, label, what)
        path.parent.mkdir(parents=True, exist_ok=True)
        _save(img, path, dtype)
        extra = {"AffineDeterminant": determinant} if what == "jacobian" else {}
        _write_json(path, _about(_TRUTH_TEXTS[what], **extra))


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


def _as_vectors(points, affine):
    # A step of 1/1024 mm leaves zeros in the float32 mantissa, which gzip can use.
    points = np.round(np.moveaxis(points, 0, -1) * 1024) / 1024
    return nib.Nifti1Image(points.astype(np.float32), affine)


def _scanner_box(img):
    """Axis-aligned 4 mm grid that holds the whole field of view."""
    corners = np.array(list(np.ndindex(2, 2, 2))) * (np.array(img.shape) - 1)
    world = nib.affines.apply_affine(img.affine, corners)
    low = np.floor(world.min(axis=0) / WARP_SPACING) * WARP_SPACING
    high = np.ceil(world.max(axis=0) / WARP_SPACING) * WARP_SPACING
    return box_grid(low, high, WARP_SPACING)


def _save(img, path, dtype):
    """Save with honest header: scanner coordinates in mm, scaling where integers hold fractions."""
    data = np.asanyarray(img.dataobj)
    if np.issubdtype(dtype, np.integer) and not np.issubdtype(data.dtype, np.integer):
        low, high = (0.0, 1.0) if dtype == np.uint8 else (float(data.min()), float(data.max()))
        data, slope, inter = _quantise(data, dtype, low, high)
    else:
        slope, inter = 1.0, 0.0
    out = nib.Nifti1Image(data.astype(dtype), img.affine)
    out.header.set_xyzt_units("mm", "sec")
    code = "mni" if f"space-{SPACE}" in path.name or f"from-{SPACE}" in path.name else "scanner"
    out.set_sform(img.affine, code)
    out.set_qform(img.affine, code)
    out.header.set_slope_inter(slope, inter)
    nib.save(out, path)


def _quantise(data, dtype, low, high):
    """Integers, slope and intercept; int16 uses 14 of its bits (steps of 5e-5 in a bias field)."""
    levels = 255 if dtype == np.uint8 else 2**14 - 1
    slope = (high - low) / levels
    return np.round((np.clip(data, low, high) - low) / slope), slope, low


def _raw_path(root, label):
    return root / f"sub-{label}" / "anat" / f"sub-{label}_T1w.nii.gz"


def _about(description, **fields):
    return {"Description": description, "Simulated": True, **fields}


def _raw_sidecar(person):
    return _about(
        "Simulated MPRAGE image.",
        Modality="MR",
        Manufacturer="Simulated",
        ManufacturersModelName="MRI Workbook practice study",
        MagneticFieldStrength=MPRAGE.field_strength,
        MRAcquisitionType="3D",
        PulseSequenceType="MPRAGE",
        ScanningSequence="GR_IR",
        RepetitionTimePreparation=MPRAGE.repetition_time / 1000,
        RepetitionTimeExcitation=MPRAGE.echo_spacing / 1000,
        InversionTime=MPRAGE.inversion_time / 1000,
        EchoTime=MPRAGE.echo_time / 1000,
        FlipAngle=MPRAGE.flip_angle,
        NumberShots=MPRAGE.train_length,
    )


def _write_json(path, content):
    """Write JSON; the name of an image stands for its sidecar."""
    path = path.with_name(path.name.replace(".nii.gz", ".json"))
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _description(name, what, derivative):
    about = {
        "Name": name,
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative" if derivative else "raw",
        "License": "CC-BY-4.0",
        "Authors": ["MRI Workbook contributors"],
        "GeneratedBy": [
            {
                "Name": what,
                "Version": f"{VERSION}-{fingerprint()}",
                "Description": "Simulated by mriworkbook.practice; no person was scanned.",
            }
        ],
    }
    return about


def _write_texts(root):
    (root / "README").write_text(README, encoding="utf-8")
    (root / ".bidsignore").write_text("derivatives/\n", encoding="utf-8")
    name = "MRI Workbook practice study (simulated)"
    _write_json(root / "dataset_description.json", _description(name, "mriworkbook", False))
    for folder, what in (
        ("fmriprep", "fMRIPrep-like simulation"),
        ("freesurfer", "FreeSurfer-like simulation"),
        ("truth", "truth of the simulation"),
    ):
        path = root / "derivatives" / folder
        path.mkdir(parents=True)
        about = _description(f"{name}: {what}", what, True)
        _write_json(path / "dataset_description.json", about)
    # Names that BIDS does not know.
    ignored = {
        "truth": ["*_field.*", "*_map.*", "*_mode-points_xfm.*"],
        "freesurfer": ["sub-*"],
    }
    for folder, patterns in ignored.items():
        text = "\n".join(patterns) + "\n"
        (root / "derivatives" / folder / ".bidsignore").write_text(text, encoding="utf-8")
    _write_participants(root)


def _write_participants(root):
    rows = ["participant_id\tage\tsex"]
    rows += [f"sub-{label}\t{person.age}\t{person.sex}" for label, person in PEOPLE.items()]
    (root / "participants.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    _write_json(
        root / "participants.json",
        {
            "age": {"Description": "Invented age of a simulated person", "Units": "year"},
            "sex": {
                "Description": "Invented sex of a simulated person",
                "Levels": {"F": "female", "M": "male"},
            },
        },
    )
