"""The downloader: from a mirror folder, and over HTTP from this machine."""

import errno
import functools
import hashlib
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import data_fetch
from data_fetch import catalogue, download, storage
from data_fetch.catalogue import Entry

FILES = {"README": b"hello\n", "sub-01/anat/sub-01_T1w.nii.gz": b"\0voxels" * 5000, "empty": b""}


def git_sha1(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror of a study 'toy' and its manifest, one file with each kind of checksum."""
    makers = {
        "README": ("sha256", lambda content: hashlib.sha256(content).hexdigest()),
        "sub-01/anat/sub-01_T1w.nii.gz": ("git-sha1", git_sha1),
        "empty": ("md5", lambda content: hashlib.md5(content).hexdigest()),
    }
    entries = []
    for path, content in FILES.items():
        algorithm, make = makers[path]
        # The size of a file known by git's name only is not published.
        size = None if algorithm == "git-sha1" else len(content)
        url = f"http://localhost/{path}"
        entries.append(Entry(path, size, algorithm, make(content), "mini", url))
        file = tmp_path / "mirror" / "toy" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    monkeypatch.setattr(catalogue, "manifest", lambda name: entries)
    return tmp_path / "mirror"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "data" / "toy"


def contents(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def leftovers(folder):
    return list(folder.rglob("*.part"))


def test_a_mirror_is_copied_and_not_copied_twice(mirror, target):
    first = data_fetch.get("toy", target, mirror=mirror)
    assert contents(target) == FILES
    assert (len(first.fetched), len(first.present), first.partial) == (3, 0, False)
    before = {p: p.stat().st_mtime_ns for p in target.rglob("*")}
    second = data_fetch.get("toy", target, mirror=mirror)
    assert (len(second.fetched), len(second.present)) == (0, 3)
    assert before == {p: p.stat().st_mtime_ns for p in target.rglob("*")}


def test_progress_counts_files(mirror, target):
    calls = []
    data_fetch.get("toy", target, mirror=mirror, progress=lambda *a: calls.append(a))
    assert [done for _, done, _ in calls] == [0, 1, 2, 3]
    assert {total for _, _, total in calls} == {3}


def test_an_incomplete_mirror_gives_what_it_has(mirror, target):
    (mirror / "toy" / "empty").unlink()
    result = data_fetch.get("toy", target, mirror=mirror)
    assert result.partial
    assert [entry.path for entry in result.absent] == ["empty"]
    assert set(contents(target)) == set(FILES) - {"empty"}
    assert not leftovers(target)


@pytest.mark.parametrize("path", ["README", "sub-01/anat/sub-01_T1w.nii.gz"])
def test_a_wrong_checksum_never_lands_under_the_real_name(mirror, target, path):
    changed = bytearray(FILES[path])
    changed[2] ^= 1
    (mirror / "toy" / path).write_bytes(changed)
    with pytest.raises(data_fetch.ChecksumError) as caught:
        data_fetch.get("toy", target, mirror=mirror)
    entry = next(e for e in catalogue.manifest("toy") if e.path == path)
    found = storage.digest(mirror / "toy" / path, entry.algorithm)
    assert entry.checksum in str(caught.value) and found in str(caught.value)
    assert set(contents(target)) == set(FILES) - {path}


def test_a_damaged_file_is_fetched_again(mirror, target):
    data_fetch.get("toy", target, mirror=mirror)
    (target / "README").write_bytes(b"hellO\n")
    result = data_fetch.get("toy", target, mirror=mirror)
    assert [entry.path for entry in result.fetched] == ["README"]
    assert contents(target) == FILES


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.integers(0, len(FILES["sub-01/anat/sub-01_T1w.nii.gz"]) - 1), bit=st.integers(0, 7))
def test_verify_sees_every_flipped_bit(mirror, target, place, bit):
    data_fetch.get("toy", target, mirror=mirror)
    path = "sub-01/anat/sub-01_T1w.nii.gz"
    damaged = bytearray(FILES[path])
    damaged[place] ^= 1 << bit
    (target / path).write_bytes(damaged)
    found = data_fetch.verify("toy", target)
    assert [(e.path, d) for e, d in found.wrong] == [(path, git_sha1(bytes(damaged)))]
    assert len(found.good) == 2 and not found.absent


def test_verify_lists_absent_files(mirror, target):
    data_fetch.get("toy", target, mirror=mirror)
    (target / "README").unlink()
    assert [e.path for e in data_fetch.verify("toy", target).absent] == ["README"]


def test_a_mirror_given_one_folder_too_deep_is_explained(mirror, target):
    with pytest.raises(data_fetch.FetchError, match=f"--mirror {mirror}$"):
        data_fetch.get("toy", target, mirror=mirror / "toy")
    assert not target.exists()


def test_an_unknown_study_is_explained(target):
    with pytest.raises(data_fetch.FetchError, match="Did you mean 'aomic'"):
        data_fetch.get("aomics", target)


def test_a_traversing_path_is_refused_when_copying_too(mirror, target, monkeypatch):
    evil = Entry("../evil", None, "md5", "0" * 32, "mini", "http://localhost/evil")
    monkeypatch.setattr(catalogue, "manifest", lambda name: [evil])
    (mirror / "evil").write_text("evil")
    with pytest.raises(data_fetch.FetchError, match="would leave the study folder"):
        data_fetch.get("toy", target, mirror=mirror)
    assert not (target.parent / "evil").exists()


@pytest.mark.parametrize("fault", [KeyboardInterrupt, MemoryError])
def test_a_stop_in_the_middle_leaves_no_part(mirror, target, monkeypatch, fault):
    class Stops:
        def __init__(self, sum_):
            self.sum_ = sum_

        def update(self, piece):
            raise fault

    monkeypatch.setattr(storage, "new_digest", lambda *args: Stops(args))
    with pytest.raises(fault):
        data_fetch.get("toy", target, mirror=mirror)
    assert contents(target) == {}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission"),
    ],
)
def test_a_full_or_read_only_disk_is_explained(mirror, target, monkeypatch, code, words):
    def fails(descriptor):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(storage.os, "fsync", fails)
    with pytest.raises(data_fetch.StorageError, match=words) as caught:
        data_fetch.get("toy", target, mirror=mirror)
    assert str(target) in str(caught.value)
    assert "export MRIWORKBOOK_DATA=/path/with/space" in str(caught.value)
    assert contents(target) == {}


def test_a_target_below_a_file_is_explained(mirror, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(data_fetch.StorageError, match="MRIWORKBOOK_DATA"):
        data_fetch.get("toy", tmp_path / "file" / "toy", mirror=mirror)


def test_another_error_of_the_system_is_not_disguised(mirror, target, monkeypatch):
    def fails(descriptor):
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(storage.os, "fsync", fails)
    with pytest.raises(OSError, match="input/output error") as caught:
        data_fetch.get("toy", target, mirror=mirror)
    assert not isinstance(caught.value, data_fetch.StorageError)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_process_stopped_in_the_middle_leaves_no_wrong_file(mirror, target, tmp_path, number):
    """Ctrl-C leaves no part either; after a kill the next call finishes."""
    path = "sub-01/anat/sub-01_T1w.nii.gz"
    checksum = git_sha1(FILES[path])
    code = f"""
import time
import data_fetch
from data_fetch import catalogue
entry = catalogue.Entry({path!r}, None, "git-sha1", {checksum!r}, "mini", "http://localhost/")
catalogue.manifest = lambda name: [entry]
def slow(url, part):
    part.write_bytes(b"half")
    time.sleep(60)
data_fetch.get("toy", {str(target)!r}, fetch=slow)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    part = target / f"{path}.part"
    wait_for(lambda: part.exists() and part.stat().st_size == 4)
    process.send_signal(number)
    assert process.wait(timeout=10) != 0
    assert not (target / path).exists()
    if number == signal.SIGINT:
        assert not leftovers(target)
    data_fetch.get("toy", target, mirror=mirror)
    assert contents(target) == FILES


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def server(mirror, monkeypatch):
    """The mirror behind HTTP on this machine; the manifest's addresses point there."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            """Keep the test's output clean."""

    handler = functools.partial(Quiet, directory=mirror / "toy")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        address = f"http://127.0.0.1:{running.server_port}"
        entries = [
            Entry(e.path, e.bytes, e.algorithm, e.checksum, e.subset, f"{address}/{e.path}")
            for e in catalogue.manifest("toy")
        ]
        monkeypatch.setattr(catalogue, "manifest", lambda name: entries)
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield address
        running.shutdown()
        thread.join()


def test_files_come_over_http(server, target):
    result = data_fetch.get("toy", target)
    assert contents(target) == FILES
    assert len(result.fetched) == 3
    assert len(data_fetch.get("toy", target).present) == 3


def test_wrong_content_over_http_is_not_kept(server, mirror, target):
    (mirror / "toy" / "README").write_bytes(b"a captive portal's login page")
    with pytest.raises(data_fetch.ChecksumError, match="README"):
        data_fetch.get("toy", target)
    assert set(contents(target)) == set(FILES) - {"README"}


def test_an_address_that_is_gone_is_named_with_what_is_missing(server, mirror, target):
    (mirror / "toy" / "sub-01/anat/sub-01_T1w.nii.gz").unlink()
    with pytest.raises(data_fetch.FetchError, match="the server answers 404") as caught:
        data_fetch.get("toy", target)
    text = str(caught.value)
    assert f"{server}/sub-01/anat/sub-01_T1w.nii.gz" in text
    assert "Still missing: 2 files" in text and "1 of unpublished size" in text
    assert set(contents(target)) == {"README"}


def test_offline_is_said_in_plain_words(mirror, target, monkeypatch):
    # Port 9 of this machine: nobody listens there.
    gone = Entry("README", 6, "md5", "0" * 32, "mini", "http://127.0.0.1:9/README")
    monkeypatch.setattr(catalogue, "manifest", lambda name: [gone])
    with pytest.raises(data_fetch.FetchError, match="no connection to the server") as caught:
        data_fetch.get("toy", target)
    assert "6 bytes" in str(caught.value) and "--mirror" in str(caught.value)
    assert contents(target) == {}


def test_a_silent_server_is_given_up(mirror, target, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/README"
        silent = Entry("README", 6, "md5", "0" * 32, "mini", url)
        monkeypatch.setattr(catalogue, "manifest", lambda name: [silent])
        with pytest.raises(data_fetch.FetchError, match="no answer for"):
            data_fetch.get("toy", target)


def test_two_calls_at_once_wait_for_each_other(mirror, target):
    """The second finds what the first fetched."""
    started, result = threading.Event(), []

    def slow(url, part):
        started.set()
        time.sleep(0.3)
        part.write_bytes(FILES[url.removeprefix("http://localhost/")])

    first = threading.Thread(
        target=lambda: result.append(data_fetch.get("toy", target, fetch=slow))
    )
    first.start()
    started.wait()
    second = data_fetch.get("toy", target, mirror=mirror)
    first.join()
    assert len(result[0].fetched) == 3
    assert len(second.present) == 3


def test_the_real_mirror_gives_a_partial_aomic(real_data, tmp_path):
    result = data_fetch.get("aomic", tmp_path / "aomic", mirror=real_data, subset="full")
    assert len(result.fetched) == 124
    assert {entry.path.rsplit("_", 1)[1] for entry in result.absent} == {"T1w.nii.gz"}
    assert len(result.absent) == 3
    found = data_fetch.verify("aomic", tmp_path / "aomic", subset="full")
    assert len(found.good) == 124 and not found.wrong and found.absent == result.absent
