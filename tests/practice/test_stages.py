"""Stages of the practice study: who is made, in which order, what is said, what the texts say."""

import json
import subprocess
import sys

import pandas as pd
import psutil
import pytest
from fake_practice import wait_for

from mriworkbook import practice
from mriworkbook.practice import _texts, write
from mriworkbook.practice.parameters import PEOPLE


@pytest.fixture
def done(monkeypatch):
    """Tasks that would have been done; people get empty folders instead of images."""
    tasks = []

    def pretend(root, task):
        tasks.append(task)
        if task[0] == "scan":
            (root / f"sub-{task[1]}").mkdir()

    monkeypatch.setattr(write, "_do", pretend)
    return tasks


def test_every_person_is_of_one_stage_and_gets_every_step_in_order(done, tmp_path):
    for stage in practice.STAGES:
        practice.make_stage(tmp_path, stage)
    for label in PEOPLE:
        assert [step for step, who in done if who == label] == list(write.STEPS)
    assert [who for step, who in done if step == "scan"][:3] == ["01", "02", "03"]
    assert done.count((write.COHORT, None)) == 1
    assert len(done) == len(PEOPLE) * len(write.STEPS) + 1


def test_the_longest_chains_begin_first():
    """Else the 1 mm person would keep one core busy at the end, while the other has nothing."""
    chains = write._chains("anatomy", write.labels_of("anatomy"))
    sizes = [PEOPLE[chain[0][1]].voxel_size for chain in chains if chain[0][1]]
    assert sizes == sorted(sizes) and sizes[0] == 1
    assert chains[-1] == [(write.COHORT, None)]  # shorter than a person


@pytest.mark.parametrize("stage", practice.STAGES)
def test_progress_counts_steps_and_names_the_stage(done, tmp_path, stage):
    if stage == "anatomy":
        practice.make_stage(tmp_path, "core")
    reports = []
    practice.make_stage(tmp_path, stage, progress=lambda *report: reports.append(report))
    messages, counts, totals = zip(*reports, strict=True)
    assert set(totals) == {len(reports) - 1}
    assert list(counts) == list(range(len(reports)))
    assert all(message.startswith(stage) for message in messages)
    for label in write.labels_of(stage):
        assert sum(f"sub-{label}" in message for message in messages) == len(write.STEPS)
    assert messages[-1] == f"{stage} is ready"


def test_a_folder_that_does_not_fit_is_refused(done, tmp_path):
    with pytest.raises(NotADirectoryError, match="create it first"):
        practice.make_stage(tmp_path / "nowhere", "core")
    with pytest.raises(ValueError, match="choose one of core, anatomy"):
        practice.make_stage(tmp_path, "bold")
    with pytest.raises(FileNotFoundError, match="lacks sub-01, sub-02, sub-03: make the stage"):
        practice.make_stage(tmp_path, "anatomy")
    practice.make_stage(tmp_path, "core")
    with pytest.raises(FileExistsError, match="not empty"):
        practice.make_stage(tmp_path, "core")
    practice.make_stage(tmp_path, "anatomy")
    with pytest.raises(FileExistsError, match="already holds sub-04, "):
        practice.make_stage(tmp_path, "anatomy")


# ---------------------------------------------------------------- texts


def read_texts(root):
    table = pd.read_csv(root / "participants.tsv", sep="\t", dtype=str)
    return (root / "README").read_text(), table


def test_the_texts_fit_what_is_there(done, tmp_path):
    practice.make_stage(tmp_path, "core")
    readme, table = read_texts(tmp_path)
    assert "three invented people" in readme and "fs_stats" not in readme
    assert list(table["participant_id"]) == ["sub-01", "sub-02", "sub-03"]
    practice.make_stage(tmp_path, "anatomy")
    readme, table = read_texts(tmp_path)
    assert readme.startswith("Everything in this data set is simulated.")
    assert "twelve invented people" in readme and "fs_stats" in readme
    assert list(table["participant_id"]) == [f"sub-{label}" for label in PEOPLE]
    levels = json.loads((tmp_path / "participants.json").read_text())
    assert list(levels) == list(table.columns[1:])
    for column in ("sex", "group"):
        assert set(table[column]) == set(levels[column]["Levels"])
    folders = {path.name: path for path in (tmp_path / "derivatives").iterdir()}
    assert set(folders) == {*_texts.PIPELINES, *_texts.PLAIN}
    for name in _texts.PIPELINES:
        about = json.loads((folders[name] / "dataset_description.json").read_text())
        assert "simulated" in about["Name"], name
    for name in _texts.PLAIN:
        assert "is simulated" in (folders[name] / "README").read_text(), name


def test_planted_faults_are_to_be_found_not_told(done, tmp_path):
    practice.make_stage(tmp_path, "core")
    practice.make_stage(tmp_path, "anatomy")
    said = "".join(p.read_text() for p in tmp_path.glob("*") if p.is_file()).lower()
    faults = {person.fault for person in PEOPLE.values() if person.fault}
    assert len(faults) == 3
    assert not [fault for fault in faults if fault in said]
    assert "twin" not in said


# ---------------------------------------------------------------- processes

PRETEND = """
import os, sys, time
from pathlib import Path
from mriworkbook.practice import write

def work(root, task):
    Path(root, f"pid-{os.getpid()}").touch()
    begin, before = time.time(), list(root.glob(f"{task[1]}-*"))
    time.sleep(SECONDS)
    Path(root, f"{task[1]}-{task[0]}").write_text(f"{begin} {time.time()} {len(before)}")

write._do = work
chains = [[("scan", 1), ("fmriprep", 1)], [("scan", 2)], [("scan", 3)]]
write._side_by_side(Path(sys.argv[1]), chains, 2, lambda *report: print(*report, flush=True))
"""


def pretend(folder, seconds):
    return subprocess.Popen(
        [sys.executable, "-c", PRETEND.replace("SECONDS", str(seconds)), folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def works(pid):
    # One that ended may stay in the list until somebody asks how.
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_two_jobs_share_the_chains(tmp_path):
    out, err = pretend(tmp_path, 0.3).communicate(timeout=60)
    assert err == ""
    assert [line.split()[-1] for line in out.splitlines()] == ["0", "0", "1", "2"]
    times = {
        name: [float(word) for word in (tmp_path / name).read_text().split()]
        for name in ("1-scan", "1-fmriprep", "2-scan", "3-scan")
    }
    assert times["1-fmriprep"][2] == 1  # after the person's scan
    assert times["2-scan"][0] < times["1-scan"][1]  # side by side
    assert len(list(tmp_path.glob("pid-*"))) == 2


def test_processes_end_soon_after_a_parent_that_was_killed(tmp_path):
    process = pretend(tmp_path, 60)
    wait_for(lambda: len(list(tmp_path.glob("pid-*"))) == 2, seconds=60)
    pids = [int(path.name.split("-")[1]) for path in tmp_path.glob("pid-*")]
    assert all(works(pid) for pid in pids)
    process.kill()
    process.communicate(timeout=10)
    wait_for(lambda: not any(works(pid) for pid in pids), seconds=5)
