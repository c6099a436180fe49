"""Write ``manifests/*.tsv`` from what the publishers say of their files.

For maintainers: ``python -m data_fetch.make_manifests FOLDER``. The folder holds

- ``MANIFEST.tsv``: path, bytes, sha256, source repository, commit and path there, of files
  that were looked at;
- ``keys/ds..._annex_keys.tsv``: path, bytes, MD5, address and version of OpenNeuro's large files,
  read off the names of their git-annex keys;
- ``keys/sdc-smri-repository.tsv``: every file of the structural lesson's repository, with SHA-256,
  or git's blob SHA-1 where only git's name of it is known.

Nothing is guessed: a size that nobody states stays empty, and a digest that only the publisher's
own interface tells is asked for when the file is fetched (`data_fetch.published`).
"""

import csv
import fnmatch
import sys
from importlib import resources
from pathlib import Path
from urllib.parse import quote

from data_fetch.catalogue import COLUMNS, HERE, MORE_COLUMNS

RAW = "https://raw.githubusercontent.com"
SMRI = f"{RAW}/carpentries-incubator/SDC-BIDS-sMRI/03fb1e742c7b54e66cd093a322977b52dd63efc8"
FMRI = f"{RAW}/carpentries-incubator/SDC-BIDS-fMRI/3dd0c49b9381c22fef91b62d42161213dee94beb"
DS030 = f"{RAW}/OpenNeuroDatasets/ds000030/46e443a96383855546670c835ebcc9bad479a424"
FMRIPREP_228 = (
    f"{RAW}/OpenNeuroDerivatives/ds000228-fmriprep/0b33e8750015f1fc4573129cb606872d6490143a"
)
TEMPLATE = f"{RAW}/templateflow/tpl-MNI152NLin2009cAsym/92b7133f71a1f1170d3059ce5af988d11670ba41"
UCLA_OSF = "https://osf.io/b4s9h/files/osfstorage"
# The people of the functional lesson; the first is the one the episodes show.
UCLA = """
10788 10438 11108 10565 11131 10365 11106 10292 11122 10171
50035 50047 50048 50083 50067 50077 50081 50052 50075 50010
"""
UCLA_BOLD = """
desc-preproc_bold.nii.gz desc-preproc_bold.json desc-brain_mask.nii.gz boldref.nii.gz
"""
# Which files of AOMIC the episodes open; the rest is in "full".
AOMIC_MINI = """
CHANGES README README.md T1w.json dataset_description.json participants.* sub-0001/anat/*
derivatives/fmriprep/dataset_description.json
derivatives/fmriprep/sub-0001/anat/sub-0001_desc-brain_mask*
derivatives/fmriprep/sub-0001/anat/sub-0001_desc-preproc_T1w*
derivatives/fmriprep/sub-0001/anat/sub-0001_space-*_desc-brain_mask*
derivatives/fmriprep/sub-0001/anat/sub-0001_space-*_desc-preproc_T1w.json
derivatives/freesurfer/sub-0001/mri/T1.mgz derivatives/freesurfer/sub-0001/mri/aseg.mgz
derivatives/freesurfer/sub-0001/mri/brainmask.mgz derivatives/freesurfer/sub-0001/mri/nu.mgz
derivatives/freesurfer/sub-0001/mri/orig.mgz
"""
AOMIC_WORKSHOP = """
derivatives/fmriprep/sub-0001/anat/*_dseg.nii.gz derivatives/fmriprep/sub-0001/anat/*_xfm.txt
derivatives/fmriprep/sub-0001/anat/*_probseg.nii.gz
derivatives/fmriprep/sub-0001/anat/*_desc-preproc_T1w.nii.gz
derivatives/fmriprep/sub-0001/anat/*_hemi-L_[ips]*.surf.gii
derivatives/freesurfer/fsaverage5/s* derivatives/freesurfer/fsaverage5/mri/T1.mgz
derivatives/freesurfer/fsaverage5/mri/transforms/talairach.xfm
derivatives/freesurfer/sub-0001/s* derivatives/freesurfer/sub-0001/mri/aparc*
derivatives/freesurfer/sub-0001/mri/brain.mgz derivatives/freesurfer/sub-0001/mri/norm.mgz
derivatives/freesurfer/sub-0001/mri/*ribbon.mgz derivatives/freesurfer/sub-0001/mri/wm.mgz
derivatives/freesurfer/sub-0001/mri/wmparc.mgz derivatives/fs_stats/*
derivatives/freesurfer/sub-0001/mri/transforms/cc_up.lta
derivatives/freesurfer/sub-0001/mri/transforms/tal*.xfm*
derivatives/freesurfer/sub-0001/mri/transforms/talairach.lta
derivatives/freesurfer/sub-0001/mri/transforms/tals*.txt
"""
REST = [f"sub-{number:04d}" for number in range(1, 7)]
HARVARD_OXFORD_MINI = "*.xml *maxprob-thr25-2mm* *-prob-2mm*"
# People of nilearn's development fMRI: `n_subjects=1` takes the first adult, `n_subjects=20` four
# adults and sixteen children (participants 1-122 are children).
PIXAR_MINI = ["sub-pixar123"]
PIXAR_WORKSHOP = [f"sub-pixar{number:03d}" for number in [*range(1, 17), *range(123, 127)]]


