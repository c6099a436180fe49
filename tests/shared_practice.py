"""The practice study for the tests of one run: made once, whatever the number of workers."""

import functools
import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock

from mriworkbook import practice, store


def common_folder(tmp_path_factory):
    """Temporary folder of this run; all its workers see the same."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def once(folder, name, fill):
    """Folder `name`, which the first worker that asks for it makes by ``fill(path)``."""
    path = folder / name
    with FileLock(folder / f"{name}.lock"):
        if not path.exists():
            making = Path(tempfile.mkdtemp(dir=folder))
            fill(making)
            making.rename(path)
    return path


@functools.cache
def own_study():
    """This machine's study and its stages, if it is whole and made by just the code tested.

    ``make test`` makes it beforehand, with both cores for itself.
    """
    root = store.data_root() / store.PRACTICE
    stamp = store.read_stamp(root)
    made_by_this_code = stamp is not None and (
        (stamp.get("code"), stamp["fingerprint"]) == (store.code(), practice.fingerprint())
    )
    if made_by_this_code and store.verify_practice() == []:
        return root, stamp["stages"]
    return None, []


def make_study(data, stages):
    """Make the study below a data root as `open_study` does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MRIWORKBOOK_DATA", str(data))
        patch.setenv("MRIWORKBOOK_QUIET", "1")
        return store.make_practice(stages)


def study_with(tmp_path_factory, *stages):
    """Folder of a study that has some stages besides the core, perhaps more; read only."""
    own, here = own_study()
    if {*stages} <= {*here}:
        return own
    folder = common_folder(tmp_path_factory)
    core = once(folder, "core", lambda data: make_study(data, "core"))

    def widen(data):
        shutil.copytree(core / store.PRACTICE, data / store.PRACTICE, copy_function=os.link)
        make_study(data, stages)

    return once(folder, "-".join(stages), widen) / store.PRACTICE


def core_of(tmp_path_factory):
    """Folder of the core, and nothing else; read only."""
    own, _ = own_study()
    folder = common_folder(tmp_path_factory)
    if own:
        return once(folder, "core-part", lambda new: core_part(own, new))
    return once(folder, "core", lambda data: make_study(data, "core")) / store.PRACTICE


def core_part(study, folder):
    """What of a wider study is its core, with texts that say so; images are linked, not copied."""
    from mriworkbook.practice._texts import write_texts
    from mriworkbook.practice.write import EXAMPLE, labels_of

    core = labels_of("core")
    elsewhere = {"fs_stats", "vbm", "cohort", "series"}
    for path in sorted(study.rglob("*")):
        inside = path.relative_to(study)
        person = re.search(r"sub-(\w+?)(?=[/_]|$)", inside.as_posix())
        other = person and person[1] not in ([EXAMPLE] if "func" in inside.parts else core)
        if other or {*elsewhere, store.STAMP.parts[0]} & {*inside.parts}:
            continue
        if path.is_dir():
            (folder / inside).mkdir(parents=True, exist_ok=True)
        else:
            store.link_or_copy(path, folder / inside)
    write_texts(folder, ["core"])
