"""Open a study by name: its folder, its BIDS layout, its cache and, where simulated, its truth.

``practice`` is simulated on the reader's own machine when it is first opened, in stages; every
other study is fetched beforehand with ``mriworkbook data get <name>``.
"""

import difflib
import functools
import hashlib
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import data_fetch
from data_fetch.storage import explained
from mriworkbook.store import PRACTICE, REMAKE, data_root, make_practice, stages_here, stages_up_to


class UnknownStudy(ValueError):
    """No study has this name; the message lists those that exist."""


class StudyNotFound(FileNotFoundError):
    """A study, or a file of one, is not on this machine; the message says how to get it."""


@dataclass(frozen=True)
class Study:
    """A study on this machine.

    Attributes
    ----------
    name : str
    root : Path
        The BIDS folder; derivatives are below ``derivatives/``.
    title : str
    space : str
        BIDS name of the template space of its derivatives.
    simulated : bool
        Whether the images are simulated and their truth is known.
    example : str
        Subject label, without ``sub-``, of the person that the episodes show.
    """

    name: str
    root: Path
    title: str
    space: str
    simulated: bool
    example: str

    @functools.cached_property
    def layout(self):
        """`bids.layout.BIDSLayout` over the raw data and the fMRIPrep derivatives."""
        # Imported here: pybids takes long, and paths alone do not need it.
        from bids.layout import BIDSLayout

        fmriprep = self.root / "derivatives" / "fmriprep"
        derivatives = [fmriprep] if (fmriprep / "dataset_description.json").is_file() else None
        with warnings.catch_warnings():
            # AOMIC was preprocessed before BIDS 1.4 renamed this field; it is as released.
            warnings.filterwarnings("ignore", message="The PipelineDescription field was superse")
            return BIDSLayout(self.root, derivatives=derivatives)

    @functools.cached_property
    def memory(self):
        """`joblib.Memory` of the study; a change in this package's code starts an empty one."""
        import joblib

        folder = data_root() / "cache" / self.name / _code_hash()
        with explained(folder, "500 MB"):
            folder.mkdir(parents=True, exist_ok=True)
            return joblib.Memory(location=folder, verbose=0)

    @property
    def cohort(self):
        """Path of the table of those people whose brains are summed up in tables.

        In a real study that is its own ``participants.tsv``. The people of the practice cohort have
        no images, so their table lies beside the derived tables; it is of the stage "anatomy".
        """
        if self.simulated:
            return self.file("derivatives", "fs_stats", "participants.tsv")
        return self.file("participants.tsv")

    def has(self, *parts):
        """Whether a file or folder is there; `parts` are joined below the root."""
        return self.root.joinpath(*parts).exists()

    def file(self, *parts):
        """Path of a file below the root.

        Parameters
        ----------
        *parts : str
            Joined below the root, e.g. ``file("sub-01", "anat", "sub-01_T1w.nii.gz")``.

        Returns
        -------
        Path

        Raises
        ------
        StudyNotFound
            If it is not there; the message says what it is, how big, and how to get it.
        """
        path = self.root.joinpath(*parts)
        if path.exists():
            return path
        raise StudyNotFound(_absent_file(self, path.relative_to(self.root).as_posix()))

    def truth(self, subject, what, run=None):
        """Path of what the simulation knows about a person, or about the cohort.

        Parameters
        ----------
        subject : str
            Label without ``sub-``, e.g. "01", or "cohort".
        what : str
            A name of `mriworkbook.practice.TRUTH`, e.g. "brain_mask", "bias_field" or "GM"; of the
            cohort, "effects" or "participants".
        run : str, optional
            "run-2" for a scan that was repeated.

        Returns
        -------
        Path

        Raises
        ------
        ValueError
            If the study is real: nobody knows its truth.
        StudyNotFound
            If there is no such person.
        """
        if not self.simulated:
            raise ValueError(
                f"The study {self.name!r} is real, so its true {what} is not known. "
                f"The practice study has it: open_study('{PRACTICE}').truth('01', {what!r})"
            )
        from mriworkbook import practice

        return self.file(practice.truth_path(self.root, subject, what, run))


