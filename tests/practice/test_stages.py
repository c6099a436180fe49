"""Stages of the practice study: who is made, in which order, what is said, what the texts say."""

import filecmp
import json
import subprocess
import sys

import pandas as pd
import psutil
import pytest
from fake_practice import wait_for

from mriworkbook import practice
from mriworkbook.practice import write
from mriworkbook.practice.parameters import BOLD_PEOPLE, PEOPLE


@pytest.fixture
def done(monkeypatch):
    """Tasks that would have been done; people get empty folders instead of images."""
    tasks = []

    def pretend(root, task):
        tasks.append(task)
        folders = {"scan": "sub-{}/anat", "bold": "derivatives/fmriprep/sub-{}/func"}
        if task[0] in folders:
            (root / folders[task[0]].format(task[1])).mkdir(parents=True)

    monkeypatch.setattr(write, "_do", pretend)
    return tasks


# Whoever opens the study decides what comes first.
ORDERS = [("core", "anatomy", "functional"), ("core", "functional", "anatomy")]


@pytest.mark.parametrize("order", ORDERS)
def test_every_person_gets_every_step_once_and_in_order(done, tmp_path, order):
    for stage in order:
        practice.make_stage(tmp_path, stage)
    for people, steps in ((PEOPLE, write.STEPS), (BOLD_PEOPLE, write.BOLD_STEPS)):
        for label in people:
            assert [step for step, who in done if who == label and step in steps] == list(steps)
    assert [who for step, who in done if step == "scan"][:3] == ["01", "02", "03"]
    common = [step for step, who in done if who is None]
    assert sorted(common) == sorted(write.COMMON_STEPS)
    several = len(PEOPLE) * len(write.STEPS) + len(BOLD_PEOPLE) * len(write.BOLD_STEPS)
    assert len(done) == several + len(common)


def test_the_functional_stage_needs_the_core_only(done, tmp_path):
    practice.make_stage(tmp_path, "core")
    practice.make_stage(tmp_path, "functional")
    assert {label for _, label in done if label} == {*write.CORE, *BOLD_PEOPLE}


def test_the_core_has_the_bold_of_the_example_and_a_parcellation(done, tmp_path):
    practice.make_stage(tmp_path, "core")
    assert [who for step, who in done if step in write.BOLD_STEPS] == [write.EXAMPLE] * 2
    assert done.index(("bold", "01")) > done.index(("freesurfer", "01"))
    assert ("parcellation", None) in done


def test_who_is_in_both_tables_is_one_person():
    both = {*PEOPLE} & {*BOLD_PEOPLE}
    assert both == {*write.CORE}
    for label in both:
        head, bold = PEOPLE[label], BOLD_PEOPLE[label]
        assert (head.number, head.age, head.sex) == (bold.number, bold.age, bold.sex)


def test_the_fingerprint_changes_with_the_people_who_have_bold(monkeypatch):
    before = practice.fingerprint()
    monkeypatch.setitem(BOLD_PEOPLE, "29", BOLD_PEOPLE["29"]._replace(motion_level=0.5))
    assert practice.fingerprint() != before


def test_the_longest_chains_begin_first():
    """Else the 1 mm person would keep one core busy at the end, while the other has nothing."""
    chains = write._chains("anatomy")
    sizes = [PEOPLE[chain[0][1]].voxel_size for chain in chains if chain[0][1]]
    assert sizes == sorted(sizes) and sizes[0] == 1
    assert chains[-1] == [("cohort", None)]  # shorter than a person


@pytest.mark.parametrize("stage", practice.STAGES)
def test_progress_counts_steps_and_names_the_stage(done, tmp_path, stage):
    for need in practice.NEEDS[stage]:
        practice.make_stage(tmp_path, need)
    reports = []
    practice.make_stage(tmp_path, stage, progress=lambda *report: reports.append(report))
    messages, counts, totals = zip(*reports, strict=True)
    assert set(totals) == {len(reports) - 1}
    assert list(counts) == list(range(len(reports)))
    assert all(message.startswith(stage) for message in messages)
    for label in write.labels_of(stage):
        steps = sum(f"sub-{label}" in message for message in messages)
        assert steps == sum(who == label for _, who in done[-len(reports) + 1 :])
    assert messages[-1] == f"{stage} is ready"


def test_a_folder_that_does_not_fit_is_refused(done, tmp_path):
    with pytest.raises(NotADirectoryError, match="create it first"):
        practice.make_stage(tmp_path / "nowhere", "core")
    with pytest.raises(ValueError, match="choose one of core, anatomy, functional"):
        practice.make_stage(tmp_path, "bold")
    for stage in ("anatomy", "functional"):
        with pytest.raises(FileNotFoundError, match="lacks sub-01, sub-02, sub-03: make the stage"):
            practice.make_stage(tmp_path, stage)
    practice.make_stage(tmp_path, "core")
    with pytest.raises(FileExistsError, match="not empty"):
        practice.make_stage(tmp_path, "core")
    practice.make_stage(tmp_path, "anatomy")
    with pytest.raises(FileExistsError, match="already holds sub-04/anat, "):
        practice.make_stage(tmp_path, "anatomy")
    practice.make_stage(tmp_path, "functional")
    with pytest.raises(FileExistsError, match=r"holds .*/fmriprep/sub-02/func, .*'functional'"):
        practice.make_stage(tmp_path, "functional")