def main(folder):
    """Write all manifests.

    Parameters
    ----------
    folder : str or Path
        See the module's text.
    """
    folder = Path(folder)
    looked = _table(folder / "MANIFEST.tsv")
    keys = {path.name.split("_")[0]: _table(path) for path in (folder / "keys").glob("ds*.tsv")}
    lesson = _table(folder / "keys" / "sdc-smri-repository.tsv")
    manifests = {
        "abide-thickness": _looked_at(looked, "abide-thickness"),
        "aomic": aomic(looked, keys["ds002790"], lesson),
        "atlases": atlases(looked, lesson),
        "craving": craving(lesson),
        "mriqc": mriqc(looked, keys),
        "ms-longitudinal": _looked_at(looked, "ms-longitudinal"),
        "pixar": pixar(keys["ds000228-fmriprep"]),
        "rbc": _looked_at(looked, "rbc"),
        "templateflow": templateflow(),
        "ucla": ucla(keys["ds000030"]),
    }
    for name, rows in manifests.items():
        _write(HERE / "manifests" / f"{name}.tsv", rows)


def aomic(looked, keys, lesson):
    """Rows of the structural lesson's AOMIC folder, and six people's resting-state runs."""
    # Two sidecars were looked at in other studies, where they say the same.
    own = [file for file in looked if "OpenNeuroDatasets/" in file["source"]]
    rows = {row["path"]: row for row in _looked_at(own, "aomic")}
    for file in lesson:
        path = file["path"].removeprefix("local_data/AOMIC/")
        if path != file["path"]:
            _add_source(rows, path, _from_lesson(file, path))
    for file in keys:
        person = file["path"].split("/")[-3]
        if "_task-rest" in file["path"] and file["path"].startswith("derivatives/"):
            if person in REST:
                rows[file["path"]] = _from_annex(file, file["path"], "", parts="rest")
        elif file["path"] in rows:
            rows[file["path"]] = _from_annex(file, file["path"])
    for path, row in rows.items():
        if "_task-rest" in path:
            row["parts"] = "rest"
            row["subset"] = "full" if "desc-confounds" in path else ""
        else:
            row["subset"] = _subset(path, AOMIC_MINI, AOMIC_WORKSHOP)
    return list(rows.values())


