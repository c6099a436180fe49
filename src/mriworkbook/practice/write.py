"""Write the practice study, stage by stage: who is made in which stage, step by step, and by whom.

A step is one function ``write_<step>(root, label)``; the steps of a person are a chain, because
each reads what the former wrote. Chains do not depend on each other.
"""

import os
import threading
import time

from mriworkbook.practice import STAGES
from mriworkbook.practice._texts import write_texts
from mriworkbook.practice.parameters import PEOPLE

CORE = ("01", "02", "03")
# Module and what is said while it runs, in the order in which a person's steps need each other.
STEPS = {
    "scan": ("_scan", "scan of sub-{}"),
    "fmriprep": ("_fmriprep", "preprocessing of sub-{}"),
    "surfaces": ("_surfaces", "surfaces of sub-{}"),
    "freesurfer": ("_freesurfer", "FreeSurfer for sub-{}"),
}
COHORT = "cohort"
# One thread a job: two jobs are two cores, and thread pools only get in each other's way.
_ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM")}


def write_stage(root, stage, *, n_jobs=1, progress=None):
    """See `mriworkbook.practice.make_stage`."""
    labels = labels_of(stage)
    _check(root, stage, labels)
    report = progress or (lambda message, done, total: None)
    write_texts(root, [*_people_in(root), *labels], cohort=stage == "anatomy")
    chains = _chains(stage, labels)
    total = sum(len(chain) for chain in chains)
    run = _one_by_one if n_jobs == 1 else _side_by_side
    run(root, chains, n_jobs, lambda text, done: report(f"{stage}, {text}", done, total))
    report(f"{stage} is ready", total, total)


def labels_of(stage):
    """People that a stage adds.

    Examples
    --------
    >>> labels_of("core")
    ['01', '02', '03']
    """
    if stage not in STAGES:
        raise ValueError(f"No stage is called {stage!r}; choose one of {', '.join(STAGES)}.")
    return [label for label in PEOPLE if (label in CORE) == (stage == "core")]


def _people_in(root):
    return [label for label in PEOPLE if (root / f"sub-{label}").is_dir()]


def _check(root, stage, labels):
    """The folder must hold the former stages and nothing of this one."""
    if not root.is_dir():
        raise NotADirectoryError(f"{root} is no folder: create it first.")
    if stage == STAGES[0]:
        if any(root.iterdir()):
            raise FileExistsError(f"{root} is not empty: give an empty folder.")
        return
    present = _people_in(root)
    former = [label for label in PEOPLE if label in CORE]
    absent = [f"sub-{label}" for label in former if label not in present]
    if absent:
        raise FileNotFoundError(
            f"{root} lacks {', '.join(absent)}: make the stage {STAGES[0]!r} there first."
        )
    made = [f"sub-{label}" for label in labels if label in present]
    if made:
        raise FileExistsError(
            f"{root} already holds {', '.join(made)}: give a folder with the former stages only."
        )


def _chains(stage, labels):
    """Steps that follow each other, one list a person; the longest first, so that no core idles."""
    finest_first = sorted(labels, key=lambda label: PEOPLE[label].voxel_size)
    chains = [[(step, label) for step in STEPS] for label in finest_first]
    return [*chains, [(COHORT, None)]] if stage == "anatomy" else chains


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
    return "tables and maps of the cohort" if step == COHORT else STEPS[step][1].format(label)


def _do(root, task):
    """Write one step; its module is loaded when it is used."""
    from importlib import import_module

    step, label = task
    if step == COHORT:
        from mriworkbook.practice.cohort import write_cohort

        write_cohort(root)
    else:
        module = import_module(f"mriworkbook.practice.{STEPS[step][0]}")
        getattr(module, f"write_{step}")(root, label)
