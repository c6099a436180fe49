"""The real practice study through the front door: killed once, made, opened, queried."""

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

from mriworkbook import practice, store, studies
from mriworkbook.practice.parameters import PEOPLE

# One person: what is tried is the way, not the crowd.
ALONE = """
from mriworkbook.practice import parameters
for label in set(parameters.PEOPLE) - {"02"}:
    del parameters.PEOPLE[label]
from mriworkbook.store import stages_here, verify_practice
from mriworkbook.studies import open_study
open_study()
print(stages_here(), verify_practice())
"""


def test_a_killed_run_leaves_nothing_behind(tmp_path):
    """As in `test_store`, but with the real simulation, its processes and its files."""
    environment = {**os.environ, "MRIWORKBOOK_DATA": str(tmp_path), "MRIWORKBOOK_QUIET": "1"}
    call = {"args": [sys.executable, "-c", ALONE], "env": environment}
    process = subprocess.Popen(**call)
    wait_for(lambda: list(tmp_path.glob(".practice-making-*/README")), seconds=120)
    time.sleep(random.SystemRandom().uniform(0, 5))
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=10)
    assert not (tmp_path / "practice").exists()
    done = subprocess.run(**call, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "['core'] []\n", "")
    assert {path.name for path in tmp_path.iterdir()} == {"practice", "practice.lock"}
    assert {path.name for path in tmp_path.glob("practice/sub-*")} == {"sub-02"}


@pytest.fixture(scope="module")
def study(practice_anatomy):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MRIWORKBOOK_DATA", str(practice_anatomy.parent))
        yield studies.open_study("practice", stage="anatomy")


def test_it_is_not_made_again(study, capsys):
    before = (study.root / store.STAMP).stat().st_mtime_ns
    assert studies.open_study("practice") == study
    assert (study.root / store.STAMP).stat().st_mtime_ns == before
    assert capsys.readouterr() == ("", "")


def test_it_fits_into_the_space_that_the_messages_name(study, practice_core):
    for folder, stage in ((practice_core, "core"), (study.root, "anatomy")):
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        named = float(store.SIZES[stage].removesuffix(" MB"))
        assert 0.6 * named < size / 1e6 < named, stage


def test_the_core_is_the_same_in_both_stages(study, practice_core):
    """A stage that is added rewrites texts, and nothing else."""
    texts = {"README", "participants.tsv"}
    for path in practice_core.rglob("*"):
        inside = path.relative_to(practice_core)
        if path.is_file() and path.name not in texts and store.STAMP.parts[0] not in inside.parts:
            assert path.read_bytes() == (study.root / inside).read_bytes(), inside


def test_all_people_are_opened_quickly(study):
    start = time.process_time()
    layout = studies.open_study("practice").layout
    assert layout.get_subjects(scope="raw") == list(PEOPLE)
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


@pytest.mark.parametrize("what", practice.TRUTH)
def test_every_truth_is_there(study, what):
    for subject, person in PEOPLE.items():
        if what != "lesions" or person.lesions:
            assert study.truth(subject, what).is_file()


def test_the_rescan_and_the_cohort_have_truth_of_their_own(study):
    (again,) = [label for label, person in PEOPLE.items() if person.fault == "motion"]
    assert study.truth(again, "GM", "run-2") != study.truth(again, "GM")
    for what in practice.COHORT_TRUTH:
        assert study.truth("cohort", what).is_file()


def test_the_cohort_has_its_table(study):
    assert len(pd.read_csv(study.cohort, sep="\t")) == 200


def test_its_space_is_the_one_its_files_name(study):
    assert f"space-{study.space}" in study.truth(study.example, "jacobian").name


def test_an_unknown_truth_is_explained(study):
    with pytest.raises(ValueError, match="jacobian"):
        study.truth("01", "hippocampus")
    with pytest.raises(studies.StudyNotFound, match="sub-99"):
        study.truth("99", "GM")
