"""What was fetched lies where nilearn's and TemplateFlow's own fetchers look for it, offline."""

import json
import os
import socket
import warnings

import nibabel as nib
import numpy as np
import pytest
from nilearn import datasets

import data_fetch
from data_fetch import about, catalogue, nilearn_fetch, published, serve, storage


@pytest.fixture
def offline(monkeypatch):
    """No connection can be made, no name be looked up; a warning is an error."""

    def refuse(*args, **kwargs):
        raise AssertionError("the network was asked")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture(scope="module")
def atlases(real_data, tmp_path_factory):
    """The atlases, fetched from the mirror: what it has of mini is all of mini."""
    folder = tmp_path_factory.mktemp("data") / "atlases"
    assert not data_fetch.get("atlases", folder, mirror=real_data).partial
    return folder


def test_nilearn_finds_yeo(offline, atlases):
    for networks in (7, 17):
        for thickness in ("thin", "thick"):
            atlas = datasets.fetch_atlas_yeo_2011(
                n_networks=networks, thickness=thickness, data_dir=atlases, verbose=0
            )
            assert nib.load(atlas.maps).shape[:3] == (256, 256, 256)
            assert list(atlas.lut["index"]) == list(range(networks + 1))
    default = datasets.fetch_atlas_yeo_2011(data_dir=atlases, verbose=0)
    labels = np.unique(np.asanyarray(nib.load(default.maps).dataobj)[::8])
    assert list(labels) == list(default.lut["index"])


def test_nilearn_finds_aal(offline, atlases):
    atlas = datasets.fetch_atlas_aal(version="SPM12", data_dir=atlases, verbose=0)
    (index,) = atlas.lut["index"][atlas.lut["name"] == "Supp_Motor_Area_L"]
    assert index == 2401
    assert nib.load(atlas.maps).shape == (91, 109, 91)


@pytest.mark.parametrize(
    "name", ["cort-maxprob-thr25-2mm", "sub-maxprob-thr25-2mm", "cort-prob-2mm", "sub-prob-2mm"]
)
def test_nilearn_finds_harvard_oxford(offline, atlases, name):
    atlas = datasets.fetch_atlas_harvard_oxford(name, data_dir=atlases, verbose=0)
    assert atlas.maps.shape[:3] == (91, 109, 91)
    regions = 48 if name.startswith("cort") else 21
    assert len(atlas.labels) == regions + 1


def test_nilearn_finds_destrieux(offline, atlases):
    atlas = datasets.fetch_atlas_surf_destrieux(data_dir=atlases, verbose=0)
    precuneus = atlas.labels.index("G_precuneus")
    for labels in (atlas.map_left, atlas.map_right):
        assert labels.shape == (10242,)
        assert 100 < np.sum(labels == precuneus) < 400
    assert len(atlas.labels) == 76


def stand_in(folder):
    """Small files in the places and shapes of nilearn's development fMRI."""
    people = [f"sub-pixar{number:03d}" for number in range(1, 156)]
    rows = ["participant_id\tAge\tAgeGroup\tChild_Adult\tGender\tHandedness"]
    for number, person in enumerate(people, 1):
        group = ("child", "5yo") if number <= 122 else ("adult", "Adult")
        rows.append(f"{person}\t{number}\t{group[1]}\t{group[0]}\tF\tR")
    names = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]
    names += ["framewise_displacement", "csf", "white_matter"]
    names += [f"a_comp_cor_{number:02d}" for number in range(6)]
    values = "\n".join(["\t".join(names), *["\t".join(["0.1"] * len(names))] * 3])
    image = nib.Nifti1Image(np.zeros((2, 2, 2, 3), dtype="uint8"), np.eye(4))
    for entry in catalogue.select(catalogue.manifest("pixar"), "workshop"):
        path = folder / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.name == "participants.tsv":
            path.write_text("\n".join(rows) + "\n")
        elif path.name.endswith(".tsv"):
            path.write_text(values + "\n")
        else:
            image.to_filename(path)


