"""A small study whose files, manifest and sources a test makes up."""

import hashlib

from data_fetch import catalogue
from data_fetch.catalogue import Entry

T1W = "sub-01/anat/sub-01_T1w.nii.gz"
FILES = {"README": b"hello\n", T1W: b"\0voxels" * 5000, "empty": b""}


def git_sha1(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def entry(path, content, algorithm="sha256", *addresses, size=True, **fields):
    """What a manifest says about a file with this content."""
    make = git_sha1 if algorithm == "git-sha1" else lambda c: hashlib.new(algorithm, c).hexdigest()
    addresses = addresses or (f"http://127.0.0.1:9/{path}",)
    size = len(content) if size else None
    return Entry(
        path, size, algorithm, make(content), "mini", addresses[0], tuple(addresses), **fields
    )


def manifest(address="http://127.0.0.1:9", files=FILES):
    """One file with each kind of checksum; the size of git's is not published."""
    algorithms = ("sha256", "git-sha1", "md5")
    return [
        entry(path, content, kind, f"{address}/{path}", size=kind != "git-sha1")
        for (path, content), kind in zip(files.items(), algorithms, strict=True)
    ]


def use(monkeypatch, entries):
    monkeypatch.setattr(catalogue, "manifest", lambda name: list(entries))
    return entries


def write(folder, files=FILES):
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


def contents(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }
