"""The practice study: simulated brain MRI of invented people, with known truth beside it.

Importing this is cheap; the simulation is loaded when `make_stage` runs.
"""

from pathlib import Path

# Raise it with every change that changes voxels but no value of the frozen table.
VERSION = 2

# What is made at once, and which stages must be there before.
NEEDS = {"core": (), "anatomy": ("core",), "functional": ("core",)}
STAGES = tuple(NEEDS)

TRUTH = {
    "brain_mask": "desc-brain_mask.nii.gz",
    "bias_field": "desc-bias_field.nii.gz",
    "GM": "label-GM_probseg.nii.gz",
    "WM": "label-WM_probseg.nii.gz",
    "CSF": "label-CSF_probseg.nii.gz",
    "lesions": "label-lesion_probseg.nii.gz",
    "structures": "desc-structures_dseg.nii.gz",
    "structure_volumes": "desc-structures_volumes.tsv",
    "warp_to_template": "from-T1w_to-{space}_mode-points_xfm.nii.gz",
    "warp_from_template": "from-{space}_to-T1w_mode-points_xfm.nii.gz",
    "jacobian": "space-{space}_desc-jacobian_map.nii.gz",
    "facts": "facts.json",
}
BOLD_TRUTH = {
    "network_series": "desc-network_timeseries.tsv",
    "coupling": "desc-coupling_relmat.tsv",
    "motion": "desc-motion_timeseries.tsv",
    "artefacts": "desc-artefacts_timeseries.tsv",
    "activity": "space-{space}_desc-activity_dseg.nii.gz",
    "bold_facts": "facts.json",
}
_COHORT = {"effects": "effects.json", "participants": "participants.tsv"}
COMMON_TRUTH = {
    "cohort": _COHORT,
    "series": {**_COHORT, "coupling": "coupling.npz"},
    "parcellation": {"specks": "specks.tsv"},
}


def fingerprint():
    """Hash of the version and of the frozen table: studies with equal hashes are the same.

    Returns
    -------
    str

    Examples
    --------
    >>> fingerprint() == fingerprint(), len(fingerprint())
    (True, 16)
    """
    import hashlib

    from mriworkbook.practice import parameters

    table = [
        VERSION,
        parameters.MASTER_SEED,
        parameters.SPACE,
        parameters.PEOPLE,
        parameters.BOLD_PEOPLE,
        parameters.SEQUENCES,
        parameters.TISSUES,
        parameters.FROZEN,
    ]
    return hashlib.sha256(repr(table).encode()).hexdigest()[:16]


def truth_path(root, subject, what, run=None, task="rest"):
    """Path of something that is true about a person, or about a cohort.

    Parameters
    ----------
    root : str or Path
        Folder of the practice study.
    subject : str
        Label without ``sub-``; "cohort" (of the tables of the stage "anatomy"), "series" (of the
        time series of the stage "functional") or "parcellation".
    what : str
        Of a cohort: "effects" (JSON: what was planted and removed), "participants" (the table
        before anything was removed); of the series also "coupling" (planted correlations). Of the
        parcellation: "specks" (regions so small that resampling loses them). Of a person on the
        raw grid: "brain_mask", "bias_field", "GM", "WM", "CSF", "lesions" (where
        there are any), "structures". Tables and texts: "structure_volumes" (TSV), "facts" (JSON,
        all that was planted). Maps: "warp_to_template" (points of the scanner -> template),
        "warp_from_template" (back), "jacobian" (template grid). Of a person's BOLD run:
        "network_series" (TSV, scans x regions, neural part in percent), "coupling" (TSV, regions x
        regions, planted correlation), "motion" (TSV, the six true parameters), "artefacts" (TSV,
        time courses of the parts), "activity" (labels: where a region's activity was planted),
        "bold_facts" (JSON).
    run : str, optional
        "run-2" for the anatomical truth of a rescan, in which the head lies elsewhere.
    task : str
        "rest", or "motor" for the truth of the task's BOLD run.

    Returns
    -------
    Path
        The file need not exist.

    Raises
    ------
    ValueError
        If `what` is none of these.

    Examples
    --------
    >>> truth_path("practice", "01", "GM").name
    'sub-01_label-GM_probseg.nii.gz'
    >>> truth_path("practice", "07", "GM", run="run-2").name
    'sub-07_run-2_label-GM_probseg.nii.gz'
    >>> truth_path("practice", "01", "motion").name
    'sub-01_task-rest_desc-motion_timeseries.tsv'
    """
    from mriworkbook.practice.parameters import SPACE

    known = COMMON_TRUTH.get(subject, TRUTH | BOLD_TRUTH)
    if what not in known:
        raise ValueError(f"No truth is called {what!r}; choose one of {', '.join(known)}.")
    truth = Path(root, "derivatives", "truth")
    if subject in COMMON_TRUTH:
        return truth / subject / known[what]
    kind, entity = ("func", f"task-{task}") if what in BOLD_TRUTH else ("anat", run)
    entities = [f"sub-{subject}", *([entity] if entity else []), known[what].format(space=SPACE)]
    return truth / f"sub-{subject}" / kind / "_".join(entities)


