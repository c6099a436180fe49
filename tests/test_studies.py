"""Open a study by name."""

import json
import os
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import fake_practice
import joblib
import pandas as pd
import pytest

import data_fetch
from data_fetch import about
from mriworkbook import studies


@pytest.fixture
def data(tmp_path, monkeypatch):
    """An empty data root, and the stand-in for the real maker."""
    return fake_practice.use(monkeypatch, tmp_path)


def test_an_unknown_study_names_the_known_ones(data):
    with pytest.raises(studies.UnknownStudy, match=r"practice, .*, aomic,.*Did you mean 'aomic'"):
        studies.open_study("AOMIC2")
    with pytest.raises(ValueError, match="Known: practice"):
        studies.study_folder("../elsewhere")


def test_a_folder_of_tables_is_not_opened_as_a_study(data):
    with pytest.raises(studies.UnknownStudy, match="mriworkbook data path atlases"):
        studies.open_study("atlases")
    assert studies.study_folder("atlases") == data / "atlases"


def test_the_environment_chooses_the_study(data, monkeypatch):
    monkeypatch.setenv("MRIWORKBOOK_STUDY", "aomic")
    with pytest.raises(studies.StudyNotFound, match=r"mriworkbook data get aomic$"):
        studies.open_study()
    assert studies.open_study("practice").simulated


def test_a_study_that_was_not_fetched_names_the_command(data):
    with pytest.raises(FileNotFoundError, match=r"mriworkbook data get aomic$"):
        studies.open_study("aomic")


@pytest.fixture
def partial_aomic(data):
    root = data / "aomic"
    root.mkdir(parents=True)
    (root / "dataset_description.json").write_text('{"Name": "AOMIC", "BIDSVersion": "1.0.2"}')
    return studies.open_study("aomic")


def test_a_partial_study_opens_and_names_absent_files(partial_aomic):
    study = partial_aomic
    assert (study.example, study.space) == ("0001", "MNI152NLin2009cAsym")
    assert study.has("dataset_description.json") and not study.has("sub-0001")
    with pytest.raises(studies.StudyNotFound) as caught:
        study.file("sub-0001", "anat", "sub-0001_T1w.nii.gz")
    text = str(caught.value)
    assert "6.7 MB" in text and "s3.amazonaws.com/openneuro.org/ds002790" in text
    assert text.endswith("mriworkbook data get aomic")
    with pytest.raises(studies.StudyNotFound, match=r"data get aomic --subset workshop$"):
        study.file("derivatives/freesurfer/sub-0001/mri/norm.mgz")
    with pytest.raises(studies.StudyNotFound, match="Did you mean sub-0001/anat/sub-0001_T1w"):
        study.file("sub-0001/anat/sub-0001_T1.nii.gz")
    assert study.layout.get(suffix="T1w") == []


def test_only_the_practice_study_has_truth(data, partial_aomic):
    with pytest.raises(ValueError, match="real, so its true bias_field is not known"):
        partial_aomic.truth("0001", "bias_field")
    study = studies.open_study()
    path = study.root / "derivatives" / "truth" / "sub-01" / "anat" / "GM.nii.gz"
    with pytest.raises(studies.StudyNotFound, match=r"mriworkbook data get practice --stage anat"):
        study.truth("01", "GM")
    studies.open_study(stage="anatomy")
    with pytest.raises(studies.StudyNotFound, match=r"mriworkbook data get practice$"):
        study.truth("01", "GM")
    path.parent.mkdir(parents=True)
    path.touch()
    assert study.truth("01", "GM") == path


def test_the_cohort_has_a_table_in_every_study(data, partial_aomic):
    with pytest.raises(studies.StudyNotFound, match=r"open_study\('practice', stage='anatomy'\)"):
        _ = studies.open_study().cohort
    study = studies.open_study(stage="anatomy")
    table = study.root / "derivatives" / "fs_stats" / "participants.tsv"
    table.parent.mkdir(parents=True)
    table.touch()
    assert study.cohort == table
    # The same call, whatever the study.
    real = studies.open_study("aomic", stage="anatomy")
    with pytest.raises(studies.StudyNotFound, match="data get aomic"):
        _ = real.cohort
    (real.root / "participants.tsv").touch()
    assert real.cohort == real.root / "participants.tsv"


