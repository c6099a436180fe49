"""Make the practice study once, stage by stage, and whole, whatever happens."""

import errno
import json
import os
import random
import shutil
import signal
from pathlib import Path

import fake_practice
import pytest
from fake_practice import made, open_elsewhere, wait_for

import mriworkbook
from data_fetch import StorageError
from mriworkbook import practice, store, studies


@pytest.fixture
def data(tmp_path, monkeypatch):
    """An empty data root, and the stand-in for the real maker."""
    return fake_practice.use(monkeypatch, tmp_path)


def names_in(folder):
    return {path.name for path in folder.iterdir()}


def test_practice_is_made_on_first_use_only(data, capsys):
    study = studies.open_study()
    assert (study.name, study.example, study.simulated) == ("practice", "01", True)
    assert study.root == data / "practice"
    assert study.file("sub-01", "T1w.nii.gz").read_text() == "content 1"
    stamp = json.loads((study.root / ".mriworkbook" / "stamp.json").read_text())
    assert (stamp["version"], stamp["fingerprint"], stamp["stages"]) == (1, "abc", ["core"])
    assert {"date", "package", "code"} < set(stamp)
    capsys.readouterr()
    assert studies.open_study("practice") == study
    assert made() == ["core"]
    assert capsys.readouterr() == ("", "")
    assert names_in(data) == {"practice", "practice.lock"}


def test_progress_is_on_standard_output_and_can_be_silenced(data, capsys, monkeypatch):
    studies.open_study()
    out, err = capsys.readouterr()
    assert "Making practice ..." in out and err == ""
    monkeypatch.setenv("MRIWORKBOOK_QUIET", "1")
    store.make_practice(force=True)
    assert capsys.readouterr() == ("", "")


def test_a_study_of_another_version_is_made_anew(data, monkeypatch):
    old = studies.open_study()
    (old.root / "extra").touch()
    monkeypatch.setenv("FAKE_FINGERPRINT", "def")
    new = studies.open_study()
    assert not new.has("extra")
    assert made() == ["core"] * 2
    assert names_in(data) == {"practice", "practice.lock"}


@pytest.mark.parametrize("damage", [lambda p: p.write_text("{"), lambda p: p.unlink()])
def test_a_study_without_a_readable_stamp_is_made_anew(data, damage):
    damage(studies.open_study().root / store.STAMP)
    studies.open_study()
    assert made() == ["core"] * 2


def test_the_old_study_stays_until_the_new_one_is_complete(data, monkeypatch):
    studies.open_study()
    monkeypatch.setenv("FAKE_FINGERPRINT", "def")

    def fails(root, stage, **options):
        assert (data / "practice" / "sub-01").is_dir()
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(mriworkbook.practice, "make_stage", fails)
    with pytest.raises(StorageError):
        studies.open_study()
    assert names_in(data) == {"practice", "practice.lock"}
    assert (data / "practice" / "sub-01").is_dir()