@pytest.fixture(scope="module")
def pixar(tmp_path_factory):
    """The film study, fetched by HTTP from a mirror of stand-ins with their own checksums."""
    folder = tmp_path_factory.mktemp("pixar")
    stand_in(folder / "mirror" / "pixar")
    told = []
    for entry in catalogue.select(catalogue.manifest("pixar"), "workshop"):
        path = folder / "mirror" / "pixar" / entry.path
        fields = (path.stat().st_size, "sha256", storage.digest(path, "sha256"))
        told.append(catalogue.Entry(entry.path, *fields, entry.subset, entry.url))
    published.remember(folder / "mirror" / "pixar", told)
    with serve.running(folder / "mirror") as address:
        done = data_fetch.get("pixar", folder / "pixar", mirror=address, subset="workshop")
    assert not done.partial
    about.write("pixar", folder / "pixar")
    return folder / "pixar"


@pytest.mark.parametrize(("people", "adults"), [(1, 1), (20, 4)])
def test_nilearn_finds_the_film_study(offline, pixar, people, adults):
    found = datasets.fetch_development_fmri(n_subjects=people, data_dir=pixar, verbose=0)
    assert len(found.func) == len(found.confounds) == people
    assert list(found.phenotypic["Child_Adult"]).count("adult") == adults
    assert found.t_r == 2
    if people == 1:
        assert "sub-pixar123_" in found.func[0]


def test_mini_is_what_one_subject_needs(pixar):
    files = {entry.path for entry in catalogue.select(catalogue.manifest("pixar"), "mini")}
    found = datasets.fetch_development_fmri(1, False, data_dir=pixar, verbose=0)
    opened = [*found.func, *found.confounds]
    assert files >= {os.path.relpath(path, pixar) for path in opened}


def test_descriptions_are_added_where_the_source_has_none(pixar):
    place = pixar / "development_fmri" / "dataset_description.json"
    assert json.loads(place.read_text())["DatasetType"] == "derivative"
    place.write_text("{}")
    about.write("pixar", pixar)
    assert place.read_text() == "{}"
    place.unlink()
    about.write("pixar", pixar)
    assert "Richardson" in (pixar / about.ABOUT).read_text()


def test_the_libraries_fetch_what_they_can_themselves(tmp_path, monkeypatch):
    calls = []
    for name in ("yeo_2011", "aal", "harvard_oxford", "surf_destrieux"):
        monkeypatch.setattr(
            datasets, f"fetch_atlas_{name}", lambda name=name, **options: calls.append(name)
        )
    monkeypatch.setattr(
        datasets, "fetch_development_fmri", lambda **options: calls.append(options["n_subjects"])
    )
    nilearn_fetch.fetch("atlases", tmp_path / "atlases")
    assert set(calls) == {"yeo_2011", "aal", "harvard_oxford", "surf_destrieux"}
    calls.clear()
    nilearn_fetch.fetch("atlases", tmp_path / "atlases", "aal")
    nilearn_fetch.fetch("pixar", tmp_path / "pixar", "workshop")
    assert calls == ["aal", 20]
    with pytest.raises(data_fetch.FetchError, match="Known: mini, workshop"):
        nilearn_fetch.fetch("pixar", tmp_path / "pixar", "full")


def test_templateflow_is_asked_in_its_own_words(tmp_path, monkeypatch):
    (tmp_path / "lib" / "templateflow").mkdir(parents=True)
    (tmp_path / "lib" / "templateflow" / "__init__.py").touch()
    (tmp_path / "lib" / "templateflow" / "api.py").write_text(
        "import os, pathlib\n"
        "def get(template, resolution, suffix, desc):\n"
        "    home = pathlib.Path(os.environ['TEMPLATEFLOW_HOME'], f'tpl-{template}')\n"
        "    home.mkdir(exist_ok=True)\n"
        "    desc = f'desc-{desc}_' if desc else ''\n"
        "    name = f'tpl-{template}_res-{resolution:02d}_{desc}{suffix}.nii.gz'\n"
        "    (home / name).touch()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "lib"))
    nilearn_fetch.fetch("templateflow", tmp_path / "home")
    found = {p.relative_to(tmp_path / "home").as_posix() for p in (tmp_path / "home").rglob("*.gz")}
    assert found == {entry.path for entry in catalogue.manifest("templateflow")}


def test_without_templateflow_it_is_said_what_to_install(tmp_path, monkeypatch):
    absent = "raise ModuleNotFoundError(\"No module named 'templateflow'\")\n"
    (tmp_path / "templateflow.py").write_text(absent)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(data_fetch.FetchError, match="pip install templateflow"):
        nilearn_fetch.fetch("templateflow", tmp_path / "home")