def test_the_cache_belongs_to_the_study_and_the_code(data, monkeypatch):
    study = studies.open_study()
    assert isinstance(study.memory, joblib.Memory)
    location = Path(study.memory.location)
    assert location.parent == data / "cache" / "practice"
    assert study.memory is study.memory
    assert study.memory.cache(abs)(-3) == 3


def test_the_code_hash_changes_with_the_code(tmp_path, monkeypatch):
    package = tmp_path / "mriworkbook"
    (package / "exercises").mkdir(parents=True)
    (package / "exercises" / "cleanup.py").write_text("a = 1")
    monkeypatch.setattr(studies, "__file__", str(package / "studies.py"))
    before = studies._code_hash.__wrapped__()
    assert before == studies._code_hash.__wrapped__()
    (package / "exercises" / "cleanup.py").write_text("a = 2")
    assert before != studies._code_hash.__wrapped__()


def test_paths_alone_need_no_heavy_import(data):
    code = "import sys, mriworkbook.studies as s; print({'bids', 'nilearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def write_study(root):
    """Empty files at the places of the practice study."""
    files = [
        "sub-01/anat/sub-01_T1w.nii.gz",
        "sub-02/anat/sub-02_T1w.nii.gz",
        "derivatives/fmriprep/sub-01/anat/sub-01_desc-preproc_T1w.nii.gz",
        "derivatives/fmriprep/sub-01/anat/sub-01_desc-brain_mask.nii.gz",
        "derivatives/freesurfer/sub-01/mri/T1.mgz",
        "derivatives/truth/sub-01/anat/sub-01_desc-brain_mask.nii.gz",
    ]
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    for folder in (root, root / "derivatives" / "fmriprep", root / "derivatives" / "truth"):
        about = {"Name": "x", "BIDSVersion": "1.10.0", "GeneratedBy": [{"Name": folder.name}]}
        (folder / "dataset_description.json").write_text(json.dumps(about))


def test_layout_holds_raw_and_fmriprep_and_nothing_else(data):
    root = studies.open_study().root
    write_study(root)
    layout = studies.open_study().layout
    (raw,) = layout.get(subject="01", suffix="T1w", scope="raw", extension=".nii.gz")
    assert Path(raw.path) == root / "sub-01" / "anat" / "sub-01_T1w.nii.gz"
    derived = {Path(f.path).name for f in layout.get(scope="derivatives", extension=".nii.gz")}
    assert derived == {"sub-01_desc-preproc_T1w.nii.gz", "sub-01_desc-brain_mask.nii.gz"}
    assert not [f.path for f in layout.get() if "truth" in f.path or "freesurfer" in f.path]
    assert layout.get_subjects() == ["01", "02"]


@pytest.fixture
def real_aomic(data, real_data):
    data.mkdir()
    (data / "aomic").symlink_to(real_data / "aomic")
    return studies.open_study("aomic")


def test_layout_of_the_real_study_is_silent_and_complete(real_aomic):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layout = real_aomic.layout
    assert layout is real_aomic.layout
    masks = layout.get(
        subject="0001", suffix="mask", scope="derivatives", space=None, extension=".nii.gz"
    )
    assert [Path(mask.path).name for mask in masks] == ["sub-0001_desc-brain_mask.nii.gz"]
    raw = layout.get(subject="0001", suffix="T1w", scope="raw")
    assert {Path(file.path).name for file in raw} == {"sub-0001_T1w.json"}
    derived = layout.get(scope="derivatives")
    assert derived
    assert all("/derivatives/fmriprep/" in file.path for file in derived)


