"""The wheel: what is in it, and whether it works where nothing else is."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from gate import skip_or_fail


@pytest.fixture(scope="module")
def wheel(repository, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    call = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder]
    done = subprocess.run(call, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_module_and_table_is_in_the_wheel(names, repository):
    expected = set()
    for package, folder in (
        ("mriworkbook", repository / "src" / "mriworkbook"),
        ("data_fetch", repository / "data_fetch"),
    ):
        for path in folder.rglob("*"):
            if path.suffix in {".py", ".json", ".toml", ".tsv"}:
                expected.add(f"{package}/{path.relative_to(folder).as_posix()}")
    assert {"data_fetch/datasets.toml", "data_fetch/manifests/aomic.tsv"} < expected
    assert "mriworkbook/episode_schema.json" in expected
    assert expected <= names


def test_every_learner_notebook_is_in_the_wheel_and_no_source(names, repository):
    stems = {path.stem for path in (repository / "notebooks").glob("*.md")}
    packed = {name for name in names if name.startswith("mriworkbook/_notebooks/")}
    assert stems
    assert packed == {f"mriworkbook/_notebooks/{stem}.ipynb" for stem in stems}
    assert not {name for name in names if name.endswith((".md", ".pyc"))}


def test_nothing_else_is_in_the_wheel(names):
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"mriworkbook", "data_fetch"}


@pytest.fixture(scope="module")
def installed(wheel, repository, tmp_path_factory):
    """A fresh environment outside the repository; a function that types commands in it."""
    if "wheel" not in os.environ.get("MRIWORKBOOK_REQUIRE", "").split(","):
        skip_or_fail(
            "wheel", "takes minutes and a package index; MRIWORKBOOK_REQUIRE=wheel runs it"
        )
    home = tmp_path_factory.mktemp("home")
    venv.create(home / "env", with_pip=True)
    programs = home / "env" / ("Scripts" if os.name == "nt" else "bin")
    lock = repository / "requirements.lock"
    pip = [programs / "python", "-m", "pip", "install", "--quiet", "-c", lock, wheel]
    subprocess.run(pip, check=True, cwd=home)
    environment = {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "PATH": f"{programs}{os.pathsep}{os.defpath}",
        "SYSTEMROOT": os.environ.get("SYSTEMROOT", ""),
    }

    def typed(*words):
        done = subprocess.run(
            words, cwd=home, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    yield typed
    # More than a gigabyte, which pytest would keep for three runs.
    shutil.rmtree(home / "env")


def test_a_learner_with_nothing_but_the_wheel_can_start(installed, repository, tmp_path):
    where = installed("python", "-c", "import mriworkbook; print(mriworkbook.__file__)").strip()
    assert not Path(where).is_relative_to(repository)
    installed("mriworkbook", "data", "get", "practice")
    installed("mriworkbook", "data", "verify", "practice")
    query = "len(s.layout.get(subject='01', suffix='T1w', scope='raw', extension='.nii.gz'))"
    code = f"from mriworkbook.studies import open_study; s = open_study(); print({query})"
    assert installed("python", "-W", "error::UserWarning", "-c", code) == "1\n"
    stems = {path.stem for path in (repository / "notebooks").glob("*.md")}
    listed = installed("mriworkbook", "notebooks", "list").splitlines()
    assert {line.split()[0] for line in listed} == stems
    installed("mriworkbook", "notebooks", "copy", str(tmp_path / "mine"))
    assert {path.stem for path in (tmp_path / "mine").iterdir()} == stems
