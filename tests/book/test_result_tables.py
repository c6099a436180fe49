"""Kept results become tables on the validation page."""

import pandas as pd
import pytest


@pytest.fixture
def tables(repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / "book" / "_ext"))
    import result_tables

    return result_tables


def keep(folder, **columns):
    (folder / "benchmarks" / "results").mkdir(parents=True)
    table = pd.DataFrame(columns).assign(date="2026-01-31", commit="0012345")
    table.to_csv(folder / "benchmarks" / "results" / "made.tsv", sep="\t", index=False)


def test_a_summary_gives_mean_and_range_in_order(tables, tmp_path):
    keep(
        tmp_path,
        subject=["01", "01", "02"],
        way=["b", "a", "b"],
        error=[1.0, 5.0, 4.0],
        r=[0.5, None, 0.5],
    )
    head, _, *rows, _, made = tables.result_summary(tmp_path, "made", "way").split("\n")
    assert head == "| way | rows | error | r |"
    assert rows == ["| b | 2 | 2.5 (1 to 4) | 0.5 |", "| a | 1 | 5 |  |"]
    assert made == "Measured on 2026-01-31 at commit 0012345: mean (smallest to largest)."


def test_a_table_stands_as_it_was_kept(tables, tmp_path):
    keep(tmp_path, sub_ject=["01", "02"], error=[1.25, None])
    head, _, *rows, _, made = tables.result_table(tmp_path, "made").split("\n")
    assert head == "| sub ject | error |"
    assert rows == ["| 01 | 1.25 |", "| 02 |  |"]
    assert made.endswith("commit 0012345.")
