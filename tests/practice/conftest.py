"""One practice core for all tests of this folder."""

import pytest

from mriworkbook import practice


@pytest.fixture(scope="session")
def practice_core(tmp_path_factory):
    """Folder of a complete core, made once by two processes; and what progress was reported."""
    root = tmp_path_factory.mktemp("practice")
    reports = []
    practice.make_core(root, n_jobs=2, progress=lambda *report: reports.append(report))
    return root, reports


@pytest.fixture
def core(practice_core):
    return practice_core[0]
