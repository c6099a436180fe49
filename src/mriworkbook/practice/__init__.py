"""The practice study: simulated brain MRI of three people, with known truth beside it.

Importing this is cheap; the simulation is loaded when `make_core` runs.
"""

from pathlib import Path

# Raise it with every change that changes voxels but no value of the frozen table.
VERSION = 1

TRUTH = {
    "brain_mask": "desc-brain_mask",
    "bias_field": "desc-bias_field",
    "GM": "label-GM_probseg",
    "WM": "label-WM_probseg",
    "CSF": "label-CSF_probseg",
    "warp_to_template": "from-T1w_to-{space}_mode-points_xfm",
    "warp_from_template": "from-{space}_to-T1w_mode-points_xfm",
    "jacobian": "space-{space}_desc-jacobian_map",
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
        parameters.MPRAGE,
        parameters.TISSUES,
        parameters.FROZEN,
    ]
    return hashlib.sha256(repr(table).encode()).hexdigest()[:16]


def truth_path(root, subject, what):
    """Path of something that is true about a person.

    Parameters
    ----------
    root : str or Path
        Folder of the practice study.
    subject : str
        Label without ``sub-``.
    what : str
        "brain_mask", "bias_field", "GM", "WM", "CSF" (raw grid), "warp_to_template" (points of the
        scanner -> template), "warp_from_template" (back) or "jacobian" (template grid).

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
    """
    from mriworkbook.practice.parameters import SPACE

    if what not in TRUTH:
        raise ValueError(f"No truth is called {what!r}; choose one of {', '.join(TRUTH)}.")
    name = f"sub-{subject}_{TRUTH[what].format(space=SPACE)}.nii.gz"
    return Path(root, "derivatives", "truth", f"sub-{subject}", "anat", name)


def make_core(root, *, n_jobs=1, progress=None):
    """Write the core of the practice study: raw T1w, derivatives and truth of three people.

    The voxels depend on the frozen table only, not on `n_jobs`.

    Parameters
    ----------
    root : str or Path
        An existing empty folder.
    n_jobs : int
        People simulated at once, each in a process of its own if more than one.
    progress : callable, optional
        Called as ``progress(message, done, total)``.

    Raises
    ------
    NotADirectoryError
        If `root` is no folder.
    FileExistsError
        If `root` is not empty.
    """
    from mriworkbook.practice.write import write_core

    write_core(Path(root), n_jobs=n_jobs, progress=progress)
