"""Write the practice study: files, names, headers and the texts that say it is simulated."""

from mriworkbook.practice._files import (
    description,
    write_json,
)
from mriworkbook.practice.parameters import PEOPLE

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
    steps = [(step, label) for label in PEOPLE for step in _DOING]
    report = progress or (lambda message, done, total: None)
    report("Loading the templates", 0, len(steps))
    if n_jobs == 1:
        for done, (step, label) in enumerate(steps):
            report(f"{_DOING[step]} sub-{label}", done, len(steps))
            _step(step)(root, label)
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
        for step in _DOING:
            labels = [label for name, label in steps if name == step]
            tasks = (delayed(_do)(step, root, label) for label in labels)
            for label in parallel(tasks):
                done += 1
                report(f"{_DOING[step]} sub-{label}", done, len(steps))
    finally:
        get_reusable_executor().shutdown(wait=True, kill_workers=True)


def _do(step, root, label):
    _step(step)(root, label)
    return label


def _step(name):
    """The function that writes one step of one person; loaded when it is used."""
    from mriworkbook.practice import _fmriprep, _freesurfer, _scan

    return {
        "scan": _scan.write_scan,
        "fmriprep": _fmriprep.write_fmriprep,
        "freesurfer": _freesurfer.write_freesurfer,
    }[name]


_DOING = {"scan": "Scanning", "fmriprep": "Preprocessing", "freesurfer": "FreeSurfer for"}


def _write_texts(root):
    (root / "README").write_text(README, encoding="utf-8")
    (root / ".bidsignore").write_text("derivatives/\n", encoding="utf-8")
    name = "MRI Workbook practice study (simulated)"
    write_json(root / "dataset_description.json", description(name, "mriworkbook", False))
    for folder, what in (
        ("fmriprep", "fMRIPrep-like simulation"),
        ("freesurfer", "FreeSurfer-like simulation"),
        ("truth", "truth of the simulation"),
    ):
        path = root / "derivatives" / folder
        path.mkdir(parents=True)
        about = description(f"{name}: {what}", what, True)
        write_json(path / "dataset_description.json", about)
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
    write_json(
        root / "participants.json",
        {
            "age": {"Description": "Invented age of a simulated person", "Units": "year"},
            "sex": {
                "Description": "Invented sex of a simulated person",
                "Levels": {"F": "female", "M": "male"},
            },
        },
    )
