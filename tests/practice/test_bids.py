"""The study before the BIDS validator (https://github.com/bids-standard/bids-validator)."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from gate import skip_or_fail

# What a data set may hide from the validator: names that the imitated tools write, and no others.
IGNORED = {
    # fMRIPrep writes these lines itself (fmriprep/utils/bids.py, write_bidsignore), but the last:
    # its thickness and sulc files have no BIDS name either. It ignores *_boldref.nii.gz and
    # *_timeseries.tsv, and forgets their sidecars.
    "fmriprep": {
        *("*.html", "logs/", "figures/", "*_xfm.*", "*.surf.gii"),
        *("*_boldref.*", "*_timeseries.*", "*.shape.gii"),
    },
    # The folders of FreeSurfer's recon-all.
    "freesurfer": {
        *(f"sub-*/{folder}" for folder in ("mri", "stats", "surf", "label", "scripts")),
        "fsaverage5",
    },
    "parcellation": set(),
}
# BIDS has no words for these; the folders are plain ones, as AOMIC's own fs_stats and vbm.
PLAIN = {"truth", "fs_stats", "vbm", "series"}
OWN_NAMES = [
    *("*_xfm.*", "*_field.*", "*_map.*", "*_facts.json", "*_volumes.*"),
    # Of BIDS extension proposals that are not part of it yet (BEP 12 and 17).
    *("*_timeseries.*", "*_relmat.*"),
]


def validator():
    """The command, or the reason why there is none."""
    command = Path(sys.executable).with_name("bids-validator-deno")
    if not command.is_file():
        skip_or_fail("bids", "no bids-validator-deno; type: pip install 'mriworkbook[dev]'")
    return str(command)


def validate(folder):
    """Reports of a data set and of the derivative data sets in it, by folder."""
    run = subprocess.run(
        [validator(), "--recursive", "--format", "json", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout, run.stderr
    report = json.loads(run.stdout)
    nested = report.get("derivativesSummary", {})
    return {"raw": report} | {Path(name).name: part for name, part in nested.items()}


def errors(report):
    """What is wrong, one line each."""
    return [
        f"{issue['code']} {issue.get('subCode', '')} {issue.get('location', '')}"
        for issue in report["issues"]["issues"]
        if issue["severity"] == "error"
    ]


@pytest.fixture(scope="module")
def reports(practice_whole):
    return validate(practice_whole)


def test_raw_data_have_no_error(reports):
    assert errors(reports["raw"]) == []
    assert reports["raw"]["summary"]["totalFiles"] > 50
    assert reports["raw"]["summary"]["tasks"] == ["rest"]


@pytest.mark.parametrize("name", IGNORED)
def test_derivatives_have_no_error(reports, name):
    assert errors(reports[name]) == []


def test_every_derivative_was_looked_at_or_is_a_plain_folder(practice_whole, reports):
    folders = {path.name for path in (practice_whole / "derivatives").iterdir()}
    assert folders == {*IGNORED, *PLAIN}
    assert set(reports) == {"raw", *IGNORED}
    for name in PLAIN:
        text = (practice_whole / "derivatives" / name / "README").read_text(encoding="utf-8")
        assert "simulated" in text.splitlines()[0]


def test_nothing_is_hidden_but_names_of_the_tools(practice_whole):
    found = {
        path.parent.relative_to(practice_whole).as_posix(): set(path.read_text().split())
        for path in practice_whole.rglob(".bidsignore")
    }
    assert set(found) <= {f"derivatives/{name}" for name in IGNORED}
    for name, allowed in IGNORED.items():
        assert found.get(f"derivatives/{name}", set()) <= allowed


def test_truth_uses_bids_names_where_there_are_any(practice_whole, tmp_path):
    root = tmp_path / "truth"
    people_only = shutil.ignore_patterns("cohort", "series", "parcellation")
    shutil.copytree(practice_whole / "derivatives" / "truth", root, ignore=people_only)
    description = practice_whole / "derivatives" / "fmriprep" / "dataset_description.json"
    shutil.copy(description, root)
    (root / ".bidsignore").write_text("\n".join(OWN_NAMES) + "\n")
    assert errors(validate(root)["raw"]) == []


def test_the_validator_sees_a_wrong_name_and_a_hidden_one(practice_core, tmp_path):
    root = tmp_path / "study"
    shutil.copytree(practice_core, root, ignore=shutil.ignore_patterns("truth"))
    anat = root / "sub-01" / "anat"
    (anat / "sub-01_T1w.json").rename(anat / "sub-01_T1.json")
    derived = root / "derivatives" / "fmriprep" / "sub-01" / "anat"
    (derived / "sub-01_desc-brain_mask.nii.gz").rename(derived / "sub-01_brain.nii.gz")
    found = validate(root)
    assert any("sub-01_T1.json" in line for line in errors(found["raw"]))
    assert any("sub-01_brain.nii.gz" in line for line in errors(found["fmriprep"]))