def open_study(name=None, *, stage="core"):
    """Open a study; what is missing of ``practice`` is made, which takes a minute or two.

    Parameters
    ----------
    name : str, optional
        "practice" or a study of ``mriworkbook data list``. By default the environment's
        ``MRIWORKBOOK_STUDY``, else "practice".
    stage : {"core", "anatomy"}
        How much of ``practice`` is needed: "core" is three people (a minute, once), "anatomy" all
        twelve and the cohort (two to three minutes more, once). A real study is as it was fetched,
        whatever the stage: the same cell opens both.

    Returns
    -------
    Study

    Raises
    ------
    UnknownStudy
        If there is no such study.
    ValueError
        If there is no such stage.
    StudyNotFound
        If the study was not fetched; the message has the command.
    StorageError
        If the practice study cannot be written; the message says how to choose another folder.

    Examples
    --------
    >>> open_study("practise")
    Traceback (most recent call last):
    mriworkbook.studies.UnknownStudy: Unknown study 'practise'. Known: practice, aomic. Did you...
    """
    name = name or os.environ.get("MRIWORKBOOK_STUDY") or PRACTICE
    # A slip is told for every study, or it would show only when the notebook meets `practice`.
    stages_up_to(stage)
    if name == PRACTICE:
        return Study(
            name=PRACTICE,
            root=make_practice(stage),
            title="Practice study (simulated)",
            space="MNI152NLin2009aSym",
            simulated=True,
            example="01",
        )
    root, about = study_folder(name), data_fetch.dataset(name)
    if not (root / "dataset_description.json").is_file():
        raise StudyNotFound(
            f"The study {name!r} is not on this machine (looked in {root}). "
            f"Get it, then try again: mriworkbook data get {name}"
        )
    return Study(name, root, about.title, about.space, simulated=False, example=about.example)


def known_studies():
    """Names that `open_study` knows.

    Examples
    --------
    >>> known_studies()
    ['practice', 'aomic']
    """
    return [PRACTICE, *data_fetch.names()]


def study_folder(name):
    """Folder of a study, whether or not it is there.

    Parameters
    ----------
    name : str
        One of `known_studies`.

    Returns
    -------
    Path

    Raises
    ------
    UnknownStudy
    """
    if name not in known_studies():
        raise UnknownStudy(data_fetch.unknown_name(name, known_studies()))
    return data_root() / name


@functools.cache
def _code_hash():
    """Hash of this package's modules: a result cached by older code must not be returned."""
    package = Path(__file__).parent
    total = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        total.update(path.relative_to(package).as_posix().encode())
        total.update(path.read_bytes())
    return total.hexdigest()[:16]


def _how_to_make():
    from mriworkbook import practice

    last = practice.STAGES[-1]
    if last in stages_here():
        return f"Check the name; if it was deleted, make the study again: {REMAKE}"
    return (
        f"Check the name; not everything was made yet. Make it: {REMAKE} --stage {last}, or in "
        f"Python: open_study({PRACTICE!r}, stage={last!r})"
    )


def _absent_file(study, path):
    """Say which file is absent, how big it is, where it comes from and how to get it."""
    sentence = f"{path} is not in {study.root}."
    if study.simulated:
        return f"{sentence} {_how_to_make()}"
    entries = {entry.path: entry for entry in data_fetch.manifest(study.name)}
    if path in entries:
        entry = entries[path]
        subset = "" if entry.subset == "mini" else f" --subset {entry.subset}"
        size = data_fetch.human_size(entry.bytes)
        return (
            f"{sentence} It is a file of {study.name} that was not fetched ({size}, from "
            f"{entry.url}). Get it: mriworkbook data get {study.name}{subset}"
        )
    close = difflib.get_close_matches(path, list(entries), n=1)
    meant = f" Did you mean {close[0]}?" if close else ""
    return f"{sentence} {study.name} has no such file.{meant}"
