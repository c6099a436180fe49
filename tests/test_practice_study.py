"""The real practice study through the front door: killed once, made, opened, queried."""

import filecmp
import json
import os
import random
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import nibabel as nib
import pandas as pd
import pytest
from fake_practice import wait_for
from shared_practice import common_folder, once

from mriworkbook import practice, store, studies
from mriworkbook.practice.parameters import BOLD_PEOPLE, PEOPLE

# Two people, one of them without a head: what is tried is the way, not the crowd.
FEW = """
import sys
from mriworkbook import store
from mriworkbook.practice import parameters, write
for people in (parameters.PEOPLE, parameters.BOLD_PEOPLE):
    for label in set(people) - {"02", "13"}:
        del people[label]
write.COMMON = dict.fromkeys(write.COMMON, ())
store.make_practice("functional", n_jobs=int(sys.argv[1]))
print(store.stages_here(), store.verify_practice())
print(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1])
"""


def kill_then_make(folder):
    """Kill a run of two processes at a random moment, then let a single process do it all."""
    data = folder / "data"
    environment = {**os.environ, "MRIWORKBOOK_DATA": str(data), "MRIWORKBOOK_QUIET": "1"}
    process = subprocess.Popen([sys.executable, "-c", FEW, "2"], env=environment)
    wait_for(lambda: list(data.glob(".practice-making-*/README")), seconds=120)
    time.sleep(random.SystemRandom().uniform(0, 5))
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=10)
    left = [path.name for path in data.glob("practice")]
    again = [sys.executable, "-c", FEW, "1"]
    done = subprocess.run(again, env=environment, capture_output=True, text=True, check=False)
    notes = {"left": left, "returncode": done.returncode, "out": done.stdout, "err": done.stderr}
    (folder / "notes.json").write_text(json.dumps(notes))


@pytest.fixture(scope="session")
def killed(tmp_path_factory):
    """A data folder after `kill_then_make`, and what was seen then."""
    folder = once(common_folder(tmp_path_factory), "killed", kill_then_make)
    return folder / "data", json.loads((folder / "notes.json").read_text())


def test_a_killed_run_leaves_nothing_behind(killed):
    """As in `test_store`, but with the real simulation, its processes and its files."""
    data, notes = killed
    assert (notes["left"], notes["returncode"], notes["err"]) == ([], 0, "")
    assert notes["out"].splitlines()[0] == "['core', 'functional'] []"
    assert {path.name for path in data.iterdir()} == {"practice", "practice.lock"}
    assert {path.name for path in data.glob("practice/sub-*")} == {"sub-02"}


def test_voxels_do_not_depend_on_jobs(killed, practice_functional):
    """One process made these; the study is made by two where there is room."""
    before, again = (
        {
            path.relative_to(root): path
            for label in ("02", "13")
            for path in root.glob(f"**/sub-{label}/**/*")
            if path.is_file()
        }
        for root in (practice_functional, killed[0] / "practice")
    )
    assert set(before) == set(again)
    assert sum(path.name.endswith("_bold.nii.gz") for path in again) == 4
    different = [path for path in again if not filecmp.cmp(before[path], again[path], False)]
    assert different == []


def test_memory_is_bounded(killed):
    assert int(killed[1]["out"].splitlines()[1]) / 1000 < 700


@pytest.fixture(scope="module")
def study(practice_whole):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MRIWORKBOOK_DATA", str(practice_whole.parent))
        yield studies.open_study("practice", stage=["anatomy", "functional"])


def test_it_is_not_made_again(study, capsys):
    before = (study.root / store.STAMP).stat().st_mtime_ns
    assert studies.open_study("practice") == study
    assert (study.root / store.STAMP).stat().st_mtime_ns == before
    assert capsys.readouterr() == ("", "")


def test_it_fits_into_the_space_that_the_messages_name(study, practice_core):
    core, whole = (
        sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
        for folder in (practice_core, study.root)
    )
    named = {stage: float(text.removesuffix(" MB")) for stage, text in store.SIZES.items()}
    assert 0.6 * named["core"] < core < named["core"]
    both = named["anatomy"] + named["functional"] - named["core"]
    assert 0.8 * both < whole < both <= 600


def test_the_core_is_the_same_in_both_stages(study, practice_core):
    """A stage that is added rewrites texts, and nothing else."""
    texts = {"README", "participants.tsv"}
    assert (practice_core / "sub-01").is_dir()
    for path in practice_core.rglob("*"):
        inside = path.relative_to(practice_core)
        if path.is_file() and path.name not in texts and store.STAMP.parts[0] not in inside.parts:
            assert path.read_bytes() == (study.root / inside).read_bytes(), inside


