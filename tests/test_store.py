"""Make the practice study once, and whole, whatever happens."""

import errno
import json
import os
import shutil
import signal
from pathlib import Path

import fake_practice
import pytest
from fake_practice import open_elsewhere, times_made, wait_for

import mriworkbook
from data_fetch import StorageError
from mriworkbook import store, studies


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
    assert study.file("file1").read_text() == "content 1"
    stamp = json.loads((study.root / ".mriworkbook" / "core.json").read_text())
    assert (stamp["version"], stamp["fingerprint"]) == (1, "abc")
    assert {"date", "package"} < set(stamp)
    capsys.readouterr()
    assert studies.open_study("practice") == study
    assert times_made() == 1
    assert capsys.readouterr() == ("", "")
    assert names_in(data) == {"practice", "practice.lock"}


def test_progress_is_on_standard_output_and_can_be_silenced(data, capsys, monkeypatch):
    studies.open_study()
    out, err = capsys.readouterr()
    assert "Making the practice study" in out and err == ""
    monkeypatch.setenv("MRIWORKBOOK_QUIET", "1")
    store.make_practice(force=True)
    assert capsys.readouterr() == ("", "")


def test_a_study_of_another_version_is_made_anew(data, monkeypatch):
    old = studies.open_study()
    (old.root / "extra").touch()
    monkeypatch.setenv("FAKE_FINGERPRINT", "def")
    new = studies.open_study()
    assert not new.has("extra")
    assert times_made() == 2
    assert names_in(data) == {"practice", "practice.lock"}


@pytest.mark.parametrize("damage", [lambda p: p.write_text("{"), lambda p: p.unlink()])
def test_a_study_without_a_readable_stamp_is_made_anew(data, damage):
    damage(studies.open_study().root / store.STAMP)
    studies.open_study()
    assert times_made() == 2


def test_the_old_study_stays_until_the_new_one_is_complete(data, monkeypatch):
    studies.open_study()
    monkeypatch.setenv("FAKE_FINGERPRINT", "def")

    def fails(root, *, progress):
        assert (data / "practice" / "file1").is_file()
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(mriworkbook.practice, "make_core", fails)
    with pytest.raises(StorageError):
        studies.open_study()
    assert names_in(data) == {"practice", "practice.lock"}
    assert (data / "practice" / "file1").is_file()


def test_two_kernels_at_once_make_it_once(data):
    both = [open_elsewhere(FAKE_SECONDS="1") for _ in range(2)]
    outputs = [process.communicate(timeout=30) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert all(out.splitlines()[-1] == str(data / "practice") for out, _ in outputs)
    assert [err for _, err in outputs] == ["", ""]
    assert sum("Another notebook is making" in out for out, _ in outputs) == 1
    assert times_made() == 1
    assert names_in(data) == {"practice", "practice.lock"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_after_a_stop_in_the_middle_the_next_call_works(data, number):
    process = open_elsewhere(FAKE_SECONDS="60")
    wait_for(lambda: list(data.glob("*/file0")))
    process.send_signal(number)
    _, err = process.communicate(timeout=10)
    assert process.returncode != 0
    assert not (data / "practice").exists()
    if number == signal.SIGINT:
        assert "KeyboardInterrupt" in err
        assert names_in(data) == {"practice.lock"}
    studies.open_study()
    assert times_made() == 2
    assert names_in(data) == {"practice", "practice.lock"}


def test_a_kill_between_the_two_renames_is_repaired(data):
    root = studies.open_study().root
    root.rename(data / ".practice-old-123")
    shutil.copytree(data / ".practice-old-123", data / ".practice-making-123")
    studies.open_study()
    assert names_in(data) == {"practice", "practice.lock"}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_full_or_read_only_cache_is_explained(data, monkeypatch, code):
    def fails(root, *, progress):
        (root / "half").touch()
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(mriworkbook.practice, "make_core", fails)
    with pytest.raises(StorageError) as caught:
        studies.open_study()
    text = str(caught.value)
    assert str(data) in text and store.PRACTICE_SIZE in text
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
    assert studies.open_study().has("file0")


def test_without_a_chosen_folder_the_user_cache_is_used(data, monkeypatch):
    monkeypatch.delenv("MRIWORKBOOK_DATA")
    assert store.data_root().name in {"mriworkbook", "Cache"}
    monkeypatch.setenv("MRIWORKBOOK_DATA", "~/somewhere")
    assert store.data_root() == Path.home() / "somewhere"


def test_damage_is_found(data):
    assert store.verify_practice() is None
    root = studies.open_study().root
    assert store.verify_practice() == []
    (root / "file0").write_text("content O")
    (root / "file1").unlink()
    assert store.verify_practice() == ["file0", "file1"]