# ---------------------------------------------------------------- texts


def read_texts(root):
    table = pd.read_csv(root / "participants.tsv", sep="\t", dtype=str)
    return (root / "README").read_text(), table


def test_the_texts_fit_what_is_there(done, tmp_path):
    practice.make_stage(tmp_path, "core")
    readme, table = read_texts(tmp_path)
    assert "three invented people, and brain activity of\none" in readme
    assert not any(word in readme for word in ("fs_stats", "derivatives/series", "sub-13"))
    assert list(table["participant_id"]) == ["sub-01", "sub-02", "sub-03"]
    practice.make_stage(tmp_path, "anatomy")
    readme, table = read_texts(tmp_path)
    assert readme.startswith("Everything in this data set is simulated.")
    assert "twelve invented people" in readme and "fs_stats" in readme
    assert list(table["participant_id"]) == [f"sub-{label}" for label in PEOPLE]
    practice.make_stage(tmp_path, "functional")
    readme, table = read_texts(tmp_path)
    assert "twelve invented people, and brain activity of\ntwenty" in readme
    assert "derivatives/series" in readme
    assert list(table["participant_id"]) == [f"sub-{k}" for k in sorted({*PEOPLE, *BOLD_PEOPLE})]
    assert max(map(len, readme.splitlines())) <= 100
    levels = json.loads((tmp_path / "participants.json").read_text())
    assert list(levels) == list(table.columns[1:])
    for column in ("sex", "group", "diagnosis"):
        assert set(table[column].dropna()) == set(levels[column]["Levels"])


def test_groups_are_of_those_who_have_bold_and_diagnoses_of_heads(done, tmp_path):
    for stage in practice.STAGES:
        practice.make_stage(tmp_path, stage)
    people = read_texts(tmp_path)[1].set_index("participant_id")
    assert people["group"].value_counts().to_dict() == {"control": 10, "patient": 10}
    for label in {*PEOPLE} | {*BOLD_PEOPLE}:
        row = people.loc[f"sub-{label}"]
        assert pd.isna(row["group"]) == (label not in BOLD_PEOPLE)
        assert pd.isna(row["diagnosis"]) == (label not in PEOPLE)
    assert people.loc["sub-04", "diagnosis"] == "AD-like"


def test_every_folder_says_that_it_is_simulated(done, tmp_path):
    for stage in practice.STAGES:
        practice.make_stage(tmp_path, stage)
        folders = {path.name: path for path in (tmp_path / "derivatives").iterdir()}
        for name, folder in folders.items():
            description = folder / "dataset_description.json"
            if description.is_file():
                assert "simulated" in json.loads(description.read_text())["Name"], name
            else:
                assert "is simulated" in (folder / "README").read_text(), name
    assert {*folders} == {
        *("fmriprep", "freesurfer", "truth", "fs_stats", "vbm", "parcellation", "series")
    }


def test_texts_do_not_depend_on_the_order_of_stages(done, tmp_path):
    for order in ORDERS:
        root = tmp_path / order[1]
        root.mkdir()
        for stage in order:
            practice.make_stage(root, stage)
    files = [p.relative_to(root) for p in root.rglob("*") if p.is_file()]
    assert len(files) > 8
    assert filecmp.cmpfiles(*(tmp_path / order[1] for order in ORDERS), files, False)[1:] == (
        [],
        [],
    )


def test_planted_faults_are_to_be_found_not_told(done, tmp_path):
    for stage in ("core", "anatomy"):
        practice.make_stage(tmp_path, stage)
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
    Path(root, f"begun-{task[1]}").touch()
    other = Path(root, "begun-2")
    while task == ("scan", 1) and time.time() < begin + 30 and not other.exists():
        time.sleep(0.02)
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
    out, err = pretend(tmp_path, 0.1).communicate(timeout=60)
    assert err == ""
    assert [line.split()[-1] for line in out.splitlines()] == ["0", "0", "1", "2"]
    times = {
        name: [float(word) for word in (tmp_path / name).read_text().split()]
        for name in ("1-scan", "1-fmriprep", "2-scan", "3-scan")
    }
    assert times["1-fmriprep"][2] == 1  # after the person's scan
    assert times["2-scan"][0] < times["1-scan"][1]  # side by side: the first waited for it
    assert len(list(tmp_path.glob("pid-*"))) == 2


def test_processes_end_soon_after_a_parent_that_was_killed(tmp_path):
    process = pretend(tmp_path, 60)
    wait_for(lambda: len(list(tmp_path.glob("pid-*"))) == 2, seconds=60)
    pids = [int(path.name.split("-")[1]) for path in tmp_path.glob("pid-*")]
    assert all(works(pid) for pid in pids)
    process.kill()
    process.communicate(timeout=10)
    wait_for(lambda: not any(works(pid) for pid in pids), seconds=5)
