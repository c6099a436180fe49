"""The notebooks themselves, run as their readers run them."""

import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

SOURCES = [
    "smri-01-acquisition",
    "smri-02-cleanup",
    "smri-03-normalization",
    "smri-04-segmentation",
    "smri-05-parcellation",
]
LEARNER = [*SOURCES, "practice-study", "practice-bold"]


def run(notebook, folder, monkeypatch, **environment):
    """Execute a notebook in a fresh kernel and return it."""
    for name, value in environment.items():
        monkeypatch.setenv(name, str(value))
    return NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(folder)}}
    ).execute()


def complaints(notebook):
    """Everything a notebook wrote to standard error."""
    return [
        output.text
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stderr"
    ]


def texts(notebook):
    """Plain text of all outputs."""
    return "\n".join(
        output.get("text", "") or output.get("data", {}).get("text/plain", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )


@pytest.mark.parametrize("stem", LEARNER)
def test_the_untouched_learner_edition_runs_to_the_end(stem, repository, tmp_path, monkeypatch):
    notebook = nbformat.read(repository / "notebooks" / f"{stem}.ipynb", as_version=4)
    exercises = [cell for cell in notebook.cells if "exercise" in cell.metadata.get("tags", [])]
    done = run(notebook, tmp_path, monkeypatch)
    assert not complaints(done)
    assert texts(done).count("Not attempted yet") == len(exercises) > 0


@pytest.mark.parametrize("stem", SOURCES)
def test_a_second_person_of_the_practice_study(stem, repository, tmp_path, monkeypatch):
    notebook = jupytext.read(repository / "notebooks" / f"{stem}.md")
    setup = next(cell for cell in notebook.cells if "subject = study.example" in cell.source)
    setup.source = setup.source.replace("subject = study.example", 'subject = "02"')
    done = run(notebook, tmp_path, monkeypatch, MRIWORKBOOK_STRICT=1)
    assert "person 02" in texts(done)
    assert not complaints(done)


@pytest.mark.parametrize("stem", SOURCES)
def test_the_same_cells_on_a_real_person(stem, repository, real_data, tmp_path, monkeypatch):
    monkeypatch.setenv("MRIWORKBOOK_DATA", str(tmp_path / "data"))
    program = Path(sys.executable).with_name("mriworkbook")
    command = [program, "data", "get", "aomic", "--mirror", real_data, "--subset", "workshop"]
    fetched = subprocess.run(command, capture_output=True, text=True)
    # 3: the mirror lacks the large files, and the command says so.
    assert fetched.returncode == 3, fetched.stdout + fetched.stderr
    notebook = jupytext.read(repository / "notebooks" / f"{stem}.md")
    done = run(notebook, tmp_path, monkeypatch, MRIWORKBOOK_STUDY="aomic", MRIWORKBOOK_STRICT=1)
    assert "real data" in texts(done)
    assert not complaints(done)
