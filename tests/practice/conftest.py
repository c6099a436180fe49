"""The practice study's core, under the short name that the tests of this folder use."""

import pytest


@pytest.fixture
def core(practice_core):
    return practice_core
