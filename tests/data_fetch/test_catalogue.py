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
from data_fetch import catalogue, make_manifests

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
def published(real_data):
    """What the sources publish about each file: digest -> size, empty where they tell none."""
    found = {row["sha256"]: row["bytes"] for row in read_table(real_data / "MANIFEST.tsv")}
    for path in (real_data / "keys").glob("ds*.tsv"):
        found.update({row["digest"]: row["bytes"] for row in read_table(path)})
    for row in read_table(real_data / "keys" / "sdc-smri-repository.tsv"):
        found[row["sha256"] or row["git_blob_sha1"]] = row["bytes"]
    return found


def read_table(path):
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t"))


def test_every_study_has_all_fields_and_a_manifest_of_its_own():
    for name in data_fetch.names():
        about = data_fetch.dataset(name)
        assert about.title and about.licence and about.terms and about.sources
        assert "doi.org/10." in about.citation
        assert about.homepage.startswith("https://")
        parts = {part for entry in data_fetch.manifest(name) for part in entry.parts}
        assert set(about.subsets) == {*data_fetch.SUBSETS, *parts}
        assert list(about.subsets)[:3] == list(data_fetch.SUBSETS)
    listed = {path.stem for path in (catalogue.HERE / "manifests").iterdir()}
    assert listed == set(data_fetch.names())


def test_practice_is_simulated_not_fetched():
    assert "practice" not in data_fetch.names()


def test_every_file_comes_from_a_declared_source():
    for name in data_fetch.names():
        sources = data_fetch.dataset(name).sources
        for entry in data_fetch.manifest(name):
            for address in entry.addresses:
                address = address.replace("raw.githubusercontent.com", "github.com")
                assert address.startswith(tuple(f"{source}/" for source in sources)), address


def test_manifests_say_what_the_sources_publish(real_data, published):
    for name in data_fetch.names():
        entries = data_fetch.manifest(name)
        for entry in entries:
            if entry.algorithm in catalogue.PUBLISHERS:
                assert (entry.checksum, entry.bytes) == ("", None)
            else:
                assert published[entry.checksum] == str(entry.bytes or ""), entry.path
        folder = real_data / name
        there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
        assert there <= {entry.in_mirror for entry in entries}


def test_the_manifests_are_made_from_the_published_tables(real_data, tmp_path, monkeypatch):
    pytest.importorskip("nilearn")
    (tmp_path / "manifests").mkdir()
    monkeypatch.setattr(make_manifests, "HERE", tmp_path)
    make_manifests.main(real_data)
    for path in (catalogue.HERE / "manifests").iterdir():
        assert (tmp_path / "manifests" / path.name).read_text() == path.read_text(), path.name


def test_mini_holds_what_the_clean_up_episode_opens():
    paths = {entry.path for entry in data_fetch.select(data_fetch.manifest("aomic"), "mini")}
    freesurfer = {f"derivatives/freesurfer/sub-0001/mri/{n}.mgz" for n in ("orig", "nu", "T1")}
    anat = "derivatives/fmriprep/sub-0001/anat/sub-0001"
    assert paths > freesurfer | {
        f"{anat}_desc-preproc_T1w.nii.gz",
        f"{anat}_desc-brain_mask.nii.gz",
    }
    assert "sub-0001/anat/sub-0001_T1w.nii.gz" in paths


def test_what_episodes_need_of_real_data_is_listed():
    def paths(name, subset):
        return [entry.path for entry in data_fetch.select(data_fetch.manifest(name), subset)]

    assert sum(path.endswith("_desc-preproc_bold.nii.gz") for path in paths("aomic", "rest")) == 6
    bold = [path for path in paths("ucla", "workshop") if path.endswith("preproc_bold.nii.gz")]
    assert sum("space-MNI152NLin2009cAsym" in path for path in bold) == 20
    # Two groups of ten, told apart by the participants' table.
    assert "participants.tsv" in paths("ucla", "mini")
    assert len({path.split("_task")[0] for path in paths("pixar", "workshop")[1:]}) == 20
    assert (
        len([path for path in paths("pixar", "full") if "res-2_desc-preproc_bold" in path]) == 155
    )
    assert "tpl-MNI152NLin2009cAsym" in paths("templateflow", "mini")[0]


