"""The one line that says how far a long step is."""

import io

import pytest

from mriworkbook import progress
from mriworkbook.progress import progress_line


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_one_line_that_is_overwritten(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    terminal = Terminal()
    with progress_line("Making", terminal) as report:
        report("heads", 0, 4)
        now[0] = 10.0
        report("brains", 1, 4)
        now[0] = 40.0
    lines = terminal.getvalue().split("\r")
    assert lines[0] == ""
    assert [line.rstrip(" ") for line in lines[1:]] == [
        "Making: heads, 0 of 4",
        "Making: brains, 1 of 4, about 30 s left",
        f"{'Making: done in 40 s':<79}\n",
    ]
    assert {len(line.rstrip("\n")) for line in lines[1:]} == {progress.WIDTH}


def test_a_notebook_counts_as_one_that_overwrites():
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    with progress_line("Making", stream) as report:
        report("heads", 0, 1)
    assert stream.getvalue().count("\n") == 1
    assert "\r" in stream.getvalue()


def test_an_error_ends_the_line_and_claims_no_success():
    terminal = Terminal()
    with pytest.raises(KeyboardInterrupt), progress_line("Making", terminal) as report:
        report("heads", 0, 4)
        raise KeyboardInterrupt
    assert terminal.getvalue().endswith("\n")
    assert "done" not in terminal.getvalue()


def test_nothing_to_report_writes_nothing(capsys):
    with progress_line("Making"):
        pass
    assert capsys.readouterr() == ("", "")


def test_a_line_that_is_too_long_loses_words_not_numbers():
    terminal = Terminal()
    with progress_line("Making", terminal) as report:
        report("a head with a very long name, " * 4, 7, 9)
    shown = terminal.getvalue().split("\r")[1]
    assert shown.rstrip().endswith("7 of 9") and len(shown) == progress.WIDTH
