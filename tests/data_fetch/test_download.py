"""The downloader: from a mirror folder, and over HTTP from this machine."""

import errno
import os
import threading
import time

import pytest
import toy_study as toy
from faulty_server import serving
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toy_study import FILES, T1W, contents, git_sha1

import data_fetch
from data_fetch import catalogue, download, serve, storage


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror of a study 'toy' and its manifest, one file with each kind of checksum."""
    toy.use(monkeypatch, toy.manifest())
    toy.write(tmp_path / "mirror" / "toy")
    return tmp_path / "mirror"


@pytest.fixture
def server(mirror, monkeypatch):
    """The study behind HTTP on this machine; the manifest's addresses point there."""
    with serving(FILES) as (address, log):
        toy.use(monkeypatch, toy.manifest(address))
        yield address, log


@pytest.fixture
def target(tmp_path):
    return tmp_path / "data" / "toy"


def leftovers(folder):
    return [path for path in folder.rglob("*") if ".part" in path.name]


def test_a_mirror_is_copied_and_not_copied_twice(mirror, target):
    first = data_fetch.get("toy", target, mirror=mirror)
    assert contents(target) == FILES
    assert (len(first.fetched), len(first.present), first.partial) == (3, 0, False)
    before = {p: p.stat().st_mtime_ns for p in target.rglob("*")}
    second = data_fetch.get("toy", target, mirror=mirror)
    assert (len(second.fetched), len(second.present)) == (0, 3)
    assert before == {p: p.stat().st_mtime_ns for p in target.rglob("*")}


def test_an_incomplete_mirror_gives_what_it_has(mirror, target):
    (mirror / "toy" / "empty").unlink()
    result = data_fetch.get("toy", target, mirror=mirror)
    assert result.partial
    assert [entry.path for entry in result.absent] == ["empty"]
    assert set(contents(target)) == set(FILES) - {"empty"}
    assert not leftovers(target)


@pytest.mark.parametrize("path", ["README", T1W])
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
@given(place=st.integers(0, len(FILES[T1W]) - 1), bit=st.integers(0, 7))
def test_verify_sees_every_flipped_bit(mirror, target, place, bit):
    data_fetch.get("toy", target, mirror=mirror)
    damaged = bytearray(FILES[T1W])
    damaged[place] ^= 1 << bit
    (target / T1W).write_bytes(damaged)
    found = data_fetch.verify("toy", target)
    assert [(e.path, d) for e, d in found.wrong] == [(T1W, git_sha1(bytes(damaged)))]
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
    toy.use(monkeypatch, [toy.entry("../evil", b"evil")])
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
    def fails(part, path):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(storage, "settle", fails)
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
    def fails(part, path):
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(storage, "settle", fails)
    with pytest.raises(OSError, match="input/output error") as caught:
        data_fetch.get("toy", target, mirror=mirror)
    assert not isinstance(caught.value, data_fetch.StorageError)


def test_files_come_over_http(server, target):
    result = data_fetch.get("toy", target)
    assert contents(target) == FILES
    assert len(result.fetched) == 3
    assert len(data_fetch.get("toy", target).present) == 3
    assert len(server[1]) == 3


def test_a_mirror_may_be_an_address(server, mirror, target, monkeypatch):
    """What it lacks is absent; nothing is asked of the publishers."""
    files = {f"toy/{path}": content for path, content in FILES.items() if path != "README"}
    with serving(files) as (room, _):
        result = data_fetch.get("toy", target, mirror=f"{room}/")
    assert set(contents(target)) == {T1W, "empty"}
    assert [entry.path for entry in result.absent] == ["README"]
    assert server[1] == []


def test_a_mirror_at_an_address_without_the_study_is_explained(server, target):
    with pytest.raises(data_fetch.FetchError, match="has none of the 3 files of 'toy'"):
        data_fetch.get("toy", target, mirror=server[0])


def test_a_file_may_lie_elsewhere_in_a_mirror(tmp_path, target, monkeypatch):
    entry = toy.entry("yeo/Yeo2011.nii.gz", b"atlas", mirror="Yeo 2011/atlas.nii.gz")
    toy.use(monkeypatch, [entry])
    toy.write(tmp_path / "mirror" / "toy", {entry.mirror: b"atlas"})
    data_fetch.get("toy", target, mirror=tmp_path / "mirror")
    assert contents(target) == {entry.path: b"atlas"}
    with serving({f"toy/{entry.mirror}": b"atlas"}) as (room, log):
        data_fetch.get("toy", target.parent / "again", mirror=room)
    assert [path for path, _ in log] == [f"toy/{entry.path}", f"toy/{entry.mirror}"]