def test_manifest_files_are_sorted_and_small():
    for path in (catalogue.HERE / "manifests").iterdir():
        paths = [line.split("\t")[0] for line in path.read_text().splitlines()[1:]]
        assert paths == sorted(paths)
        assert path.stat().st_size < 1_000_000


def test_subsets_are_nested_and_mini_is_small():
    for name in data_fetch.names():
        entries = data_fetch.manifest(name)
        mini, workshop, full = (set(data_fetch.select(entries, s)) for s in data_fetch.SUBSETS)
        assert set() < mini <= workshop <= full
        assert data_fetch.total_size(mini)[0] <= 50_000_000
        assert all(entry.parts for entry in entries if entry not in full)


def test_the_page_says_the_sizes_of_the_catalogue(repository):
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in (repository / "book" / "data.md").read_text().splitlines()
        if line.startswith("| `")
    ]
    assert {row[0].strip("`") for row in rows} == set(data_fetch.names())
    for name, _, *sizes, _ in rows:
        entries = data_fetch.manifest(name.strip("`"))
        for subset, size in zip(data_fetch.SUBSETS, sizes, strict=True):
            known, unknown = data_fetch.total_size(data_fetch.select(entries, subset))
            more = ", more" if unknown else ""
            expected = f"{data_fetch.human_size(known)}{more}" if known else "not stated"
            assert size == expected, (name, subset)


def test_a_part_stands_alone():
    entries = data_fetch.manifest("atlases")
    aal = data_fetch.select(entries, "aal")
    assert {entry.path.split("/")[0] for entry in aal} == {"aal_SPM12"}
    rest = data_fetch.select(data_fetch.manifest("aomic"), "rest")
    runs = [entry for entry in rest if not entry.subset]
    assert {entry.smallest for entry in runs} == {"rest"}
    with pytest.raises(data_fetch.FetchError, match=r"full, aal, .* Did you mean 'yeo2011'"):
        data_fetch.select(entries, "yeo2012")


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
        (4, "", "Unknown subset"),
        (5, "file:///etc/passwd", "neither http nor https"),
        (5, "https://example.org/a.json /etc/passwd", "neither http nor https"),
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


def test_more_columns_are_read_and_written_back(manifest_file, tmp_path):
    header = "\t".join(catalogue.COLUMNS + catalogue.MORE_COLUMNS)
    urls = "https://example.org/a.json https://example.com/a.json"
    row = [*GOOD[:4], "", urls, "other/a.json", "one two"]
    (entry,) = entries = catalogue.read_manifest(manifest_file(row, header=header))
    assert entry.addresses == tuple(urls.split())
    assert (entry.url, entry.in_mirror, entry.parts) == (urls.split()[0], row[6], ("one", "two"))
    catalogue.write_manifest(tmp_path / "again.tsv", entries)
    assert catalogue.read_manifest(tmp_path / "again.tsv") == entries
    with pytest.raises(data_fetch.FetchError, match="would leave"):
        row[6] = "../a.json"
        catalogue.read_manifest(manifest_file(row, header=header))


def test_a_publisher_stands_in_for_a_digest_only_without_one(manifest_file):
    row = [GOOD[0], "", "osf", "", "mini", "https://osf.io/download/abc/"]
    assert not catalogue.read_manifest(manifest_file(row))[0].checksum
    row[3] = "0" * 32
    with pytest.raises(data_fetch.FetchError, match="not a osf digest"):
        catalogue.read_manifest(manifest_file(row))


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
        "import data_fetch, data_fetch.published, data_fetch.about, data_fetch.nilearn_fetch\n"
        "print(len(data_fetch.manifest('aomic')))\n"
        "assert 'requests' not in sys.modules and 'pooch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(data_fetch.manifest("aomic"))