def test_all_people_are_opened_quickly(study):
    start = time.process_time()
    layout = studies.open_study("practice").layout
    assert layout.get_subjects(scope="raw") == list(PEOPLE)
    assert layout.get_subjects() == sorted({*PEOPLE, *BOLD_PEOPLE})
    assert time.process_time() - start < 3


def test_the_example_can_be_queried_as_in_a_real_study(study):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layout = study.layout
    who = study.example
    (raw,) = layout.get(subject=who, suffix="T1w", scope="raw", extension=".nii.gz")
    assert Path(raw.path) == study.file(f"sub-{who}", "anat", f"sub-{who}_T1w.nii.gz")
    native = {"subject": who, "space": None, "scope": "derivatives", "extension": ".nii.gz"}
    (mask,) = layout.get(suffix="mask", desc="brain", **native)
    (preproc,) = layout.get(suffix="T1w", desc="preproc", **native)
    assert nib.load(mask.path).shape == nib.load(preproc.path).shape == nib.load(raw.path).shape
    assert not [f.path for f in layout.get() if "truth" in f.path or "freesurfer" in f.path]


def test_bold_runs_and_what_belongs_to_them_can_be_queried(study):
    """As nilearn and the episodes ask; the twenty people are found by their group."""
    people = pd.read_csv(study.file("participants.tsv"), sep="\t", index_col=0)
    who = [name.removeprefix("sub-") for name in people.index[people["group"].notna()]]
    query = {"task": "rest", "scope": "derivatives"}
    image = {"space": study.space, "extension": ".nii.gz"}
    for label in who:
        (run,) = study.layout.get(subject=label, desc="preproc", suffix="bold", **query, **image)
        (mask,) = study.layout.get(subject=label, desc="brain", suffix="mask", **query, **image)
        (table,) = study.layout.get(
            subject=label, desc="confounds", suffix="timeseries", extension=".tsv", **query
        )
        n_scans = nib.load(run.path).shape[3]
        assert nib.load(mask.path).shape == nib.load(run.path).shape[:3]
        assert len(pd.read_csv(table.path, sep="\t")) == n_scans
        assert run.get_metadata()["RepetitionTime"] == nib.load(run.path).header.get_zooms()[3]
    assert len(who) == 20


def test_raw_runs_and_events_can_be_queried(study):
    runs = study.layout.get(scope="raw", suffix="bold", task="rest", extension=".nii.gz")
    assert [run.entities["subject"] for run in runs] == ["01", "02"]
    for run in runs:
        slices = nib.load(run.path).shape[2]
        assert len(run.get_metadata()["SliceTiming"]) == slices
    native = study.layout.get(space="T1w", desc="preproc", suffix="bold", extension=".nii.gz")
    assert [run.entities["subject"] for run in native] == ["01", "02"]
    (events,) = study.layout.get(suffix="events", extension=".tsv")
    table = pd.read_csv(events.path, sep="\t")
    assert list(table.columns) == ["onset", "duration", "trial_type"]


@pytest.mark.parametrize("what", practice.TRUTH)
def test_every_truth_is_there(study, what):
    for subject, person in PEOPLE.items():
        if what != "lesions" or person.lesions:
            assert study.truth(subject, what).is_file()


@pytest.mark.parametrize("what", practice.BOLD_TRUTH)
def test_every_truth_of_a_run_is_there(study, what):
    for subject in BOLD_PEOPLE:
        assert study.truth(subject, what).is_file()
    assert study.truth("01", what, task="motor") != study.truth("01", what)


def test_the_rescan_and_what_is_nobodys_have_truth_of_their_own(study):
    (again,) = [label for label, person in PEOPLE.items() if person.fault == "motion"]
    assert study.truth(again, "GM", "run-2") != study.truth(again, "GM")
    for subject, names in practice.COMMON_TRUTH.items():
        for what in names:
            assert study.truth(subject, what).is_file()


def test_the_cohort_has_its_table(study):
    assert len(pd.read_csv(study.cohort, sep="\t")) == 200


def test_its_space_is_the_one_its_files_name(study):
    assert f"space-{study.space}" in study.truth(study.example, "jacobian").name


def test_an_unknown_truth_is_explained(study):
    with pytest.raises(ValueError, match="jacobian"):
        study.truth("01", "hippocampus")
    with pytest.raises(studies.StudyNotFound, match="sub-99"):
        study.truth("99", "GM")
