"""Sizes and digests from the publishers' own interfaces, spoken by a server on this machine."""

import hashlib

import publishers
import pytest

import data_fetch
from data_fetch import catalogue, github, osf, published

PERSON = "derivatives/fmriprep/sub-10788/func/sub-10788_task-rest"
FILES = {
    f"{PERSON}_desc-preproc_bold.nii.gz": b"bold" * 300_000,
    f"{PERSON}_desc-confounds_timeseries.tsv": b"trans_x\n0.1\n",
    f"{PERSON}_desc-brain_mask.nii.gz": b"mask",
    f"{PERSON}_boldref.nii.gz": b"reference",
    f"{PERSON}_desc-preproc_bold.json": b"{}",
}


def entry(path, algorithm, *urls):
    return catalogue.Entry(path, None, algorithm, "", "mini", urls[0], urls)


def by_path(path):
    return entry(path, "osf", f"https://osf.io/b4s9h/files/osfstorage/{path}")


@pytest.fixture
def server(monkeypatch):
    with publishers.running(FILES) as (address, asked):
        monkeypatch.setattr(osf, "API", f"{address}/v2")
        yield address, asked


def test_files_of_a_project_are_found_by_their_path(server):
    address, asked = server
    told = published.resolve([by_path(path) for path in FILES])
    for one, (path, content) in zip(told, FILES.items(), strict=True):
        assert (one.path, one.bytes, one.algorithm) == (path, len(content), "sha256")
        assert one.checksum == hashlib.sha256(content).hexdigest()
        assert one.url.startswith(f"{address}/download/") and one.learnt
    # Each of the five folders was asked once, the last in three pages: OSF counts the questions.
    assert len(asked) == 4 + 3


def test_a_file_is_found_by_its_own_name(server):
    address, _ = server
    name = f"{PERSON}_boldref.nii.gz".replace("/", ".")
    told = osf.describe("https://osf.io/download/5c8ff/", lambda url: ask_for(url, name), {})
    assert told[:3] == (9, "sha256", hashlib.sha256(b"reference").hexdigest())
    assert told[3] == (f"{address}/download/{name}/",)


def ask_for(url, name):
    assert url.endswith("/files/5c8ff/")
    return published._over_https()(url.replace("5c8ff", name))


def test_what_osf_does_not_have_is_named_and_the_rest_comes(server, tmp_path, monkeypatch):
    gone = [
        by_path("derivatives/fmriprep/sub-1/T1w.nii.gz"),
        by_path(f"{PERSON}_T1w.nii.gz"),
        entry("a", "osf", "https://osf.io/download/nothere/"),
    ]
    monkeypatch.setattr(catalogue, "manifest", lambda name: [*gone, by_path(next(iter(FILES)))])
    done = data_fetch.get("ucla", tmp_path / "ucla")
    assert [(e.path, e.url) for e in done.absent] == [(e.path, e.url) for e in gone]
    assert len(done.fetched) == 1
    assert list(data_fetch.verify("ucla", tmp_path / "ucla").absent) == gone
    with pytest.raises(data_fetch.FetchError, match="is not the address of a file on OSF"):
        published.resolve([entry("a", "osf", "https://osf.io/b4s9h")])


def test_a_study_on_osf_is_fetched_checked_and_verified_offline(server, tmp_path, monkeypatch):
    _, asked = server
    entries = [by_path(path) for path in FILES]
    monkeypatch.setattr(catalogue, "manifest", lambda name: entries)
    done = data_fetch.get("ucla", tmp_path / "ucla")
    assert len(done.fetched) == len(FILES)
    assert (tmp_path / "ucla" / f"{PERSON}_boldref.nii.gz").read_bytes() == b"reference"
    # What OSF said is kept: neither the second call nor the check asks again.
    before = len(asked)
    assert len(data_fetch.get("ucla", tmp_path / "ucla").present) == len(FILES)
    assert len(data_fetch.verify("ucla", tmp_path / "ucla").good) == len(FILES)
    (tmp_path / "ucla" / f"{PERSON}_boldref.nii.gz").write_bytes(b"otherwise")
    ((wrong, _),) = data_fetch.verify("ucla", tmp_path / "ucla").wrong
    assert wrong.path.endswith("boldref.nii.gz")
    assert len(asked) == before


