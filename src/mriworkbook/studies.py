"""Open a study by name: its folder, its BIDS layout, its cache and, where simulated, its truth.

``practice`` is simulated on the reader's own machine when it is first opened, in stages; every
other study is fetched beforehand with ``mriworkbook data get <name>``.
"""

import difflib
import functools
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import data_fetch
from data_fetch.storage import explained
from mriworkbook.store import (
    PRACTICE,
    REMAKE,
    data_root,
    make_practice,
    needed_stages,
    stages_here,
)


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
    derivatives : tuple of str
        Folders of the preprocessed data, below the root.
    """

    name: str
    root: Path
    title: str
    space: str
    simulated: bool
    example: str
    derivatives: tuple = ("derivatives/fmriprep",)

    @functools.cached_property
    def layout(self):
        """`bids.layout.BIDSLayout` over the raw data and the preprocessed ones, indexed once."""
        from mriworkbook.layouts import bids_layout

        derivatives = [self.root / place for place in self.derivatives]
        return bids_layout(self.root, derivatives, data_root() / "cache" / self.name)

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
        places = [self.root, *(self.root / place for place in self.derivatives)]
        tables = [place / "participants.tsv" for place in places]
        found = next((table for table in tables if table.is_file()), tables[0])
        return self.file(*found.relative_to(self.root).parts)

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

    def truth(self, subject, what, run=None, task="rest"):
        """Path of what the simulation knows about a person, or about a cohort.

        Parameters
        ----------
        subject : str
            Label without ``sub-``, e.g. "01"; or "cohort", "series", "parcellation".
        what : str
            A name of `mriworkbook.practice.TRUTH`, e.g. "brain_mask", "bias_field" or "GM", or of
            `mriworkbook.practice.BOLD_TRUTH`, e.g. "coupling"; else of
            `mriworkbook.practice.COMMON_TRUTH`, e.g. "effects".
        run : str, optional
            "run-2" for an anatomical scan that was repeated.
        task : str
            "rest" or "motor", for what is true about a BOLD run.

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

        return self.file(practice.truth_path(self.root, subject, what, run, task))


def open_study(name=None, *, stage="core"):
    """Open a study; what is missing of ``practice`` is made, which takes a minute or two.

    Parameters
    ----------
    name : str, optional
        "practice" or a study of ``mriworkbook data list``. By default the environment's
        ``MRIWORKBOOK_STUDY``, else "practice".
    stage : {"core", "anatomy", "functional"} or sequence of them
        How much of ``practice`` is needed: "core" is three heads and the BOLD runs of one of
        them (a minute, once), "anatomy" all twelve heads and the cohort of tables (two to three
        minutes more, once), "functional" the BOLD runs of twenty people and the cohort of time
        series (a minute more, once). A real study is as it was fetched, whatever the stage: the
        same cell opens both.

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
    mriworkbook.studies.UnknownStudy: Unknown study 'practise'. Known: practice,... Did you...
    """
    name = name or os.environ.get("MRIWORKBOOK_STUDY") or PRACTICE
    # A slip is told for every study, or it would show only when the notebook meets `practice`.
    needed_stages(stage)
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
    if not about.opens:
        raise UnknownStudy(
            f"{name!r} is not a BIDS study but a folder of files ({about.title}). "
            f"Its place: mriworkbook data path {name}, or in Python: study_folder({name!r})"
        )
    if not (root / "dataset_description.json").is_file():
        raise StudyNotFound(
            f"The study {name!r} is not on this machine (looked in {root}). "
            f"Get it, then try again: mriworkbook data get {name}"
        )
    return Study(
        name=name,
        root=root,
        title=about.title,
        space=about.space,
        simulated=False,
        example=about.example,
        derivatives=about.derivatives,
    )


def known_studies():
    """The practice study and everything that can be fetched.

    Examples
    --------
    >>> known_studies()[:3]
    ['practice', 'abide-thickness', 'aomic']
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


def _how_to_make(path):
    """What to type to get a file of the practice study, which is absent."""
    functional = {"func", "parcellation", "series"} & {*path.split("/")}
    stage = "functional" if functional else "anatomy"
    if stage in stages_here():
        return f"Check the name; if it was deleted, make the study again: {REMAKE}"
    return (
        f"Check the name; not everything was made yet. Make it: {REMAKE} --stage {stage}, or in "
        f"Python: open_study({PRACTICE!r}, stage={stage!r})"
    )


def _absent_file(study, path):
    """Say which file is absent, how big it is, where it comes from and how to get it."""
    sentence = f"{path} is not in {study.root}."
    if study.simulated:
        return f"{sentence} {_how_to_make(path)}"
    entries = {entry.path: entry for entry in data_fetch.manifest(study.name)}
    if path in entries:
        entry = entries[path]
        subset = "" if entry.subset == "mini" else f" --subset {entry.smallest}"
        size = data_fetch.human_size(entry.bytes)
        return (
            f"{sentence} It is a file of {study.name} that was not fetched ({size}, from "
            f"{entry.url}). Get it: mriworkbook data get {study.name}{subset}"
        )
    close = difflib.get_close_matches(path, list(entries), n=1)
    meant = f" Did you mean {close[0]}?" if close else ""
    return f"{sentence} {study.name} has no such file.{meant}"
