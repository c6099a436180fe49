"""Fixtures shared by all tests."""

from pathlib import Path

import pytest
from gate import skip_or_fail

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
