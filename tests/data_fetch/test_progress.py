"""Bars of a download: in a terminal, in a notebook, in a log, and none."""

import io
import warnings

import pytest

from data_fetch.progress import bars


class Terminal(io.StringIO):
    """A stream that says it can be overwritten."""

    def isatty(self):
        return True


# What Jupyter's output stream is recognised by.
Notebook = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})


def download(stream):
    with bars("Getting toy", stream) as report:
        report["progress"]("a.nii.gz", 0, 4_000_000)
        if report["each"]:
            report["each"]("sub-01/a.nii.gz", 0, None)
            report["each"]("sub-01/a.nii.gz", 1_000_000, 3_000_000)
        report["progress"]("a.nii.gz", 1_000_000, 4_000_000)
        if report["each"]:
            report["each"]("sub-01/a.nii.gz", 3_000_000, 3_000_000)
            report["each"]("sub-01/b.nii.gz", 500_000, 1_000_000)
        report["progress"]("done", 4_000_000, 4_000_000)
    return stream.getvalue()


@pytest.fixture(autouse=True)
def loud(monkeypatch):
    monkeypatch.delenv("MRIWORKBOOK_QUIET", raising=False)


def test_a_terminal_shows_bytes_rate_and_time_left(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    text = download(Terminal())
    assert "Getting toy" in text and "4.0/4.0 MB" in text
    assert "/s" in text and "0:00:00" in text


def test_a_notebook_shows_a_bar_for_all_and_for_single_files(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = download(Notebook())
    assert "Getting toy: 100%" in text and "4.00M/4.00M" in text
    assert "a.nii.gz:" in text
    assert capsys.readouterr().err == ""


def test_a_log_has_two_lines():
    assert download(io.StringIO()).splitlines()[0] == "Getting toy ..."
    assert len(download(io.StringIO()).splitlines()) == 2


def test_quiet_is_quiet(monkeypatch):
    monkeypatch.setenv("MRIWORKBOOK_QUIET", "1")
    stream = Terminal()
    with bars("Getting toy", stream) as report:
        assert report == {"progress": None, "each": None}
    assert stream.getvalue() == ""
