"""Fixtures shared by all tests."""

from pathlib import Path

import pytest
import shared_practice
from gate import skip_or_fail
from hypothesis import settings

# Seconds on the clock say little where workers share the cores.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository():
    """Root folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def real_data():
    """Folder of real files, shaped like a mirror; never part of the repository."""
    folder = ROOT.parent / "shared" / "data"
    if not (folder / "MANIFEST.tsv").is_file():
        skip_or_fail("data", f"no real files: {folder} has no MANIFEST.tsv")
    return folder


@pytest.fixture(scope="session")
def practice_core(tmp_path_factory):
    """Folder of the practice study's core; read only."""
    return shared_practice.core_of(tmp_path_factory)


@pytest.fixture(scope="session")
def practice_anatomy(tmp_path_factory):
    """Folder of the practice study with core and anatomy, perhaps more; read only."""
    return shared_practice.study_with(tmp_path_factory, "anatomy")


@pytest.fixture(scope="session")
def practice_functional(tmp_path_factory):
    """Folder of the practice study with core and functional, perhaps more; read only."""
    return shared_practice.study_with(tmp_path_factory, "functional")


@pytest.fixture(scope="session")
def practice_whole(tmp_path_factory):
    """Folder of the practice study with every stage; read only."""
    return shared_practice.study_with(tmp_path_factory, "anatomy", "functional")
