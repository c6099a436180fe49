"""The command line, as a learner types it."""

import errno
import os
import subprocess
import sys

import fake_practice
import pytest
from typer.testing import CliRunner

import data_fetch
from mriworkbook import cli, editions, store, studies, workspace


@pytest.fixture
def data(tmp_path, monkeypatch):
    """An empty data root, and the stand-in for the real maker."""
    return fake_practice.use(monkeypatch, tmp_path)


@pytest.fixture
def run(data):
    """Type ``mriworkbook ...``: exit code, standard output, standard error."""

    def typed(*words):
        result = CliRunner().invoke(cli.app, [str(word) for word in words])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return typed


def test_help_is_quick_and_imports_nothing_heavy():
    code = (
        "import sys; from mriworkbook.cli import app\n"
        "print({'numpy', 'bids', 'nilearn', 'IPython', 'requests'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    # Its own seconds on a core, so that busy neighbours do not count.
    code = f"{code}\nfrom time import process_time\n" + (
        "try: app(['--help'])\nfinally: print('seconds', process_time())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout.split()[-1]) < 1


def test_version(run):
    from importlib import metadata

    assert run("--version") == (0, metadata.version("mriworkbook") + "\n", "")


def test_list_says_what_there_is_how_big_and_what_is_here(run):
    code, out, _ = run("data", "list")
    assert code == 0
    assert "practice\n" in out and "aomic\n" in out
    assert "CC0" in out and "--subset mini: 22 files, 19.4 MB and 1 of unpublished size" in out
    assert (
        "practice\n" in out
        and f"--stage anatomy: {store.SIZES['anatomy']}: core, nine more people" in out
    )
    store.make_practice()
    assert "practice  (here: core)\n" in run("data", "list")[1]


def test_practice_is_made_found_verified_and_repaired(run, data):
    assert run("data", "get", "practice")[0] == 0
    assert fake_practice.made() == ["core"]
    assert run("data", "path", "practice") == (0, f"{data / 'practice'}\n", "")
    assert run("data", "verify", "practice")[0] == 0
    (data / "practice" / "README").write_text("changed")
    code, _, err = run("data", "verify", "practice")
    assert code == 1
    assert "README" in err and "mriworkbook data get practice" in err
    code, out, _ = run("data", "get", "practice")
    assert code == 0 and "1 files are gone or changed" in out
    assert run("data", "verify", "practice")[0] == 0
    assert fake_practice.made() == ["core"] * 2
    run("data", "get", "practice")
    assert fake_practice.made() == ["core"] * 2


def test_a_stage_is_added_listed_verified_and_repaired(run, data):
    run("data", "get", "practice")
    code, out, _ = run("data", "get", "practice", "--stage", "anatomy")
    assert code == 0
    assert out.splitlines()[-1] == f"practice (core, anatomy) is in {data / 'practice'}"
    assert fake_practice.made() == ["core", "anatomy"]
    assert "practice  (here: core, anatomy)\n" in run("data", "list")[1]
    (data / "practice" / "sub-03" / "T1w.nii.gz").unlink()
    assert "sub-03" in run("data", "verify", "practice")[2]
    # Whoever repairs with the short command keeps the stage.
    run("data", "get", "practice")
    assert run("data", "verify", "practice")[0] == 0
    assert store.stages_here() == ["core", "anatomy"]
    code, _, err = run("data", "get", "practice", "--stage", "bold")
    assert code == 2 and "core, anatomy" in err


def test_a_partial_mirror_exits_with_3_and_names_what_is_absent(run, data, real_data):
    code, out, err = run("data", "get", "aomic", "--mirror", real_data)
    assert (code, err) == (cli.PARTIAL, "")
    assert "20 files fetched, 0 were there already." in out
    assert "2 files not in the mirror" in out
    assert "sub-0001/anat/sub-0001_T1w.nii.gz (6.7 MB, https://s3.amazonaws.com/" in out
    assert studies.open_study("aomic").has("derivatives/freesurfer/sub-0001/mri/nu.mgz")
    code, out, err = run("data", "verify", "aomic")
    assert code == cli.PARTIAL
    assert "20 files are right" in out and "2 files of the mini subset not here" in out
    (data / "aomic" / "README").write_text("changed")
    code, out, err = run("data", "verify", "aomic")
    assert code == 1
    assert err.startswith("README: sha256 is ") and "mriworkbook data get aomic" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("data get aomik", "Did you mean 'aomic'?"),
        ("data get aomic --subset huge", "Known: mini, workshop, full."),
        ("data get aomic --mirror /nowhere", "has no folder 'aomic'"),
        ("data path aomic", "mriworkbook data get aomic"),
        ("data verify practice", "mriworkbook data get practice"),
        ("editions build nothere.md", "nothere.md: No such file or directory."),
    ],
)
def test_known_errors_are_one_paragraph_without_traceback(run, words, says):
    code, _, err = run(*words.split())
    assert code == 1
    assert says in err and "Traceback" not in err
    assert err.count("\n") == 1