def test_two_kernels_at_once_make_it_once(data):
    both = [open_elsewhere(FAKE_SECONDS="1") for _ in range(2)]
    outputs = [process.communicate(timeout=30) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert all(out.splitlines()[-1] == str(data / "practice") for out, _ in outputs)
    assert [err for _, err in outputs] == ["", ""]
    assert sum("Another notebook is making" in out for out, _ in outputs) == 1
    assert made() == ["core"]
    assert names_in(data) == {"practice", "practice.lock"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_after_a_stop_in_the_middle_the_next_call_works(data, number):
    process = open_elsewhere(FAKE_SECONDS="60")
    wait_for(lambda: list(data.glob(".practice-making-*/sub-00/*")))
    process.send_signal(number)
    _, err = process.communicate(timeout=10)
    assert process.returncode != 0
    assert not (data / "practice").exists()
    if number == signal.SIGINT:
        assert "KeyboardInterrupt" in err
        assert names_in(data) == {"practice.lock"}
    studies.open_study()
    assert made() == ["core"] * 2
    assert names_in(data) == {"practice", "practice.lock"}


# ---------------------------------------------------------------- stages


def whole(folder):
    """Stages of a study that is complete; fails if it is half-made. None if there is none."""
    if not folder.exists():
        return None
    stages = store.read_stamp(folder)["stages"]
    assert store.verify_practice() == []
    assert len(list(folder.glob("sub-*/T1w.nii.gz"))) == 2 * len(stages)
    assert (folder / "README").read_text() == ", ".join(sorted(stages))
    return stages


def test_a_stage_is_added_to_what_is_there(data):
    root = studies.open_study().root
    former = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    inode = (root / "sub-00" / "T1w.nii.gz").stat().st_ino
    (root / "notes.txt").write_text("a learner's own")
    root.rename(data / "kept")
    shutil.copytree(data / "kept", root, copy_function=os.link)
    studies.open_study(stage="anatomy")
    assert made() == ["core", "anatomy"]
    assert whole(root) == ["core", "anatomy"] == store.stages_here()
    assert names_in(data) == {"practice", "practice.lock", "kept"}
    assert (root / "sub-00" / "T1w.nii.gz").stat().st_ino == inode  # no space for what was there
    # Nothing was written through a link.
    for path, content in former.items():
        assert (data / "kept" / path.relative_to(root)).read_bytes() == content, path
    # What is not the study's own is carried over, and may change.
    (root / "notes.txt").write_text("more")
    assert store.verify_practice() == []
    studies.open_study()
    studies.open_study(stage="anatomy")
    assert made() == ["core", "anatomy"]


@pytest.mark.parametrize(
    ("wanted", "order"),
    [
        ("anatomy", ["core", "anatomy"]),
        ("functional", ["core", "functional"]),
        (["functional", "anatomy"], ["core", "anatomy", "functional"]),
    ],
)
def test_several_stages_at_once(data, wanted, order):
    studies.open_study(stage=wanted)
    assert made() == order
    assert whole(data / "practice") == order


@pytest.mark.parametrize("second", [["functional", "anatomy"], ["anatomy", "functional"]])
def test_stages_that_need_the_core_only_come_in_any_order(data, second):
    for stage in second:
        studies.open_study(stage=stage)
    assert made() == ["core", *second]
    assert whole(data / "practice") == list(mriworkbook.practice.STAGES)


def test_no_stage_needs_one_that_is_made_later():
    """`needed_stages` looks one step back, in the order of making."""
    for stage, needs in practice.NEEDS.items():
        made_before = practice.STAGES[: practice.STAGES.index(stage)]
        assert {*needs} <= {*made_before}
        assert all({*practice.NEEDS[need]} <= {*needs} for need in needs)


def test_a_forced_run_keeps_every_stage(data):
    studies.open_study(stage="functional")
    store.make_practice("core", force=True)
    assert whole(data / "practice") == ["core", "functional"]
    store.make_practice("anatomy", force=True)
    assert whole(data / "practice") == ["core", "anatomy", "functional"]


def test_where_links_are_impossible_files_are_copied(data, monkeypatch):
    studies.open_study()

    def no_links(source, target):
        raise OSError(errno.EPERM, "not on this disk")

    monkeypatch.setattr(os, "link", no_links)
    studies.open_study(stage="anatomy")
    assert whole(data / "practice") == ["core", "anatomy"]


def test_an_old_studys_further_stages_are_made_on_demand_only(data, monkeypatch):
    studies.open_study(stage="anatomy")
    monkeypatch.setenv("FAKE_FINGERPRINT", "def")
    studies.open_study()
    assert whole(data / "practice") == ["core"]
    assert made() == ["core", "anatomy", "core"]


def test_no_stage_is_added_to_a_damaged_study(data):
    root = studies.open_study().root
    (root / "sub-00" / "T1w.nii.gz").unlink()
    studies.open_study(stage="anatomy")
    assert made() == ["core", "core", "anatomy"]
    assert whole(root) == ["core", "anatomy"]


def test_an_unknown_stage_is_refused(data):
    for name in ("practice", "aomic"):
        with pytest.raises(ValueError, match="choose one of core, anatomy, functional"):
            studies.open_study(name, stage=["core", "bold"])


@pytest.mark.parametrize(
    ("path", "stage"),
    [
        ("derivatives/fmriprep/sub-20/func/sub-20_task-rest_desc-confounds_timeseries.tsv", "func"),
        ("derivatives/series/participants.tsv", "func"),
        ("derivatives/truth/series/effects.json", "func"),
        ("derivatives/fs_stats/participants.tsv", "anatomy"),
        ("sub-11/anat/sub-11_T1w.nii.gz", "anatomy"),
    ],
)
def test_an_absent_file_is_explained_by_its_stage(data, path, stage):
    study = studies.open_study()
    with pytest.raises(studies.StudyNotFound, match=f"get practice --stage {stage}"):
        study.file(path)
    study = studies.open_study(stage=["anatomy", "functional"])
    with pytest.raises(studies.StudyNotFound, match=f"make the study again: {store.REMAKE}$"):
        study.file(path)


def test_a_study_can_be_opened_while_a_stage_is_added(data):
    studies.open_study()
    process = open_elsewhere(FAKE_STAGE="anatomy", FAKE_SECONDS="60")
    wait_for(lambda: list(data.glob(".practice-making-*/sub-02/*")))
    assert whole(studies.open_study().root) == ["core"]
    assert list(data.glob(".practice-making-*/sub-02/*"))  # not tidied away
    process.kill()
    process.communicate(timeout=10)


# ---------------------------------------------------------------- killed


def test_a_kill_between_the_two_renames_is_repaired(data):
    root = studies.open_study(stage="anatomy").root
    root.rename(data / ".practice-making-123")
    narrow = data / ".practice-old-123"
    shutil.copytree(data / ".practice-making-123", narrow)
    stamp = json.loads((narrow / store.STAMP).read_text())
    (narrow / store.STAMP).write_text(json.dumps(stamp | {"stages": ["core"]}))
    studies.open_study()
    assert whole(root) == ["core", "anatomy"]
    assert made() == ["core", "anatomy"]  # adopted, not made again
    assert names_in(data) == {"practice", "practice.lock"}


def leave(data, name, stages):
    """A study with some stages beside the one that is there, as a killed run left it."""
    made = data.with_name("elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MRIWORKBOOK_DATA", str(made))
        studies.open_study(stage=stages)
    data.mkdir(exist_ok=True)
    (made / "practice").rename(data / name)


def test_a_leftover_that_lacks_a_stage_is_not_adopted(data, monkeypatch):
    root = studies.open_study(stage="anatomy").root
    leave(data, ".practice-making-123", ["core", "functional"])
    monkeypatch.setenv("FAKE_LOG", str(data.with_name("later")))
    studies.open_study(stage="functional")
    assert made() == ["functional"]
    assert whole(root) == ["core", "anatomy", "functional"]


def test_of_two_leftovers_the_wider_is_adopted(data, monkeypatch):
    leave(data, ".practice-old-123", ["functional"])
    leave(data, ".practice-making-123", ["anatomy", "functional"])
    monkeypatch.setenv("FAKE_LOG", str(data.with_name("later")))
    studies.open_study()
    assert made() == []
    assert whole(data / "practice") == ["core", "anatomy", "functional"]
    assert names_in(data) == {"practice", "practice.lock"}


def test_a_damaged_leftover_is_not_adopted(data):
    root = studies.open_study().root
    (root / "sub-00" / "T1w.nii.gz").unlink()
    root.rename(data / ".practice-making-123")
    studies.open_study()
    assert made() == ["core"] * 2
    assert whole(root) == ["core"]


def test_what_a_killed_run_left_beside_a_complete_study_goes(data):
    studies.open_study()
    (data / ".practice-old-123" / "sub-00").mkdir(parents=True)
    studies.open_study()
    assert names_in(data) == {"practice", "practice.lock"}


@pytest.mark.parametrize(
    ("start", "stage"),
    [
        (None, "anatomy"),
        (None, "functional"),
        ("core", "anatomy"),
        ("core", "functional"),
        ("anatomy", "functional"),
    ],
)
def test_killed_at_a_random_moment(data, start, stage):
    """``benchmarks/kill_loop.py`` does the same fifty times, with the real study, too."""
    data.mkdir()
    before = [studies.open_study(stage=start)] and store.stages_here() if start else []
    undisturbed = shutil.copytree(data, data.with_name("undisturbed"))
    counted = open_elsewhere(FAKE_STAGE=stage, MRIWORKBOOK_DATA=str(undisturbed))
    moments = int(counted.communicate(timeout=30)[0].split()[-2])
    moment = random.SystemRandom().randrange(moments)
    process = open_elsewhere(FAKE_STAGE=stage, FAKE_KILLED_AT=str(moment))
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL, f"{moment} of {moments}"
    after = store.needed_stages([*before, stage])
    # None, too: between the two renames.
    assert whole(data / "practice") in [None, before, after], f"{moment} of {moments}"
    studies.open_study(stage=stage)
    assert whole(data / "practice") == after, f"{moment} of {moments}"
    assert names_in(data) == {"practice", "practice.lock"}, f"{moment} of {moments}"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_full_or_read_only_cache_is_explained(data, monkeypatch, code):
    def fails(root, stage, **options):
        (root / "half").touch()
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(mriworkbook.practice, "make_stage", fails)
    with pytest.raises(StorageError) as caught:
        studies.open_study()
    text = str(caught.value)
    assert str(data) in text and store.SIZES["core"] in text
    assert "export MRIWORKBOOK_DATA=/path/with/space" in text
    assert names_in(data) == {"practice.lock"}


def test_a_cache_below_a_file_is_explained(data, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MRIWORKBOOK_DATA", str(tmp_path / "file" / "data"))
    with pytest.raises(StorageError, match="export MRIWORKBOOK_DATA"):
        studies.open_study()


def test_a_complete_study_on_a_read_only_disk_can_be_opened(data, monkeypatch):
    studies.open_study()

    def no_lock(root):
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(store, "_locked", no_lock)
    assert studies.open_study().has("sub-00")


def test_without_a_chosen_folder_the_user_cache_is_used(data, monkeypatch):
    monkeypatch.delenv("MRIWORKBOOK_DATA")
    assert store.data_root().name in {"mriworkbook", "Cache"}
    monkeypatch.setenv("MRIWORKBOOK_DATA", "~/somewhere")
    assert store.data_root() == Path.home() / "somewhere"


def test_damage_is_found(data):
    assert store.verify_practice() is None
    root = studies.open_study().root
    assert store.verify_practice() == []
    (root / "sub-00" / "T1w.nii.gz").write_text("content O")
    (root / "sub-01" / "T1w.nii.gz").unlink()
    assert store.verify_practice() == ["sub-00/T1w.nii.gz", "sub-01/T1w.nii.gz"]
