"""The learner's copies: nothing is overwritten, nothing is left half-written."""

import errno
import json
import sys

import pytest

from mriworkbook import workspace
from mriworkbook.workspace import WorkspaceError, copy_notebooks, list_notebooks

STEMS = ["demo-01-shading", "demo-02-masks"]


@pytest.fixture
def source(tmp_path):
    """Folder with two small notebooks."""
    folder = tmp_path / "source"
    folder.mkdir()
    for number, stem in enumerate(STEMS):
        about = {"title": stem.title(), "minutes": {"teaching": 10 + number, "exercises": 5}}
        notebook = {"cells": [], "metadata": {"mriworkbook": about}, "nbformat": 4}
        (folder / f"{stem}.ipynb").write_text(json.dumps(notebook), "utf-8")
    (folder / "notes.md").write_text("not a notebook")
    return folder


def names(paths):
    return [path.name for path in paths]


def test_list(source):
    assert list_notebooks(source) == [
        {"stem": "demo-01-shading", "title": "Demo-01-Shading",
         "minutes": {"teaching": 10, "exercises": 5}},
        {"stem": "demo-02-masks", "title": "Demo-02-Masks",
         "minutes": {"teaching": 11, "exercises": 5}},
    ]  # fmt: skip


def test_packaged_notebooks_come_first(source, tmp_path, monkeypatch):
    package = tmp_path / "package"
    package.mkdir()
    monkeypatch.setattr(workspace.resources, "files", lambda name: package)
    assert workspace.find_notebooks().name == "notebooks"  # the checkout's
    source.rename(package / "_notebooks")
    assert workspace.find_notebooks() == package / "_notebooks"
    assert [n["stem"] for n in list_notebooks()] == STEMS


def test_copy_all_then_keep_all(source, tmp_path):
    target = tmp_path / "mine"
    copied, kept = copy_notebooks(target, source=source)
    assert (names(copied), kept) == ([f"{s}.ipynb" for s in STEMS], [])
    for path in copied:
        assert path.read_bytes() == (source / path.name).read_bytes()
    copied[0].write_text("my work")
    assert copy_notebooks(target, source=source) == ([], copied)
    assert copied[0].read_text() == "my work"
    assert sorted(target.iterdir()) == sorted(copied)


def test_new_notebooks_come_beside_kept_ones(source, tmp_path):
    (tmp_path / "demo-01-shading.ipynb").write_text("my work")
    copied, kept = copy_notebooks(tmp_path, source=source)
    assert names(copied) == ["demo-02-masks.ipynb"]
    assert names(kept) == ["demo-01-shading.ipynb"]


def test_copy_by_name(source, tmp_path):
    copied, _ = copy_notebooks(tmp_path, ["demo-02-masks.ipynb", "demo-01-shading"], source)
    assert names(copied) == ["demo-02-masks.ipynb", "demo-01-shading.ipynb"]


def test_unknown_name(source, tmp_path):
    with pytest.raises(WorkspaceError, match="did you mean demo-02-masks"):
        copy_notebooks(tmp_path / "new", ["demo-01-shading", "demo-02-mask"], source)
    assert not (tmp_path / "new").exists()


def test_file_that_appears_at_the_last_moment_is_kept(source, tmp_path, monkeypatch):
    """Another process makes the file between the look and the write."""
    monkeypatch.setattr(workspace.os.path, "lexists", lambda path: False)
    (tmp_path / "demo-01-shading.ipynb").write_text("theirs")
    copied, kept = copy_notebooks(tmp_path, source=source)
    assert names(kept) == ["demo-01-shading.ipynb"]
    assert kept[0].read_text() == "theirs"
    assert names(copied) == ["demo-02-masks.ipynb"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_dangling_link_is_kept(source, tmp_path):
    link = tmp_path / "demo-01-shading.ipynb"
    link.symlink_to(tmp_path / "elsewhere" / "gone.ipynb")
    _, kept = copy_notebooks(tmp_path, source=source)
    assert kept == [link]
    assert link.is_symlink()


@pytest.fixture
def no_links(monkeypatch):
    """A file system without hard links."""

    def refuse(*args, **kwargs):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(workspace.os, "link", refuse)


def test_copy_without_hard_links(source, tmp_path, no_links, monkeypatch):
    target = tmp_path / "stick"
    copied, _ = copy_notebooks(target, source=source)
    assert copied[1].read_bytes() == (source / copied[1].name).read_bytes()
    assert sorted(target.iterdir()) == sorted(copied)
    copied[0].write_text("my work")
    monkeypatch.setattr(workspace.os.path, "lexists", lambda path: path == target)
    assert copy_notebooks(target, source=source) == ([], copied)
    assert copied[0].read_text() == "my work"


def interrupt(*args, **kwargs):
    raise KeyboardInterrupt


def test_interrupt_leaves_no_part_file(source, tmp_path, monkeypatch):
    target = tmp_path / "mine"
    monkeypatch.setattr(workspace.os, "link", interrupt)
    with pytest.raises(KeyboardInterrupt):
        copy_notebooks(target, source=source)
    assert list(target.iterdir()) == []


def test_interrupt_without_hard_links_leaves_nothing(source, tmp_path, no_links, monkeypatch):
    class Stream:
        def __init__(self, stream):
            self.stream = stream

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.stream.close()

        def write(self, data):
            self.stream.write(data[: len(data) // 2])
            raise KeyboardInterrupt

    true_open = workspace.Path.open

    def open_slowly(path, mode="r", *args, **kwargs):
        stream = true_open(path, mode, *args, **kwargs)
        return Stream(stream) if mode == "xb" else stream

    monkeypatch.setattr(workspace.Path, "open", open_slowly)
    with pytest.raises(KeyboardInterrupt):
        copy_notebooks(tmp_path / "mine", source=source)
    assert list((tmp_path / "mine").iterdir()) == []


def test_target_is_a_file(source, tmp_path):
    (tmp_path / "mine").write_text("a file")
    with pytest.raises(WorkspaceError, match="is a file, not a folder"):
        copy_notebooks(tmp_path / "mine", source=source)


def test_parent_is_missing(source, tmp_path):
    with pytest.raises(WorkspaceError, match="does not exist"):
        copy_notebooks(tmp_path / "no" / "where", source=source)


@pytest.mark.parametrize("call", ["mkdir", "write_bytes"])
def test_read_only_target(source, tmp_path, monkeypatch, call):
    def refuse(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(workspace.Path, call, refuse)
    with pytest.raises(WorkspaceError, match=r"Permission denied; choose a folder of your own"):
        copy_notebooks(tmp_path / "mine" if call == "mkdir" else tmp_path, source=source)
    assert not list(tmp_path.glob("*.ipynb"))


def test_nothing_is_written_where_all_is_there(source, tmp_path, monkeypatch):
    copied, _ = copy_notebooks(tmp_path, source=source)
    monkeypatch.setattr(workspace.Path, "write_bytes", interrupt)
    assert copy_notebooks(tmp_path, source=source) == ([], copied)


def test_full_disk_leaves_no_part_file(source, tmp_path, monkeypatch):
    def fill(path, data):
        with path.open("wb") as stream:
            stream.write(data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(workspace.Path, "write_bytes", fill)
    target = tmp_path / "mine"
    with pytest.raises(WorkspaceError, match="No space left on device"):
        copy_notebooks(target, source=source)
    assert list(target.iterdir()) == []