def test_a_full_disk_is_one_paragraph(run, monkeypatch):
    import mriworkbook

    def fails(root, stage, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(mriworkbook.practice, "make_stage", fails)
    code, _, err = run("data", "get", "practice")
    assert code == 1
    assert "the disk is full" in err and "export MRIWORKBOOK_DATA=/path/with/space" in err


def test_a_bug_keeps_its_traceback(run, monkeypatch):
    def bug():
        raise KeyError("a bug")

    monkeypatch.setattr(studies, "known_studies", bug)
    with pytest.raises(KeyError, match="a bug"):
        run("data", "list")


def test_ctrl_c_is_said_plainly(run, monkeypatch):
    def stopped(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(data_fetch, "get", stopped)
    code, _, err = run("data", "get", "aomic", "--mirror", "/nowhere")
    assert code == cli.STOPPED
    assert "Nothing is half-written" in err


def test_notebooks_are_listed_and_copied(run, monkeypatch, tmp_path):
    listed = [{"stem": "a", "title": "A brain", "minutes": {"teaching": 30, "exercises": 15}}]
    monkeypatch.setattr(workspace, "list_notebooks", lambda: listed)
    assert run("notebooks", "list") == (0, "a  A brain (30 + 15 min)\n", "")
    new, old = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    monkeypatch.setattr(workspace, "copy_notebooks", lambda folder: ([new], [old]))
    assert run("notebooks", "copy", tmp_path)[1] == f"{new}\n{old}  (kept as it was)\n"


def test_the_workspace_speaks_plainly_too(run, tmp_path):
    (tmp_path / "file").touch()
    code, _, err = run("notebooks", "copy", tmp_path / "file")
    assert code == 1 and "Traceback" not in err and err


def test_editions_are_built_and_checked(run, monkeypatch, tmp_path):
    (tmp_path / "notebooks").mkdir()
    source = tmp_path / "notebooks" / "a.md"
    source.touch()
    monkeypatch.chdir(tmp_path)
    calls = []

    def build(paths, edition):
        calls.append(([path.name for path in paths], edition))
        return [path.with_suffix(".ipynb") for path in paths]

    monkeypatch.setattr(editions, "build", build)
    assert run("editions", "build")[:2] == (0, "notebooks/a.ipynb\n")
    run("editions", "build", "--edition", "instructor", source)
    assert calls == [(["a.md"], "learner"), (["a.md"], "instructor")]
    monkeypatch.setattr(editions, "check_in_sync", lambda paths: [])
    assert run("editions", "build", "--check")[0] == 0
    monkeypatch.setattr(
        editions, "check_in_sync", lambda paths: [path.with_suffix(".ipynb") for path in paths]
    )
    code, _, err = run("editions", "build", "--check")
    assert code == 1 and "notebooks/a.ipynb is out of step" in err
    assert len(calls) == 2


def test_a_fault_of_a_source_is_told_without_traceback(run, tmp_path):
    source = tmp_path / "a.md"
    source.write_text("no front matter")
    code, _, err = run("editions", "build", source)
    assert code == 1 and "a.md" in err


def test_editions_refuses_what_makes_no_sense(run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert run("editions", "build")[0] == 1
    assert run("editions", "build", "--edition", "teacher")[0] == 2
    assert run("editions", "build", "--check", "--edition", "instructor")[0] == 2