def atlases(looked, lesson):
    """Rows of the atlases, at the places where nilearn's fetchers look below ``data_dir``."""
    rows = {row["path"]: row for row in _looked_at(looked, "atlases")}
    for file in lesson:
        path = file["path"].removeprefix("local_data/nilearn_cache/atlases/")
        # AAL comes with a toolbox for MATLAB; only its maps and tables are of use here.
        if path != file["path"] and not path.endswith(".m"):
            _add_source(rows, path, _from_lesson(file, path))
    parts = {"yeo_2011": "yeo2011", "aal_SPM12": "aal", "fsl": "harvard-oxford"}
    for path, row in rows.items():
        row["parts"] = parts.get(path.split("/")[0], "destrieux")
        row["subset"] = _subset(
            path, f"{HARVARD_OXFORD_MINI} yeo_2011/*/[FY]* aal*/atlas/*", "yeo*"
        )
    for side, hemisphere in (("lh", "left"), ("rh", "right")):
        row = rows.pop(f"destrieux-fsaverage5/{side}.aparc-a2009s_mics.annot")
        row["mirror"] = row["path"]
        row["path"] = f"destrieux_surface/{hemisphere}.aparc.a2009s.annot"
        rows[row["path"]] = {**row, "subset": "mini"}
    table = rows.pop("destrieux-fsaverage5/lut_aparc-a2009s_mics.csv")
    table["mirror"] = table["path"]
    table["path"] = "destrieux_surface/lut_aparc-a2009s_mics.csv"
    return [*rows.values(), table]


def craving(lesson):
    """Rows of one person's T1w and T2w, the pair of the lesson on modalities (S1.29)."""
    rows = []
    for file in lesson:
        if file["path"].startswith("local_data/1_sMRI_modalities/craving_"):
            name = file["path"].split("craving_")[1]
            rows.append(_from_lesson(file, name))
    return rows


def mriqc(looked, keys):
    """Rows of two rating tables, and of the group tables that MRIQC wrote for two studies."""
    rows = _looked_at(looked, "mriqc")
    for file in keys["ds000030-mriqc"]:
        if file["path"].endswith(".tsv"):
            rows.append(_from_annex(file, f"ds000030/{file['path']}", "workshop"))
    for file in keys["ds000228"]:
        if file["path"].startswith("derivatives/mriqc/"):
            rows.append(_from_annex(file, f"ds000228/{Path(file['path']).name}", "workshop"))
    return rows


def pixar(keys):
    """Rows of nilearn's development fMRI (named as its fetcher does), and fMRIPrep's own output."""
    root = "development_fmri"
    rows = [_told_later(f"{root}/participants.tsv", "osf", "https://osf.io/download/yr3av/")]
    table = resources.files("nilearn").joinpath("datasets/data/development_fmri.csv")
    for line in csv.DictReader(table.read_text(encoding="utf-8").splitlines()):
        person = line["participant_id"]
        if person not in PIXAR_WORKSHOP:
            continue
        subset = "mini" if person in PIXAR_MINI else "workshop"
        for key, name in (
            ("key_r", "desc-confounds_regressors.tsv"),
            ("key_b", "space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz"),
        ):
            path = f"{root}/{person}_task-pixar_{name}"
            url = f"https://osf.io/download/{line[key]}/"
            rows.append(_told_later(path, "osf", url, subset))
    path = "derivatives/fmriprep/dataset_description.json"
    url = f"{FMRIPREP_228}/dataset_description.json"
    rows.append(_told_later(path, "github", url, "full"))
    return rows + [
        _from_annex(file, f"derivatives/fmriprep/{file['path']}", "full")
        for file in keys
        if "fsaverage5" not in file["path"]
    ]


def templateflow():
    """Rows of the template that fMRIPrep registers to; its folder is a TEMPLATEFLOW_HOME."""
    rows = []
    for name, subset in (
        ("res-01_T1w", "mini"),
        ("res-01_desc-brain_mask", "mini"),
        ("res-02_T1w", "mini"),
        ("res-02_desc-brain_mask", "mini"),
    ):
        file = f"tpl-MNI152NLin2009cAsym_{name}.nii.gz"
        url = f"{TEMPLATE}/{file}"
        s3 = f"https://templateflow.s3.amazonaws.com/tpl-MNI152NLin2009cAsym/{file}"
        path = f"tpl-MNI152NLin2009cAsym/{file}"
        rows.append(_told_later(path, "github", f"{url} {s3}", subset))
    return rows


