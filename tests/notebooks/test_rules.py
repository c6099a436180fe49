"""Every episode keeps the rules of exercises, is in step with its notebook, and covers its ids."""

from pathlib import Path

import nbformat
import pytest
import yaml
from notebook_rules import check_coverage, read_curriculum

from mriworkbook import editions

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "notebooks").glob("*.md"))
CURRICULUM = read_curriculum(ROOT / "book" / "curriculum.tsv")


@pytest.fixture(params=SOURCES, ids=lambda path: path.stem)
def source(request):
    """Source of one episode."""
    return request.param


def test_there_are_episodes():
    assert SOURCES, "notebooks/ holds no episode: nothing of it was tested"
    course = yaml.safe_load((ROOT / "book" / "course.yml").read_text(encoding="utf-8"))
    # Pages about the practice study teach nothing of the curriculum.
    known = {episode for _, episode in CURRICULUM.values()} | set(course["study"]["episodes"])
    unknown = {path.stem for path in SOURCES} - known
    assert not unknown, f"not in book/curriculum.tsv: {unknown}"


def test_curriculum_is_whole():
    assert len(CURRICULUM) == 350
    assert {kind for kind, _ in CURRICULUM.values()} == {
        "concept", "skill", "exercise", "data", "figure",
    }  # fmt: skip
    assert len({episode for _, episode in CURRICULUM.values()}) == 18


def test_exercises_keep_the_rules(source):
    problems = editions.find_problems(editions.read_source(source), source.name)
    assert not problems, "\n".join(problems)


def test_learner_notebook_is_in_step(source):
    stale = editions.check_in_sync([source])
    assert not stale, f"not what its source gives: {stale}; type: make notebooks"


def test_every_notebook_has_a_source():
    orphans = {p.stem for p in (ROOT / "notebooks").glob("*.ipynb")} - {p.stem for p in SOURCES}
    assert not orphans, f"notebooks without a source: {orphans}; remove them"


def test_learner_notebook_is_clean(source):
    notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert "jupytext" not in notebook.metadata
    for cell in notebook.cells:
        assert "solution" not in cell.metadata.get("tags", [])
        assert cell.cell_type == "markdown" or (not cell.outputs and cell.execution_count is None)


def test_instructor_notebook_can_be_made(source):
    assert len(editions.instructor(source).cells) > len(editions.learner(source).cells)


def test_curriculum_is_covered(source):
    problems = check_coverage(source.read_text("utf-8"), source.stem, CURRICULUM, source.name)
    assert not problems, "\n".join(problems)
