"""The server of a mirror folder: what it gives, and what it does not."""

import http.client
import os
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import data_fetch
from data_fetch import replies, serve

CONTENT = bytes(range(256)) * 300
SECRET = b"nobody in the room may read this"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A mirror with a file outside it, and links to that file and to its folder."""
    top = tmp_path_factory.mktemp("served")
    root = top / "mirror"
    (root / "toy" / "a folder").mkdir(parents=True)
    (root / "toy" / "bold.nii.gz").write_bytes(CONTENT)
    (root / "toy" / "a folder" / "empty+ä").touch()
    (top / "secret").write_bytes(SECRET)
    (root / "toy" / "way-out").symlink_to(top / "secret")
    (root / "toy" / "folder-out").symlink_to(top)
    (root / "toy" / "way-in").symlink_to(root / "toy" / "bold.nii.gz")
    return root


@pytest.fixture(scope="module")
def address(folder):
    with serve.running(folder) as running:
        yield running


def ask(address, path="/toy/bold.nii.gz", method="GET", **headers):
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


def raw(address, text):
    with socket.create_connection(urlsplit(address).netloc.split(":"), timeout=10) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_file_is_given_whole_with_what_resuming_needs(address):
    status, headers, body = ask(address)
    assert (status, body) == (200, CONTENT)
    assert headers["Content-Length"] == str(len(CONTENT))
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["ETag"].startswith('"') and headers["Last-Modified"].endswith("GMT")
    assert ask(address, "/toy/a%20folder/empty%2B%C3%A4")[::2] == (200, b"")
    assert ask(address, "/toy/way-in?x=1")[::2] == (200, CONTENT)


def test_head_gives_no_body(address):
    status, headers, body = ask(address, method="HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", str(len(CONTENT)))
    head = b"HEAD /absent HTTP/1.1\r\nConnection: close\r\n\r\n"
    assert raw(address, head).endswith(b"\r\n\r\n")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, len(CONTENT) + 9), length=st.integers(1, len(CONTENT)))
def test_every_range_is_that_piece(address, start, length):
    status, headers, body = ask(address, Range=f"bytes={start}-{start + length - 1}")
    if start >= len(CONTENT):
        assert (status, headers["Content-Range"]) == (416, f"bytes */{len(CONTENT)}")
        return
    end = min(start + length, len(CONTENT))
    assert (status, body) == (206, CONTENT[start:end])
    assert headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(CONTENT)}"


@pytest.mark.parametrize(
    ("asked", "status", "piece"),
    [
        ("bytes=100-", 206, CONTENT[100:]),
        ("bytes=-7", 206, CONTENT[-7:]),
        (f"bytes=-{10 * len(CONTENT)}", 206, CONTENT),
        ("bytes=-0", 416, None),
        ("bytes=-", 200, CONTENT),
        ("bytes=9-3", 200, CONTENT),
        ("bytes=0-1,5-6", 200, CONTENT),
        ("lines=1-2", 200, CONTENT),
    ],
)
def test_odd_ranges_follow_the_standard(address, asked, status, piece):
    answered, _, body = ask(address, Range=asked)
    assert answered == status
    assert piece is None or body == piece


def test_if_range_guards_against_a_changed_file(address):
    _, headers, _ = ask(address, method="HEAD")
    for name in ("ETag", "Last-Modified"):
        assert ask(address, Range="bytes=5-", If_Range=headers[name])[0] == 206
    assert ask(address, Range="bytes=5-", If_Range='"another"')[::2] == (200, CONTENT)


@pytest.mark.parametrize(
    "path",
    [
        "/../secret",
        "/toy/../../secret",
        "/toy/%2e%2e/%2e%2e/secret",
        "/toy/..%2f..%2fsecret",
        "/toy/..%5c..%5csecret",
        "//etc/passwd",
        "/toy//bold.nii.gz",
        "/%2fetc/passwd",
        "/toy/bold.nii.gz%00",
        "/toy/way-out",
        "/toy/folder-out/secret",
        "/toy",
        "/toy/",
        "/absent",
        "http://elsewhere/toy/bold.nii.gz",
        "/" + "a" * 9000,
    ],
)
def test_nothing_outside_the_folder_is_given(address, path):
    status, _, body = ask(address, path)
    assert status == 404 and SECRET not in body


@settings(max_examples=100)
@given(st.lists(st.sampled_from(["..", ".", "toy", "folder-out", "way-out", "secret", "", "%2e"])))
def test_no_path_leads_out(folder, parts):
    found = replies.inside(folder.resolve(), "/" + "/".join(parts))
    assert found is None or found.is_relative_to(folder.resolve())


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "OPTIONS"])
def test_only_reading_is_allowed(address, folder, method):
    before = sorted(folder.rglob("*"))
    status, headers, _ = ask(address, method=method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / SPDY/3\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", b"431"),
        (b"GET /toy/bold.nii.gz HTTP/1.0\r\n\r\n", b"200"),
    ],
)
def test_a_strange_request_gets_an_answer_and_an_end(address, text, status):
    answer = raw(address, text)
    assert answer.split(b" ")[1] == status
    assert b"Connection: close" in answer


def test_a_request_cut_short_is_no_trouble(address):
    assert raw(address, b"GET /toy/bo") == b""
    assert ask(address)[0] == 200


def test_a_connection_serves_many_requests(address):
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)
    for _ in range(3):
        connection.request("GET", "/toy/bold.nii.gz")
        assert connection.getresponse().read() == CONTENT
        kept = connection.sock
        connection.request("GET", "/absent")
        assert connection.getresponse().read() == b"404 Not Found\n"
        assert connection.sock is kept
    connection.close()


def test_somebody_slow_delays_nobody(address):
    with socket.create_connection(urlsplit(address).netloc.split(":")) as slow:
        slow.sendall(b"GET /toy/bold.nii.gz HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(20):
            assert ask(address)[2] == CONTENT


def test_the_index_says_what_to_type(address):
    status, headers, body = ask(address, "/")
    assert status == 200 and headers["Content-Type"].startswith("text/html")
    assert f"mriworkbook data get toy --mirror {address}".encode() in body
    assert b"<script>" not in ask(address, "/", Host="<script>")[2]


def serve_elsewhere(*arguments):
    """`serve` in a thread: other tests may have left an event loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(serve.serve, *arguments).result()


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(data_fetch.FetchError, match="mriworkbook data mirror DIR"):
        serve_elsewhere(tmp_path / "absent", "127.0.0.1", 0)


