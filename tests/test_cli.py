"""The command line, as a learner types it."""

import subprocess
import sys

import fake_practice
import pytest
from command_line import typed

import data_fetch
from mriworkbook import editions, studies, terminal, workspace


@pytest.fixture
def data(tmp_path, monkeypatch):
    """An empty data root, and the stand-in for the real maker."""
    return fake_practice.use(monkeypatch, tmp_path)


@pytest.fixture
def run(data):
    """Type a command where there are no studies."""
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


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("data get aomik", "Did you mean 'aomic'?"),
        ("data path aomic", "mriworkbook data get aomic"),
        ("editions build nothere.md", "nothere.md: No such file or directory."),
    ],
)
def test_known_errors_are_one_paragraph_without_traceback(run, words, says):
    code, _, err = run(*words.split())
    assert code == 1
    assert says in err and "Traceback" not in err
    assert err.count("\n") == 1


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
    assert code == terminal.STOPPED
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