def ucla(keys):
    """Rows of twenty people of ds000030: raw from OpenNeuro, derivatives from OSF."""
    people = UCLA.split()
    rows = [
        _told_later(name, "github", f"{DS030}/{name}")
        for name in ("dataset_description.json", "participants.tsv", "task-rest_bold.json")
    ]
    for file in keys:
        person = file["path"].split("/")[0].removeprefix("sub-")
        small = person == people[0] and "/anat/" in file["path"]
        subset = ("mini" if small else "full") if person in people else ""
        rows.append(_from_annex(file, file["path"], subset, "raw"))
    for person in people:
        first = person == people[0]
        for space in ("", "space-MNI152NLin2009cAsym_"):
            subset = ("mini" if space else "workshop") if first else "full"
            for name in ("desc-preproc_T1w.nii.gz", "desc-brain_mask.nii.gz"):
                rows.append(_derivative(person, "anat", f"{space}{name}", subset))
        for name in ("desc-confounds_timeseries.tsv", "desc-confounds_timeseries.json"):
            subset = "mini" if first else "workshop"
            rows.append(_derivative(person, "func", f"task-rest_{name}", subset))
        for space in ("MNI152NLin2009cAsym", "T1w"):
            subset = "workshop" if first or space != "T1w" else "full"
            for name in UCLA_BOLD.split():
                rows.append(_derivative(person, "func", f"task-rest_space-{space}_{name}", subset))
    return rows


def _derivative(person, datatype, name, subset):
    path = f"derivatives/fmriprep/sub-{person}/{datatype}/sub-{person}_{name}"
    return _told_later(path, "osf", f"{UCLA_OSF}/{path}", subset)


def _looked_at(looked, study):
    rows = []
    for file in looked:
        if file["path"].startswith(f"{study}/"):
            url = f"{RAW}/{file['source']}/{file['commit']}/{quote(file['source_path'])}"
            path = file["path"].removeprefix(f"{study}/")
            rows.append(_row(path, file["bytes"], "sha256", file["sha256"], url))
    return rows


def _from_lesson(file, path):
    url = f"{SMRI}/{quote(file['path'])}"
    if file["sha256"]:
        return _row(path, file["bytes"], "sha256", file["sha256"], url)
    return _row(path, file["bytes"], "git-sha1", file["git_blob_sha1"], url)


def _from_annex(file, path, subset="mini", parts=""):
    url = f"{file['url']}?versionId={file['s3_versionId']}"
    return _row(path, file["bytes"], "md5", file["digest"], url, subset, parts)


def _told_later(path, publisher, url, subset="mini"):
    return _row(path, "", publisher, "", url, subset)


def _row(path, size, algorithm, checksum, url, subset="mini", parts=""):
    values = (path, size, algorithm, checksum, subset, url, "", parts)
    return dict(zip(COLUMNS + MORE_COLUMNS, values, strict=True))


def _add_source(rows, path, new):
    """Add a file, or a second address of one that has the same digest there."""
    known = rows.setdefault(path, new)
    if known["checksum"] == new["checksum"] and new["url"] not in known["url"].split():
        known["url"] += f" {new['url']}"


def _subset(path, mini, workshop):
    for subset, patterns in (("mini", mini), ("workshop", workshop)):
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns.split()):
            return subset
    return "full"


def _table(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader((line for line in lines if line[:1] != "#"), delimiter="\t"))


def _write(path, rows):
    columns = COLUMNS + (MORE_COLUMNS if any(row["mirror"] or row["parts"] for row in rows) else ())
    lines = ["\t".join(row[column] for column in columns) for row in rows]
    text = "\n".join(["\t".join(columns), *sorted(lines)])
    path.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