def test_a_port_that_is_taken_is_said(folder, address):
    with pytest.raises(data_fetch.FetchError, match="--port"):
        serve_elsewhere(folder, "127.0.0.1", int(address.rpartition(":")[2]))


def test_the_room_is_told_an_address_of_this_machine(folder):
    with serve.running(folder, host="0.0.0.0") as address:
        assert "0.0.0.0" not in address
        assert ask(address)[2] == CONTENT


def test_ctrl_c_ends_it_quietly(folder):
    code = f"from data_fetch.serve import serve; serve({str(folder)!r}, '127.0.0.1', 0)"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as process:
        address = process.stdout.readline().strip()
        assert ask(address)[0] == 200
        process.send_signal(2)
        _, said = process.communicate(timeout=10)
        assert (process.returncode, said) == (0, "")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux tells the memory")
def test_memory_stays_where_it_is(folder):
    """Sixty connections at once that do not read, of a file larger than all buffers."""
    big = folder / "toy" / "big"
    with big.open("wb") as file:
        file.truncate(200_000_000)
    code = f"from data_fetch.serve import serve; serve({str(folder)!r}, '127.0.0.1', 0)"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        address = server.stdout.readline().strip()
        ask(address)
        before, after = resident(server.pid), None
        place = urlsplit(address).netloc.split(":")
        connections = [socket.create_connection(place) for _ in range(60)]
        for connection in connections:
            connection.sendall(b"GET /toy/big HTTP/1.1\r\n\r\n")
            assert connection.recv(10) == b"HTTP/1.1 2"
        after = resident(server.pid)
        for connection in connections:
            connection.close()
        server.terminate()
    big.unlink()
    assert after - before < 3_000_000


def resident(pid):
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def test_threads_are_gone_afterwards(folder):
    before = threading.active_count()
    with serve.running(folder) as address:
        ask(address)
    assert threading.active_count() == before
