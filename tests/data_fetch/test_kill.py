"""Killed in the middle: nothing wrong under a real name, and the next call goes on from there."""

import pickle
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import toy_study as toy
from faulty_server import serving, whole

import data_fetch
from data_fetch import parts, transfer

SIZES = {"README": 812, "T1w.nii.gz": 1_500_000, "bold.nii.gz": 4_000_000, "no-size.mgz": 999_999}
CONTENT = {path: random.Random(path).randbytes(size) for path, size in SIZES.items()}

CHILD = """
import pickle, sys
import data_fetch
from data_fetch import catalogue
catalogue.manifest = lambda name: pickle.load(open(sys.argv[1], "rb"))
print("begun", flush=True)
data_fetch.get("toy", sys.argv[2], jobs=3)
"""


def slowly(request, content, n):
    """About 20 MB/s for each connection, so that a kill has a moment to hit."""
    request.wfile = Trickle(request.wfile)
    whole(request, content, n)


class Trickle:
    """A file that takes its time."""

    def __init__(self, file):
        self.file = file

    def write(self, data):
        for start in range(0, len(data), 50_000):
            self.file.write(data[start : start + 50_000])
            time.sleep(0.002)

    def flush(self):
        self.file.flush()

    @property
    def closed(self):
        return self.file.closed

    def close(self):
        self.file.close()


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A server, what a child process needs to know of it, and its log."""
    with serving(CONTENT, dict.fromkeys(CONTENT, slowly)) as (address, log):
        entries = [toy.entry(p, c, "sha256", f"{address}/{p}") for p, c in CONTENT.items()]
        last = entries[-1].path
        url = f"{address}/{last}"
        entries[-1] = toy.entry(last, CONTENT[last], "git-sha1", url, size=False)
        toy.use(monkeypatch, entries)
        (tmp_path / "entries").write_bytes(pickle.dumps(entries))
        yield [sys.executable, "-c", CHILD, str(tmp_path / "entries")], log


def start(command, target):
    process = subprocess.Popen(
        [*command, str(target)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "begun\n"
    return process


def wait_for_bytes(target, number):
    """Until so many bytes of the largest file are there."""
    part, _ = parts.part_names(target / "bold.nii.gz")
    end = time.monotonic() + 20
    while not part.exists() or part.stat().st_size < number:
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def require_nothing_wrong(target):
    for path, content in toy.contents(target).items():
        assert Path(path).suffix in (".part", ".part-source") or content == CONTENT[path]


@pytest.mark.parametrize("seed", range(5))
def test_what_is_killed_goes_on_where_it_was(study, tmp_path, seed):
    """Bytes fetched again: at most one chunk a file."""
    command, log = study
    target = tmp_path / "toy"
    came, again = dict.fromkeys(CONTENT, 0), dict.fromkeys(CONTENT, 0)
    process = start(command, target)
    wait_for_bytes(target, random.Random(seed).randrange(SIZES["bold.nii.gz"] // 2))
    process.kill()
    process.communicate()
    require_nothing_wrong(target)
    for path in CONTENT:
        part, _ = parts.part_names(target / path)
        came[path] = part.stat().st_size if part.exists() else 0
    assert came["bold.nii.gz"]
    log.clear()
    data_fetch.get("toy", target)
    for path, first in log:
        again[path] = came[path] - (first or 0)
    assert toy.contents(target) == CONTENT
    assert max(again.values()) <= transfer.CHUNK


def test_a_whole_part_is_not_asked_for_again(study, tmp_path):
    """Killed between the last byte and the rename."""
    _, log = study
    for path, content in CONTENT.items():
        part, _ = parts.part_names(tmp_path / "toy" / path)
        part.parent.mkdir(exist_ok=True)
        part.write_bytes(content)
    data_fetch.get("toy", tmp_path / "toy")
    assert toy.contents(tmp_path / "toy") == CONTENT
    # The one whose size nobody published costs a question, but no byte.
    assert log == [("no-size.mgz", SIZES["no-size.mgz"])]


@pytest.mark.parametrize("damage", ["flipped", "too long", "note is nonsense"])
def test_a_part_that_is_not_right_does_no_harm(study, tmp_path, damage):
    part, note = parts.part_names(tmp_path / "toy" / "T1w.nii.gz")
    part.parent.mkdir()
    content = CONTENT["T1w.nii.gz"]
    part.write_bytes({"flipped": b"x" + content[1:99], "too long": content + b"x"}.get(damage, b""))
    note.write_text('["nonsense"' if damage == "note is nonsense" else "{}")
    data_fetch.get("toy", tmp_path / "toy")
    assert toy.contents(tmp_path / "toy") == CONTENT


def test_ctrl_c_ends_soon_and_keeps_what_came(study, tmp_path):
    command, log = study
    process = start(command, tmp_path / "toy")
    wait_for_bytes(tmp_path / "toy", 1_000_000)
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert time.monotonic() - begin < 3
    assert said.rstrip().endswith("KeyboardInterrupt")
    require_nothing_wrong(tmp_path / "toy")
    log.clear()
    data_fetch.get("toy", tmp_path / "toy")
    assert toy.contents(tmp_path / "toy") == CONTENT
    assert dict(log)["bold.nii.gz"] >= 1_000_000


def test_killed_while_a_mirror_is_copied(tmp_path, monkeypatch):
    """The beginning of a copy is no obstacle, from a folder or over HTTP."""
    entries = toy.use(monkeypatch, toy.manifest())
    mirror = toy.write(tmp_path / "mirror" / "toy").parent
    for entry in entries:
        part, _ = parts.part_names(tmp_path / "toy" / entry.path)
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(toy.FILES[entry.path][:3])
    data_fetch.get("toy", tmp_path / "toy", mirror=mirror)
    assert toy.contents(tmp_path / "toy") == toy.FILES