def test_a_copy_nearby_spares_the_network(server, mirror, target):
    (mirror / "toy" / "README").write_bytes(b"hellO\n")
    (mirror / "toy" / "empty").unlink()
    data_fetch.get("toy", target, nearby=mirror / "toy")
    assert contents(target) == FILES
    assert sorted(path for path, _ in server[1]) == ["README", "empty"]


def test_progress_counts_bytes_and_ends_at_the_total(server, target, monkeypatch):
    monkeypatch.setattr(download, "EVERY", 0)
    whole, single = [], []
    data_fetch.get(
        "toy", target, progress=lambda *a: whole.append(a), each=lambda *a: single.append(a)
    )
    done = [done for _, done, _ in whole]
    assert done == sorted(done)
    known = sum(len(FILES[path]) for path in ("README", "empty"))
    assert whole[0][2] in (known, known + len(FILES[T1W]))
    # The size that no manifest has is learnt from the server.
    assert whole[-1] == ("done", known + len(FILES[T1W]), known + len(FILES[T1W]))
    last = {path: (done, size) for path, done, size in single}
    assert last == {path: (len(content), len(content)) for path, content in FILES.items()}


def test_a_dry_run_writes_nothing(server, mirror, target):
    planned = data_fetch.get("toy", target, dry_run=True).planned
    assert {entry.path for entry in planned} == set(FILES)
    (mirror / "toy" / "empty").unlink()
    result = data_fetch.get("toy", target, mirror=mirror, dry_run=True)
    assert len(result.planned) == 2 and [e.path for e in result.absent] == ["empty"]
    assert not target.parent.exists() and server[1] == []


def test_much_is_asked_for_first(server, target, monkeypatch):
    monkeypatch.setattr(download, "ASK_ABOVE", 5)
    asked = []
    with pytest.raises(data_fetch.FetchError, match="Nothing was fetched: 6 bytes"):
        data_fetch.get("toy", target, confirm=lambda size: asked.append(size))
    assert asked == [6] and server[1] == [] and not target.exists()
    data_fetch.get("toy", target, confirm=lambda size: True)
    assert contents(target) == FILES
    data_fetch.get("toy", target, confirm=asked.append)
    monkeypatch.setattr(download, "ASK_ABOVE", 6)
    data_fetch.get("toy", target.parent / "again", confirm=asked.append)
    assert asked == [6]


def test_two_calls_at_once_wait_for_each_other(server, mirror, target):
    """The second finds what the first fetched."""
    started, go, result = threading.Event(), threading.Event(), []

    def wait_a_little(message, done, total):
        started.set()
        go.wait(20)

    def first():
        result.append(data_fetch.get("toy", target, progress=wait_a_little))

    thread = threading.Thread(target=first)
    thread.start()
    assert started.wait(20)
    threading.Timer(0.3, go.set).start()
    begin = time.monotonic()
    second = data_fetch.get("toy", target, mirror=mirror)
    thread.join()
    assert time.monotonic() - begin > 0.2
    assert len(result[0].fetched) == 3
    assert len(second.present) == 3


def test_the_real_mirror_gives_a_partial_aomic(real_data, tmp_path):
    """By path and by address: all that is there, and the rest named."""
    rows = (real_data / "MANIFEST.tsv").read_text().splitlines()
    listed = {row.split("\t")[0].removeprefix("aomic/"): row.split("\t")[2] for row in rows}
    with serve.running(real_data) as address:
        for number, mirror in enumerate((real_data, address)):
            target = tmp_path / str(number)
            result = data_fetch.get("aomic", target, mirror=mirror, subset="full")
            assert len(result.fetched) > 100 and result.partial
            for entry in result.fetched:
                assert storage.digest(target / entry.path, "sha256") == listed[entry.path]
            assert not [e.path for e in result.absent if (real_data / "aomic" / e.path).exists()]
            found = data_fetch.verify("aomic", target, subset="full")
            assert set(found.good) == set(result.fetched)
            assert not found.wrong and found.absent == result.absent
