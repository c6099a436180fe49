"""Servers that go wrong: what is fetched in the end, or what is said."""

import errno
import socket
import time
from pathlib import Path

import faulty_server as faulty
import pytest
import toy_study as toy
from faulty_server import serving

import data_fetch
from data_fetch import network, parallel, parts, transfer

# A multiple of three: three answers, each cut after a third, are the whole.
CONTENT = bytes(range(256)) * 399
PATH = "sub-01/func/sub-01_bold.nii.gz"
THIRD = len(CONTENT) // 3


@pytest.fixture
def target(tmp_path, monkeypatch):
    # Long enough for a busy machine; who tests silence makes it short.
    monkeypatch.setattr(network, "TIMEOUT", 20)
    monkeypatch.setattr(transfer, "CHUNK", 10_000)
    return tmp_path / "toy"


@pytest.fixture
def get(target, monkeypatch):
    """Fetch one file from a server with a fault; waits are noted, not waited."""
    waits = []

    def wait(seconds):
        waits.append(seconds)
        assert len(waits) < 30, "it never gives up"

    def call(address, algorithm="sha256", size=True, **options):
        addresses = [f"{address}/{PATH}"] if isinstance(address, str) else address
        toy.use(monkeypatch, [toy.entry(PATH, CONTENT, algorithm, *addresses, size=size)])
        return data_fetch.get("toy", target, wait=wait, **options)

    call.waits = waits
    return call


def be_impatient(monkeypatch, fault):
    if fault in (faulty.stalls, faulty.stalls_always):
        monkeypatch.setattr(network, "TIMEOUT", 0.4)


