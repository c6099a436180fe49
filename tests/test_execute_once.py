"""Notebooks are executed once, measured, and held to their budgets."""

import os
import shutil

import execute_once
import pytest
from jupyter_cache import get_cache

SOURCE = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
    format_version: 0.13
kernelspec:
  display_name: Python 3
  language: python
  name: python3
episode:
  title: A small one
  part: structural
  minutes: {{teaching: 1, exercises: 1}}
  questions: ["Why?"]
  objectives: [Run.]
  key_points: [It ran.]
  budget: {{seconds: {seconds}, megabytes: {megabytes}}}
  needs: {{practice: [core]}}
---

# A small one

```{{code-cell}} ipython3
{code}
```
"""


class NoStudy:
    """Stands in for the study, whose cache is cleared before a second measurement."""

    cleared = 0

    @property
    def memory(self):
        return self

    def clear(self, warn):
        NoStudy.cleared += 1


@pytest.fixture
def cache(tmp_path):
    return get_cache(str(tmp_path / "cache"))


@pytest.fixture
def write(tmp_path):
    def write(code="print(1 + 1)", seconds=60, megabytes=1000):
        path = tmp_path / "small.md"
        path.write_text(SOURCE.format(code=code, seconds=seconds, megabytes=megabytes))
        return path

    return write


def test_a_notebook_is_executed_once_and_its_measurement_kept(write, cache):
    path = write()
    line, good = execute_once.run(path, cache)
    assert good
    assert "executed" in line
    line, good = execute_once.run(path, cache)
    assert good
    assert "unchanged" in line
    measured = execute_once.measurement(path, cache)
    assert measured["seconds"] > 0
    assert measured["megabytes"] > 10


def test_prose_and_budget_may_change_without_a_new_run_but_code_may_not(write, cache):
    path = write()
    execute_once.run(path, cache)
    path.write_text(path.read_text().replace("# A small one", "# Another heading"))
    assert execute_once.measurement(path, cache)
    path.write_text(path.read_text().replace("1 + 1", "1 + 2"))
    assert execute_once.measurement(path, cache) is None


def test_memory_is_measured(write, cache):
    execute_once.run(write("big = b'x' * (300 * 2**20)"), cache)
    assert (
        300
        < execute_once.measurement(write("big = b'x' * (300 * 2**20)"), cache)["megabytes"]
        < 600
    )


def test_workers_count(write):
    code = (
        "import subprocess, sys, time\n"
        "hungry = 'import time; x = bytes([1]) * (200 * 2**20); time.sleep(2)'\n"
        "subprocess.run([sys.executable, '-c', hungry], check=True)"
    )
    _, measured = execute_once.execute(write(code))
    assert measured["megabytes"] > 200


def test_a_notebook_over_its_limit_runs_twice_and_then_fails(write, cache, monkeypatch):
    monkeypatch.setattr(execute_once, "open_study", NoStudy)
    before = NoStudy.cleared
    line, good = execute_once.run(write(megabytes=10), cache)
    assert not good
    assert "OVER BUDGET: megabytes" in line
    assert NoStudy.cleared == before + 1


def test_an_error_in_a_cell_stops_the_build(write, cache):
    with pytest.raises(Exception, match="ZeroDivisionError"):
        execute_once.run(write("1 / 0"), cache)


def test_the_cache_is_a_new_one_when_code_or_lock_or_study_change(
    repository, tmp_path, monkeypatch
):
    for name in ("src", "data_fetch"):
        shutil.copytree(
            repository / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(repository / "requirements.lock", tmp_path)
    monkeypatch.delenv("MRIWORKBOOK_STUDY", raising=False)
    folders = [execute_once.cache_folder(tmp_path)]
    with (tmp_path / "src" / "mriworkbook" / "style.py").open("a") as file:
        file.write("# changed\n")
    folders.append(execute_once.cache_folder(tmp_path))
    with (tmp_path / "requirements.lock").open("a") as file:
        file.write(os.linesep)
    folders.append(execute_once.cache_folder(tmp_path))
    monkeypatch.setenv("MRIWORKBOOK_STUDY", "aomic")
    folders.append(execute_once.cache_folder(tmp_path))
    assert len(set(folders)) == 4