def make_stage(root, stage, *, n_jobs=1, progress=None):
    """Add a stage of the practice study to a folder that holds the stages it needs.

    "core" is the heads of people 01 to 03, the BOLD runs of 01 and a parcellation; "anatomy" the
    other heads and the cohort of tables; "functional" the BOLD runs of nineteen further people and
    the cohort of time series. "anatomy" and "functional" need the core and can be made in any
    order. The voxels depend on the frozen table only, not on that order and not on `n_jobs`.

    Parameters
    ----------
    root : str or Path
        An existing folder: empty for "core", else with the core.
    stage : {"core", "anatomy", "functional"}
    n_jobs : int
        People simulated at once, each in a process of its own if more than one.
    progress : callable, optional
        Called as ``progress(message, done, total)`` when a step begins; the message begins with
        the stage, steps are counted.

    Raises
    ------
    ValueError
        If there is no such stage.
    NotADirectoryError
        If `root` is no folder.
    FileNotFoundError
        If `root` lacks the core.
    FileExistsError
        If `root` is not empty ("core"), or holds this stage already.
    """
    from mriworkbook.practice.write import write_stage

    write_stage(Path(root), stage, n_jobs=n_jobs, progress=progress)


def make_core(root, *, n_jobs=1, progress=None):
    """Write the first stage alone; see `make_stage`."""
    make_stage(root, STAGES[0], n_jobs=n_jobs, progress=progress)


def simulate(label, *, tissues=None, contrasts=("T1w",), slices=None):
    """Images of one person, made anew with tissue parameters of your choice.

    With the frozen tissues the voxels are those of the study's files, but for faults (motion,
    wrap-around, flip), which are left out. The first call for a person takes some seconds, further
    ones about one, and less for few slices.

    Parameters
    ----------
    label : str
        Of the person, such as "01".
    tissues : dict of str to parameters.Tissue, optional
        Entries that replace those of `parameters.TISSUES`.
    contrasts : sequence of str
        Any of "T1w", "T2w", "PDw", "FLAIR".
    slices : tuple of three slices, optional
        Part of the raw grid, as ``numpy.s_[:, :, 60:62]``; all of it by default.

    Returns
    -------
    Simulation
        ``images[contrast]`` (int16, scanner units: frozen white matter is the same in any call) and
        ``fractions["GM" | "WM" | "CSF"]``, and "lesions" where there are any (0 to 1, float32).

    Raises
    ------
    KeyError
        If there is no such person.
    ValueError
        If a contrast or a tissue is unknown, or a slice is empty or has a step.

    Examples
    --------
    >>> from mriworkbook.practice import simulate
    >>> from mriworkbook.practice.parameters import TISSUES
    >>> longer = {"GM": TISSUES["GM"]._replace(t1=2000)}
    >>> part = slice(40, 44), slice(60, 64), slice(60, 62)
    >>> simulate("01", tissues=longer, slices=part).images["T1w"].shape
    (4, 4, 2)
    """
    from mriworkbook.practice import _simulate

    return _simulate.simulate(label, tissues, contrasts, slices)