def test_a_mirror_passes_on_what_osf_said(server, tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "manifest", lambda name: [by_path(path) for path in FILES])
    data_fetch.write_mirror(tmp_path / "usb", ["ucla"])
    monkeypatch.setattr(osf, "API", "http://127.0.0.1:9/v2")
    done = data_fetch.get("ucla", tmp_path / "ucla", mirror=tmp_path / "usb")
    assert len(done.fetched) == len(FILES)
    assert len(data_fetch.verify("ucla", tmp_path / "ucla").good) == len(FILES)
    # Without that table nobody can say whether the files are right: none is taken.
    (tmp_path / "usb" / "ucla" / published.TABLE).unlink()
    with pytest.raises(data_fetch.FetchError, match="has none of the 5 files of 'ucla'"):
        data_fetch.get("ucla", tmp_path / "again", mirror=tmp_path / "usb")
    assert not list((tmp_path / "again").rglob("*bold*"))


def test_offline_it_is_said_what_cannot_be_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(osf, "API", "http://127.0.0.1:9/v2")
    with pytest.raises(data_fetch.FetchError) as caught:
        data_fetch.get("pixar", tmp_path / "pixar")
    text = str(caught.value)
    assert "127.0.0.1:9 cannot be asked" in text and "--mirror PATH" in text
    assert "of 3 of the 3 missing files (development_fmri/participants.tsv" in text
    assert not list(tmp_path.rglob("*.nii.gz*"))


def test_github_tells_a_blob_or_an_annex_key(monkeypatch):
    content = b"participant_id\tage\n"
    key = f".git/annex/objects/aa/bb/MD5E-s12--{'c' * 32}.nii.gz/MD5E-s12--{'c' * 32}.nii.gz"
    files = {"participants.tsv": content, "T1w.nii.gz": f"../{key}", "link": "elsewhere"}
    raw = f"https://raw.githubusercontent.com/owner/data/{'a' * 40}"
    with publishers.running({}, repository=files) as (address, _):
        monkeypatch.setattr(github, "API", address)
        table, image = published.resolve(
            [
                entry("participants.tsv", "github", f"{raw}/participants.tsv"),
                entry("T1w.nii.gz", "github", f"{raw}/T1w.nii.gz", "https://store.org/T1w"),
            ]
        )
        gone = entry("gone", "github", f"{raw}/gone")
        assert published.resolve([gone])[0].addresses == ()
        with pytest.raises(data_fetch.FetchError, match="tells no digest"):
            published.resolve([entry("link", "github", f"{raw}/link", "https://store.org/link")])
    assert (table.bytes, table.algorithm) == (len(content), "git-sha1")
    assert table.checksum == hashlib.sha1(b"blob 19\0" + content).hexdigest()
    assert (image.bytes, image.checksum, image.algorithm) == (12, "c" * 32, "md5")
    assert image.addresses == ("https://store.org/T1w",)


def test_openneuro_gives_the_version_that_the_manifest_names(tmp_path, monkeypatch):
    versions = {("ds/T1w.nii.gz", "old"): b"old scan", ("ds/T1w.nii.gz", "new"): b"new scan"}
    digest = hashlib.md5(b"old scan").hexdigest()
    with publishers.running({}, versions=versions) as (address, asked):
        url = f"{address}/ds/T1w.nii.gz?versionId=old"
        files = [catalogue.Entry("T1w.nii.gz", 8, "md5", digest, "mini", url)]
        monkeypatch.setattr(catalogue, "manifest", lambda name: files)
        data_fetch.get("aomic", tmp_path / "aomic")
    assert (tmp_path / "aomic" / "T1w.nii.gz").read_bytes() == b"old scan"
    assert asked == ["/ds/T1w.nii.gz?versionId=old"]


def test_too_many_questions_are_said_plainly(monkeypatch):
    import requests

    class Answer:
        status_code = 429

    monkeypatch.setattr(requests.Session, "get", lambda *args, **kwargs: Answer)
    with pytest.raises(data_fetch.FetchError, match=r"api.osf.io had too many.*later"):
        published.resolve([by_path("a")])
