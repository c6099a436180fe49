"""AOMIC from the folder of real files: by its path, and over HTTP from ``data serve``."""

import csv
import os
import re
import signal
import subprocess
import sys

import pytest

import data_fetch
from data_fetch import storage
from mriworkbook import terminal

MRIWORKBOOK = [sys.executable, "-c", "from mriworkbook.cli import app; app()"]


@pytest.fixture(scope="module")
def manifest(real_data):
    """What MANIFEST.tsv says of AOMIC: path -> SHA-256."""
    with (real_data / "MANIFEST.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    found = {row["path"]: row["sha256"] for row in rows}
    return {p.removeprefix("aomic/"): s for p, s in found.items() if p.startswith("aomic/")}


@pytest.fixture
def served(real_data):
    """The address that ``data serve`` prints in the line for the room."""
    command = [*MRIWORKBOOK, "data", "serve", str(real_data), "--host", "127.0.0.1", "--port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        lines = [server.stdout.readline() for _ in range(2)]
        yield re.search(r"mriworkbook data get \S+ --mirror (http\S+)", lines[1])[1]
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=10)


def typed(data, *words):
    done = subprocess.run(
        [*MRIWORKBOOK, "data", *map(str, words)],
        env={**os.environ, "MRIWORKBOOK_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("way", ["path", "http"])
def test_what_the_mirror_has_arrives_right_and_the_rest_is_named(
    way, request, real_data, manifest, tmp_path
):
    mirror = real_data if way == "path" else request.getfixturevalue("served")
    entries = data_fetch.select(data_fetch.manifest("aomic"), "full")
    get = ["get", "aomic", "--subset", "full", "--mirror", mirror, "--yes"]
    code, out, _ = typed(tmp_path, *get)
    assert code == terminal.PARTIAL
    arrived = {
        entry.path: tmp_path / "aomic" / entry.path
        for entry in entries
        if (tmp_path / "aomic" / entry.path).is_file()
    }
    # Every file that MANIFEST.tsv lists is there, and is what it says.
    assert set(arrived) == set(manifest)
    for path, file in arrived.items():
        assert storage.digest(file, "sha256") == manifest[path], path
    assert f"{len(arrived)} files fetched, 0 were there already." in out
    absent = [entry for entry in entries if entry.path not in arrived]
    assert f"{len(absent)} files not in the mirror {mirror}" in out
    for entry in absent:
        size = data_fetch.human_size(entry.bytes)
        assert f"  {entry.path} ({size}, {entry.url})" in out

    code, out, err = typed(tmp_path, "verify", "aomic", "--subset", "full")
    assert (code, err) == (terminal.PARTIAL, "")
    assert f"aomic: {len(manifest)} files are right." in out
    assert f"{len(absent)} files of the full subset not here" in out
    code, out, _ = typed(tmp_path, *get)
    assert code == terminal.PARTIAL
    assert f"0 files fetched, {len(manifest)} were there already." in out
