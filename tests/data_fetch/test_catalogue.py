"""The catalogue and its manifests."""

import ast
import csv
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import data_fetch
from data_fetch import catalogue

HEADER = "\t".join(catalogue.COLUMNS)
GOOD = ["sub-01/a.json", "3", "md5", "0" * 32, "mini", "https://example.org/a.json"]


@pytest.fixture
def manifest_file(tmp_path):
    def write(*rows, header=HEADER):
        path = tmp_path / "study.tsv"
        path.write_text("\n".join([header, *("\t".join(row) for row in rows)]) + "\n")
        return path

    return write


@pytest.fixture(scope="module")
def sources(real_data):
    """What the sources publish about each file of AOMIC: path -> (bytes, checksums)."""
    found = {}
    for row in read_table(real_data / "MANIFEST.tsv"):
        if row["path"].startswith("aomic/"):
            path = row["path"].removeprefix("aomic/")
            found[path] = (row["bytes"], {row["sha256"]})
    for row in read_table(real_data / "keys" / "ds002790_annex_keys.tsv"):
        found.setdefault(row["path"], (row["bytes"], {row["digest"]}))
    for row in read_table(real_data / "keys" / "sdc-smri-repository.tsv"):
        path = row["path"].removeprefix("local_data/AOMIC/")
        found.setdefault(path, (row["bytes"], {row["git_blob_sha1"]}))
    return found


def read_table(path):
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t"))


def test_every_study_has_all_fields_and_a_manifest_of_its_own():
    for name in data_fetch.names():
        about = data_fetch.dataset(name)
        assert about.title and about.licence and about.sources
        assert "doi.org/10." in about.citation
        assert about.homepage.startswith("https://")
        assert list(about.subsets) == list(data_fetch.SUBSETS)
        assert data_fetch.manifest(name)
    listed = {path.stem for path in (catalogue.HERE / "manifests").iterdir()}
    assert listed == set(data_fetch.names())


def test_practice_is_simulated_not_fetched():
    assert "practice" not in data_fetch.names()


def test_aomic_comes_from_its_declared_sources():
    about = data_fetch.dataset("aomic")
    for entry in data_fetch.manifest("aomic"):
        address = entry.url.replace("raw.githubusercontent.com", "github.com")
        assert any(address.startswith(source + "/") for source in about.sources), entry.url


def test_aomic_lists_each_file_of_the_mirror_with_its_published_checksum(real_data, sources):
    entries = {entry.path: entry for entry in data_fetch.manifest("aomic")}
    folder = real_data / "aomic"
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert there <= set(entries)
    for path, entry in entries.items():
        size, checksums = sources[path]
        assert entry.checksum in checksums, path
        assert str(entry.bytes or "") == size, path


def test_mini_holds_what_the_clean_up_episode_opens():
    paths = {entry.path for entry in data_fetch.select(data_fetch.manifest("aomic"), "mini")}
    freesurfer = {f"derivatives/freesurfer/sub-0001/mri/{n}.mgz" for n in ("orig", "nu", "T1")}
    anat = "derivatives/fmriprep/sub-0001/anat/sub-0001"
    assert paths > freesurfer | {
        f"{anat}_desc-preproc_T1w.nii.gz",
        f"{anat}_desc-brain_mask.nii.gz",
    }
    assert "sub-0001/anat/sub-0001_T1w.nii.gz" in paths


def test_the_manifest_file_is_sorted():
    lines = (catalogue.HERE / "manifests" / "aomic.tsv").read_text().splitlines()[1:]
    paths = [line.split("\t")[0] for line in lines]
    assert paths == sorted(paths)


def test_subsets_are_nested():
    entries = data_fetch.manifest("aomic")
    sizes = [data_fetch.total_size(data_fetch.select(entries, s))[0] for s in data_fetch.SUBSETS]
    assert sizes == sorted(set(sizes))
    assert data_fetch.select(entries, "full") == entries


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (0, "../outside", "would leave"),
        (0, "/etc/passwd", "would leave"),
        (0, "sub-01/../../outside", "would leave"),
        (0, "..\\outside", "would leave"),
        (0, "C:outside", "would leave"),
        (1, "-3", "whole number"),
        (2, "crc32", "Unknown algorithm"),
        (3, "0" * 31, "not a md5 digest"),
        (4, "tiny", "Unknown subset"),
        (5, "file:///etc/passwd", "neither http nor https"),
    ],
)
def test_a_wrong_line_is_refused_with_its_reason(manifest_file, column, value, words):
    row = GOOD.copy()
    row[column] = value
    with pytest.raises(data_fetch.FetchError, match=words):
        catalogue.read_manifest(manifest_file(row))


def test_a_wrong_table_is_refused(manifest_file):
    assert catalogue.read_manifest(manifest_file(GOOD))[0].bytes == 3
    with pytest.raises(data_fetch.FetchError, match="first line"):
        catalogue.read_manifest(manifest_file(GOOD, header="path\tbytes"))
    with pytest.raises(data_fetch.FetchError, match="line 3: 5 columns"):
        catalogue.read_manifest(manifest_file(GOOD, GOOD[:5]))
    with pytest.raises(data_fetch.FetchError, match="twice"):
        catalogue.read_manifest(manifest_file(GOOD, GOOD))


@given(st.text(alphabet="a./\\:\0", min_size=0, max_size=8))
def test_no_path_leaves_the_study_folder(text):
    root = Path("/study")
    try:
        path = catalogue.safe_path(root, text)
    except data_fetch.FetchError:
        return
    assert Path(*path.parts).resolve().is_relative_to(root)
    assert path != root


def test_data_fetch_never_imports_the_workbook(repository):
    for path in sorted((repository / "data_fetch").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [getattr(node, "module", None) or ""]
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            assert not any(m.split(".")[0] == "mriworkbook" for m in modules), path


def test_data_fetch_works_without_the_workbook(tmp_path):
    code = (
        "import sys; sys.modules['mriworkbook'] = None\n"
        "import data_fetch; print(len(data_fetch.manifest('aomic')))\n"
        "assert 'requests' not in sys.modules and 'pooch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(data_fetch.manifest("aomic"))
