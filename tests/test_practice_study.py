"""The real practice study through the front door: killed once, made, opened, queried."""

import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import nibabel as nib
import pytest
from fake_practice import wait_for

from mriworkbook import practice, store, studies


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The study as it is after a first run was killed in the middle."""
    data = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MRIWORKBOOK_DATA", str(data))
        patch.setenv("MRIWORKBOOK_QUIET", "1")
        call = [sys.executable, "-c", "from mriworkbook.cli import app; app()"]
        process = subprocess.Popen([*call, "data", "get", "practice"])
        wait_for(lambda: list(data.glob(".practice-making-*/sub-*/anat/*")), seconds=120)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
        assert not (data / "practice").exists()
        yield studies.open_study()


def test_a_killed_run_leaves_nothing_behind(study):
    assert {path.name for path in study.root.parent.iterdir()} == {"practice", "practice.lock"}
    assert store.verify_practice() == []


def test_it_fits_into_the_space_that_the_message_names(study):
    size = sum(path.stat().st_size for path in study.root.rglob("*") if path.is_file())
    assert size < float(store.PRACTICE_SIZE.removesuffix(" MB")) * 1e6


def test_the_example_can_be_queried_as_in_a_real_study(study):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layout = study.layout
    who = study.example
    (raw,) = layout.get(subject=who, suffix="T1w", scope="raw", extension=".nii.gz")
    assert Path(raw.path) == study.file(f"sub-{who}", "anat", f"sub-{who}_T1w.nii.gz")
    (mask,) = layout.get(
        subject=who, suffix="mask", desc="brain", scope="derivatives", extension=".nii.gz"
    )
    (preproc,) = layout.get(
        subject=who, suffix="T1w", desc="preproc", scope="derivatives", extension=".nii.gz"
    )
    assert nib.load(mask.path).shape == nib.load(preproc.path).shape == nib.load(raw.path).shape
    assert not [f.path for f in layout.get() if "truth" in f.path or "freesurfer" in f.path]


@pytest.mark.parametrize("what", practice.TRUTH)
def test_every_truth_is_there(study, what):
    for subject in study.layout.get_subjects(scope="raw"):
        assert study.truth(subject, what).is_file()


def test_its_space_is_the_one_its_files_name(study):
    assert f"space-{study.space}" in study.truth(study.example, "jacobian").name


def test_an_unknown_truth_is_explained(study):
    with pytest.raises(ValueError, match="jacobian"):
        study.truth("01", "hippocampus")
    with pytest.raises(studies.StudyNotFound, match="sub-99"):
        study.truth("99", "GM")


def test_it_is_not_made_again(study):
    before = (study.root / store.STAMP).stat().st_mtime_ns
    assert os.environ["MRIWORKBOOK_DATA"] == str(study.root.parent)
    assert studies.open_study() == study
    assert (study.root / store.STAMP).stat().st_mtime_ns == before
