"""A mirror: written from what is here, from the network or from another mirror, and read again."""

import errno

import pytest
import toy_study as toy
from faulty_server import serving
from toy_study import FILES

import data_fetch
from data_fetch import catalogue, serve, storage


@pytest.fixture
def server(monkeypatch):
    with serving(FILES) as (address, log):
        toy.use(monkeypatch, toy.manifest(address))
        monkeypatch.setattr(catalogue, "dataset", lambda name: name)
        yield log


def test_what_is_here_is_copied_and_the_rest_fetched(server, tmp_path):
    here = toy.write(tmp_path / "studies" / "toy")
    (here / "README").write_bytes(b"edited")
    (here / "empty").unlink()
    results = data_fetch.write_mirror(tmp_path / "usb", ["toy"], "mini", have=lambda name: here)
    assert toy.contents(tmp_path / "usb" / "toy") == FILES
    assert len(results["toy"].fetched) == 3
    assert sorted(path for path, _ in server) == ["README", "empty"]
    assert (here / "README").read_bytes() == b"edited"


def test_all_has_reached_the_stick_when_it_is_done(server, tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(storage.os, "fsync", flushed.append)
    data_fetch.write_mirror(tmp_path / "usb", ["toy"], "mini")
    assert len(flushed) == len(FILES)


def test_a_stick_that_fills_up_is_said(server, tmp_path, monkeypatch):
    def fails(descriptor):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(storage.os, "fsync", fails)
    with pytest.raises(data_fetch.StorageError, match="the disk is full"):
        data_fetch.write_mirror(tmp_path / "usb", ["toy"], "mini")


def test_a_study_that_is_not_here_is_fetched(server, tmp_path):
    have = (tmp_path / "studies").joinpath
    data_fetch.write_mirror(tmp_path / "usb", ["toy"], "mini", have=have)
    assert toy.contents(tmp_path / "usb" / "toy") == FILES
    again = data_fetch.write_mirror(tmp_path / "usb", ["toy"], "mini", have=have)
    assert len(again["toy"].present) == 3 and len(server) == 3


def test_a_mirror_travels(server, tmp_path):
    """Stick to stick, and from the stick to the room over HTTP."""
    first, second = tmp_path / "first", tmp_path / "second"
    data_fetch.write_mirror(first, ["toy"], "mini")
    data_fetch.write_mirror(second, ["toy"], "mini", mirror=first)
    with serve.running(second) as address:
        result = data_fetch.get("toy", tmp_path / "study", mirror=address)
    assert not result.partial
    assert toy.contents(tmp_path / "study") == FILES
    assert len(server) == 3


def test_a_dry_run_writes_nothing(server, tmp_path):
    here = toy.write(tmp_path / "studies" / "toy")
    found = data_fetch.write_mirror(
        tmp_path / "usb", ["toy"], "mini", have=lambda name: here, dry_run=True
    )
    assert len(found["toy"].planned) == 3
    assert not (tmp_path / "usb").exists()


def test_an_unknown_study_is_said_before_anything_is_written(tmp_path):
    with pytest.raises(data_fetch.FetchError, match="Did you mean 'aomic'"):
        data_fetch.write_mirror(tmp_path / "usb", ["aomic", "aomik"])
    assert not (tmp_path / "usb").exists()


def test_the_real_files_become_a_mirror(real_data, tmp_path):
    """The files that tests have are themselves a mirror; a copy of it serves as well."""
    results = data_fetch.write_mirror(tmp_path / "usb", ["aomic"], "mini", mirror=real_data)
    result = data_fetch.get("aomic", tmp_path / "study", mirror=tmp_path / "usb")
    assert set(result.fetched) == set(results["aomic"].fetched)
    assert toy.contents(tmp_path / "study") == toy.contents(tmp_path / "usb" / "aomic")
