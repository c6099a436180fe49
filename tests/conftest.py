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
    folder = shared_practice.common_folder(tmp_path_factory)
    own = shared_practice.own_study("core")
    if own:
        return shared_practice.once(
            folder, "core-part", lambda new: shared_practice.core_part(own, new)
        )
    data = shared_practice.once(
        folder, "core", lambda data: shared_practice.make_study(data, "core")
    )
    return data / "practice"


@pytest.fixture(scope="session")
def practice_anatomy(tmp_path_factory):
    """Folder of the practice study with both stages, core and anatomy; read only."""
    own = shared_practice.own_study("anatomy")
    if own:
        return own
    folder = shared_practice.common_folder(tmp_path_factory)
    core = shared_practice.once(
        folder, "core", lambda data: shared_practice.make_study(data, "core")
    )
    data = shared_practice.once(
        folder, "anatomy", lambda data: shared_practice.widen(core / "practice", data)
    )
    return data / "practice"
