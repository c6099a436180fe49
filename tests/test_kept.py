"""Measured tables name the day and the commit whose code measured them."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest


@pytest.fixture
def kept(repository, tmp_path, monkeypatch):
    """`keep`, in a repository of its own with one commit."""
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    monkeypatch.delitem(sys.modules, "kept", raising=False)
    import kept

    monkeypatch.setattr(kept, "ROOT", tmp_path)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "code.py").write_text("one = 1\n")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Begin"]):
        identity = ["-c", "user.name=N", "-c", "user.email=n@example.org"]
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True)
    return kept.keep


def test_the_commit_and_changes_beyond_it(kept, tmp_path):
    head = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=tmp_path, capture_output=True, text=True
    ).stdout.strip()
    table, path = pd.DataFrame({"r": [0.123456, None]}), tmp_path / "made.tsv"
    kept(table, path)
    text = f"r\tdate\tcommit\n0.1235\t{date.today()}\t"
    assert path.read_text().startswith(f"{text}{head}\nn/a\t")
    Path(tmp_path / "src" / "code.py").write_text("one = 2\n")
    kept(table, path)
    assert path.read_text().startswith(f"{text}{head}+\n")
    assert "date" not in table