@pytest.mark.parametrize("algorithm", ["sha256", "git-sha1"])
@pytest.mark.parametrize(
    ("fault", "asked"),
    [
        (faulty.truncates, [None, THIRD, 2 * THIRD]),
        (faulty.cuts_without_etag, [None, THIRD, 2 * THIRD]),
        (faulty.cuts_once_then_no_range, [None, THIRD]),
        (faulty.stalls, [None, len(CONTENT) // 2]),
        (faulty.refuses(500, times=3), [None] * 4),
        (faulty.refuses(429, times=1, Retry_After="7"), [None] * 2),
        (faulty.says_416_to_ranges, [None, THIRD, None]),
        (faulty.another_piece, [None, THIRD, None]),
        (faulty.changes(guard=True), [None, THIRD]),
        (faulty.changes(guard=False), [None, THIRD, None]),
        (faulty.changes_silently, [None, THIRD, None]),
        (faulty.no_length, [None]),
        (faulty.moved, [None, None]),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_fault_that_passes_is_overcome(get, target, monkeypatch, fault, asked, algorithm):
    be_impatient(monkeypatch, fault)
    with serving({PATH: CONTENT}, {PATH: fault}) as (address, log):
        result = get(address, algorithm, size=algorithm != "git-sha1")
    assert toy.contents(target) == {PATH: CONTENT}
    assert len(result.fetched) == 1
    assert [start for _, start in log] == asked


def test_a_changed_file_is_seen_before_the_rest_of_it_comes(get, monkeypatch):
    """By a server that knows no If-Range; its ETag is another one."""
    monkeypatch.setattr(data_fetch.download, "EVERY", 0)
    done = []
    with serving({PATH: CONTENT}, {PATH: faulty.changes(guard=False)}) as (address, _):
        get(address, progress=lambda message, came, total: done.append(came))
    restart = next(i for i in range(1, len(done)) if done[i] < done[i - 1])
    assert max(done[:restart]) == THIRD


def test_waits_double_with_chance_and_follow_the_server(get):
    with serving({PATH: CONTENT}, {PATH: faulty.refuses(503, times=4)}) as (address, _):
        get(address)
    for number, seconds in enumerate(get.waits):
        assert 0.5 * 2**number <= seconds <= 1.5 * 2**number
    assert len(get.waits) == 4


def test_the_wait_that_a_server_asks_for_is_kept(get):
    with serving({PATH: CONTENT}, {PATH: faulty.refuses(429, times=1, Retry_After="7")}) as (at, _):
        get(at)
    assert get.waits == [7]


@pytest.mark.parametrize(
    ("fault", "error", "words", "requests"),
    [
        (faulty.refuses(403), data_fetch.FetchError, "answers 403", 1),
        (faulty.refuses(416), data_fetch.FetchError, "answers 416", 1),
        (faulty.refuses(500), data_fetch.FetchError, "answers 500", 5),
        (faulty.hangs_up, data_fetch.FetchError, "connection was cut", 5),
        (faulty.truncates_without_range, data_fetch.FetchError, "connection was cut", 5),
        (faulty.cuts_here_and_there, data_fetch.FetchError, "connection was cut", 6),
        (faulty.stalls_always, data_fetch.FetchError, "no answer for 0.4 seconds", 3),
        (faulty.login_page, data_fetch.ChecksumError, "login page of the Wi-Fi", 1),
        (faulty.login_page_of_the_right_size, data_fetch.ChecksumError, "login page", 1),
        (faulty.another_file, data_fetch.ChecksumError, "has 9 bytes, expected 102144", 1),
        (faulty.one_bit_off, data_fetch.ChecksumError, "its sha256 is [0-9a-f]{64}, expected", 1),
        (faulty.too_long, data_fetch.ChecksumError, "its sha256 is", 1),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_fault_that_stays_is_named(get, target, monkeypatch, fault, error, words, requests):
    be_impatient(monkeypatch, fault)
    with serving({PATH: CONTENT}, {PATH: fault}) as (address, log):
        with pytest.raises(data_fetch.FetchError, match=words) as caught:
            get(address)
        assert type(caught.value) is error
        assert len(log) == requests
        text = str(caught.value)
        assert PATH in text and f"{address}/{PATH}" in text
        assert "Still missing: 1 files, 102 kB" in text
        assert "mriworkbook data get toy --subset mini --mirror PATH" in text
        assert not (target / PATH).exists()


@pytest.mark.parametrize(
    "fault",
    [
        faulty.refuses(403),
        faulty.refuses(500),
        faulty.truncates_without_range,
        faulty.stalls_always,
        faulty.login_page,
        faulty.one_bit_off,
        faulty.too_long,
        faulty.hangs_up,
    ],
    ids=lambda fault: fault.__name__,
)
def test_the_next_source_is_asked(get, target, monkeypatch, fault):
    be_impatient(monkeypatch, fault)
    with (
        serving({PATH: CONTENT}, {PATH: fault}) as (bad, _),
        serving({PATH: CONTENT}) as (good, log),
    ):
        get([f"{bad}/{PATH}", f"{good}/{PATH}"])
    assert toy.contents(target) == {PATH: CONTENT}
    assert len(log) == 1


def test_the_next_source_goes_on_where_the_first_was_cut(get, target):
    """Whatever server the beginning came from, the checksum is of the whole."""

    def cut_then_gone(request, content, n):
        faulty.truncates(request, content, n) if n == 0 else faulty.refuses(404)(request, b"", n)

    with (
        serving({PATH: CONTENT}, {PATH: cut_then_gone}) as (bad, _),
        serving({PATH: CONTENT}) as (good, log),
    ):
        get([f"{bad}/{PATH}", f"{good}/{PATH}"])
    assert toy.contents(target) == {PATH: CONTENT}
    assert log == [(PATH, THIRD)]


def test_a_login_page_does_not_cost_what_was_there(get, target):
    with serving({PATH: CONTENT}, {PATH: faulty.login_page}) as (address, _):
        (part, _) = parts.part_names(target / PATH)
        part.parent.mkdir(parents=True)
        part.write_bytes(CONTENT[:THIRD])
        with pytest.raises(data_fetch.ChecksumError, match="login page"):
            get(address)
        assert part.read_bytes() == CONTENT[:THIRD]


def test_one_bad_file_does_not_stop_the_others(target, monkeypatch):
    files = {f"file-{number}": b"%d" % number * 2000 for number in range(12)}
    with serving(files, {"file-3": faulty.refuses(403)}) as (address, _):
        toy.use(monkeypatch, [toy.entry(p, c, "md5", f"{address}/{p}") for p, c in files.items()])
        with pytest.raises(data_fetch.FetchError, match="1 of the files could not") as caught:
            data_fetch.get("toy", target)
    assert "The 11 files already there are kept" in str(caught.value)
    assert toy.contents(target) == {p: c for p, c in files.items() if p != "file-3"}


def test_a_host_that_is_silent_is_asked_only_at_first(target, monkeypatch):
    """A hundred files must not each wait for their own time-out."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr(network, "TIMEOUT", 0.1)
        waits = []

        def wait(seconds):
            waits.append(seconds)
            assert len(waits) <= limit, "every file waits for itself"

        limit = 2 * transfer.FEWER_ATTEMPTS
        toy.use(monkeypatch, [toy.entry(f"{n}", b"x", "md5", f"{address}/{n}") for n in range(100)])
        with pytest.raises(data_fetch.FetchError, match=r"no answer for 0\.1 seconds") as caught:
            data_fetch.get("toy", target, wait=wait, jobs=2)
    assert "100 of the files could not be fetched" in str(caught.value)
    assert "and 99 more" in str(caught.value)


def test_offline_with_nothing_here_says_what_how_big_and_which_command(get, target):
    # Port 9 of this machine: nobody listens there.
    with pytest.raises(data_fetch.FetchError, match="no connection to the server") as caught:
        get("http://127.0.0.1:9")
    text = str(caught.value)
    assert PATH in text and "102 kB" in text
    assert "mriworkbook data get toy --subset mini --mirror PATH" in text
    assert not target.exists()
    assert len(get.waits) == transfer.FEWER_ATTEMPTS - 1


def test_an_address_of_another_kind_goes_to_pooch(get, target, monkeypatch):
    address = "doi:10.5281/zenodo.1/bold.nii.gz"

    def choose(url):
        assert url == address
        return lambda url, output_file, pooch: Path(output_file).write_bytes(CONTENT)

    monkeypatch.setattr("pooch.downloaders.choose_downloader", choose)
    get([address])
    assert toy.contents(target) == {PATH: CONTENT}


def test_a_disk_that_fills_up_is_said_and_given_back(get, target):
    """The part is a device that is always full."""
    part, _ = parts.part_names(target / PATH)
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")
    with (
        serving({PATH: CONTENT}) as (address, _),
        pytest.raises(data_fetch.StorageError, match=r"disk is full\. About 102 kB") as caught,
    ):
        get(address)
    assert "export MRIWORKBOOK_DATA=/path/with/space" in str(caught.value)
    assert toy.contents(target) == {} and not part.is_symlink()


def test_a_disk_too_small_is_said_before_anything_is_written(get, target, monkeypatch):
    usage = type("usage", (), {"free": 10_000})
    monkeypatch.setattr(data_fetch.download.shutil, "disk_usage", lambda path: usage)
    with serving({PATH: CONTENT}) as (address, log):
        with pytest.raises(data_fetch.StorageError, match=r"102 kB are needed, 10 kB are free"):
            get(address)
        assert log == [] and not target.exists()


def test_a_folder_that_cannot_be_written_to_is_said(get, target, monkeypatch):
    def refuses(*args, **kwargs):
        raise OSError(errno.EROFS, "Read-only file system")

    with serving({PATH: CONTENT}) as (address, _):
        monkeypatch.setattr(parts, "write", refuses)
        with pytest.raises(data_fetch.StorageError, match=r"read-only file system\. About 102 kB"):
            get(address)
    assert toy.contents(target) == {}


def test_a_stop_ends_a_read_that_waits(target, monkeypatch):
    """What Ctrl-C does: another error ends the call though a server says nothing."""
    files = {PATH: CONTENT, "README": b"hello"}

    def stop(path, done, size):
        if path == "README" and done:
            raise KeyboardInterrupt

    def late(request, content, n):
        request.server.over.wait(0.3)
        faulty.whole(request, content, n)

    monkeypatch.setattr(data_fetch.download, "EVERY", 0)
    with serving(files, {PATH: faulty.stalls, "README": late}) as (address, _):
        toy.use(monkeypatch, [toy.entry(p, c, "md5", f"{address}/{p}") for p, c in files.items()])
        begin = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            data_fetch.get("toy", target, each=stop)
        assert time.monotonic() - begin < parallel.FAREWELL
        assert not [t for t in parallel.threading.enumerate() if "_work" in t.name]
    assert not (target / PATH).exists()


def test_what_runs_in_parallel_raises_the_first_error():
    def work(item):
        raise ZeroDivisionError(item)

    with pytest.raises(ZeroDivisionError):
        parallel.run(work, [1, 2, 3], jobs=2, line=network.Line())