def test_layout_is_silent_in_a_fresh_interpreter(real_aomic):
    code = """
        from mriworkbook.studies import open_study
        print(len(open_study("aomic").layout.get(subject="0001")))
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert int(done.stdout) > 10


def test_only_the_one_known_flaw_of_the_source_is_accepted(partial_aomic):
    fmriprep = partial_aomic.root / "derivatives" / "fmriprep"
    fmriprep.mkdir(parents=True)
    (fmriprep / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.1.1"}')
    with pytest.raises(Exception, match="GeneratedBy"):
        _ = partial_aomic.layout


def write_real(root, name, subset="workshop"):
    """Empty files at the places of a real study, and what `data get` writes beside them."""
    for entry in data_fetch.select(data_fetch.manifest(name), subset):
        (root / entry.path).parent.mkdir(parents=True, exist_ok=True)
        (root / entry.path).touch()
    about.write(name, root)
    return root


@pytest.fixture
def ucla(data):
    root = write_real(data / "ucla", "ucla")
    description = {"Name": "UCLA", "BIDSVersion": "1.0.2"}
    (root / "dataset_description.json").write_text(json.dumps(description))
    groups = ["CONTROL"] * 10 + ["SCHZ"] * 10
    people = sorted({path.name[4:9] for path in root.rglob("sub-*_task-rest*")})
    rows = [f"sub-{p}\t{g}" for p, g in zip(people, groups, strict=True)]
    (root / "participants.tsv").write_text("\n".join(["participant_id\tdiagnosis", *rows]))
    for path in root.rglob("*.json"):
        if not path.stat().st_size:
            path.write_text("{}")
    return studies.open_study("ucla")


def test_ucla_opens_in_its_spaces_with_its_groups(ucla):
    assert (ucla.space, ucla.example) == ("MNI152NLin2009cAsym", "10788")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layout = ucla.layout
    query = {"task": "rest", "desc": "preproc", "suffix": "bold", "extension": ".nii.gz"}
    assert len(layout.get(space=ucla.space, **query)) == 20
    (native,) = layout.get(subject=ucla.example, space="T1w", **query)
    assert Path(native.path).name.startswith("sub-10788_task-rest_space-T1w")
    (raw,) = layout.get(subject=ucla.example, suffix="T1w", scope="raw", extension=".nii.gz")
    assert "derivatives" not in raw.path
    table = pd.read_table(ucla.cohort)
    assert table.groupby("diagnosis").size().to_dict() == {"CONTROL": 10, "SCHZ": 10}


def test_pixar_opens_as_nilearn_stores_it(data):
    root = write_real(data / "pixar", "pixar")
    study = studies.open_study("pixar")
    found = study.layout.get(suffix="bold", space=study.space, scope="derivatives")
    assert len(found) == 20
    (example,) = study.layout.get(subject=study.example, suffix="bold", scope="derivatives")
    assert Path(example.path).parent == root / "development_fmri"
    assert study.cohort == root / "development_fmri" / "participants.tsv"


def indexings(monkeypatch):
    """Count how often pybids indexes a dataset."""
    from bids.layout import BIDSLayoutIndexer

    roots, original = [], BIDSLayoutIndexer.__call__
    monkeypatch.setattr(
        BIDSLayoutIndexer,
        "__call__",
        lambda self, layout: roots.append(layout.root) or original(self, layout),
    )
    return roots


def test_a_study_is_indexed_once_and_again_when_files_change(ucla, monkeypatch):
    indexed = indexings(monkeypatch)
    assert len(ucla.layout.get_subjects(scope="derivatives")) == 20
    assert len(indexed) == 2
    again = studies.open_study("ucla").layout
    assert {file.path for file in again.get()} == {file.path for file in ucla.layout.get()}
    assert len(indexed) == 2
    new = ucla.root / "sub-10788" / "anat" / "sub-10788_T2w.nii.gz"
    new.touch()
    assert [file.path for file in studies.open_study("ucla").layout.get(suffix="T2w")] == [str(new)]
    assert len(indexed) == 4
    new.unlink()
    assert studies.open_study("ucla").layout.get(suffix="T2w") == []


def test_a_killed_indexing_leaves_no_half_index(ucla, data, monkeypatch):
    from mriworkbook import layouts

    def killed(making, index):
        assert list(making.rglob("*.sqlite"))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(layouts, "_settle", killed)
        with pytest.raises(KeyboardInterrupt):
            _ = ucla.layout
    assert not list((data / "cache" / "ucla").glob("*layout*"))
    # Another kernel may have been first; its index serves as well.
    (data / "cache" / "ucla").mkdir(exist_ok=True)
    making, index = (data / "cache" / "ucla" / name for name in (".layout-b", "layout-a"))
    for folder in (making, index):
        folder.mkdir()
        (folder / "layout_index.sqlite").touch()
    layouts._settle(making, index)
    assert index.is_dir()


def test_an_index_that_cannot_be_kept_is_made_in_memory(ucla, data):
    (data / "cache").mkdir(exist_ok=True)
    (data / "cache" / "ucla").touch()
    assert len(ucla.layout.get_subjects()) == 20


def test_an_outdated_index_goes_after_a_day(ucla, data):
    cache = data / "cache" / "ucla"
    old, recent = cache / "layout-old", cache / "layout-recent"
    for folder in (old, recent):
        folder.mkdir(parents=True)
    os.utime(old, (1, 1))
    _ = ucla.layout
    assert recent.exists() and not old.exists()
