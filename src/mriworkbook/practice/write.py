"""Write the practice study, stage by stage: who is made in which stage, step by step, and by whom.

A step is one function ``write_<step>(root, label)``, or ``write_<step>(root)`` for what is
nobody's own. The steps of a person are a chain, because each reads what the former wrote. Chains
do not depend on each other.
"""

import os
import threading
import time

from mriworkbook.practice import NEEDS, STAGES
from mriworkbook.practice._texts import write_texts
from mriworkbook.practice.parameters import BOLD_PEOPLE, PEOPLE

CORE = ("01", "02", "03")
# The one of them whose BOLD runs are of the core, too.
EXAMPLE = "01"
# Module and what is said while it runs, in the order in which a person's steps need each other.
STEPS = {
    "scan": ("_scan", "scan of sub-{}"),
    "fmriprep": ("_fmriprep", "preprocessing of sub-{}"),
    "surfaces": ("_surfaces", "surfaces of sub-{}"),
    "freesurfer": ("_freesurfer", "FreeSurfer for sub-{}"),
}
BOLD_STEPS = {
    "bold": ("_bold", "BOLD of sub-{}"),
    "confounds": ("_confounds", "confounds of sub-{}"),
}
# What belongs to nobody.
COMMON_STEPS = {
    "cohort": ("cohort", "tables and maps of the cohort"),
    "series": ("series", "time series of the cohort"),
    "parcellation": ("_parcellation", "parcellation"),
}
COMMON = {"core": ("parcellation",), "anatomy": ("cohort",), "functional": ("series",)}
# Where a person's files of a stage lie: a stage is there if such a folder is.
_PLACES = {
    "core": "sub-{}/anat",
    "anatomy": "sub-{}/anat",
    "functional": "derivatives/fmriprep/sub-{}/func",
}
# One thread a job: two jobs are two cores, and thread pools only get in each other's way.
_ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM")}


def write_stage(root, stage, *, n_jobs=1, progress=None):
    """See `mriworkbook.practice.make_stage`."""
    _check(root, stage)
    report = progress or (lambda message, done, total: None)
    write_texts(root, [other for other in STAGES if other == stage or _present(root, other)])
    chains = _chains(stage)
    total = sum(len(chain) for chain in chains)
    run = _one_by_one if n_jobs == 1 else _side_by_side
    run(root, chains, n_jobs, lambda text, done: report(f"{stage}, {text}", done, total))
    report(f"{stage} is ready", total, total)


def labels_of(stage):
    """People of whom a stage makes images.

    Examples
    --------
    >>> labels_of("core")
    ['01', '02', '03']
    >>> labels_of("functional")[:3]
    ['02', '03', '13']
    """
    if stage not in STAGES:
        raise ValueError(f"No stage is called {stage!r}; choose one of {', '.join(STAGES)}.")
    if stage == "functional":
        return [label for label in BOLD_PEOPLE if label != EXAMPLE]
    return [label for label in PEOPLE if (label in CORE) == (stage == "core")]


def _present(root, stage):
    """People of a stage who are there."""
    place = _PLACES[stage]
    return [label for label in labels_of(stage) if (root / place.format(label)).is_dir()]


def _check(root, stage):
    """The folder must hold the stages that this one needs, and nothing of this one."""
    if not root.is_dir():
        raise NotADirectoryError(f"{root} is no folder: create it first.")
    labels = labels_of(stage)
    if stage == STAGES[0] and any(root.iterdir()):
        raise FileExistsError(f"{root} is not empty: give an empty folder.")
    for need in NEEDS[stage]:
        absent = [f"sub-{label}" for label in labels_of(need) if label not in _present(root, need)]
        if absent:
            raise FileNotFoundError(
                f"{root} lacks {', '.join(absent)}: make the stage {need!r} there first."
            )
    made = [_PLACES[stage].format(label) for label in labels if label in _present(root, stage)]
    if made:
        raise FileExistsError(
            f"{root} already holds {', '.join(made)}: give a folder without the stage {stage!r}."
        )


def _chains(stage):
    """Steps that follow each other, one list a person; the longest first, so that no core idles."""
    people = labels_of(stage)
    if stage != "functional":
        people.sort(key=lambda label: PEOPLE[label].voxel_size)
    chains = [[(step, label) for step in _steps(stage, label)] for label in people]
    return [*chains, *([(step, None)] for step in COMMON[stage])]


def _steps(stage, label):
    if stage == "functional":
        return [*BOLD_STEPS]
    return [*STEPS, *(BOLD_STEPS if label == EXAMPLE else ())]


def _one_by_one(root, chains, n_jobs, report):
    from mriworkbook.practice.anatomy import load_template

    try:
        for done, task in enumerate(task for chain in chains for task in chain):
            report(_words(task), done)
            _do(root, task)
    finally:
        # A notebook's kernel lives on and needs the memory.
        load_template.cache_clear()


def _side_by_side(root, chains, n_jobs, report):
    """Whole chains in processes of their own; none outlives the call."""
    from concurrent.futures import FIRST_COMPLETED, wait

    from joblib.externals.loky import ProcessPoolExecutor

    waiting, running, done = list(chains), {}, 0
    pool = ProcessPoolExecutor(
        n_jobs, initializer=_end_with, initargs=(os.getpid(),), env=_ONE_THREAD
    )
    try:
        while waiting or running:
            while waiting and len(running) < n_jobs:
                task, *rest = waiting.pop(0)
                report(_words(task), done)
                running[pool.submit(_do, root, task)] = rest
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                future.result()
                done += 1
                # Before the chains that have not begun: the process has this person's data warm.
                if rest := running.pop(future):
                    waiting.insert(0, rest)
    finally:
        pool.shutdown(wait=True, kill_workers=True)


def _end_with(parent):
    """Let this process end soon after its parent, which may be killed without a word.

    Its half-made files lie in a folder that the next call removes; nobody may write there then.
    Ctrl-C in a terminal reaches children, too, but ending them is the parent's part.
    """
    import signal

    def watch():
        # On Windows the number never changes: there a child ends with its step.
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=watch, daemon=True).start()


def _words(task):
    step, label = task
    return (STEPS | BOLD_STEPS | COMMON_STEPS)[step][1].format(label)


def _do(root, task):
    """Write one step; its module is loaded when it is used."""
    from importlib import import_module

    step, label = task
    name = (STEPS | BOLD_STEPS | COMMON_STEPS)[step][0]
    write = getattr(import_module(f"mriworkbook.practice.{name}"), f"write_{step}")
    write(*((root,) if label is None else (root, label)))
