"""The one gate through which a test may be skipped."""

import os

import pytest


def skip_or_fail(need, reason):
    """Skip because `need` is absent, or fail where MRIWORKBOOK_REQUIRE says it must be there."""
    required = os.environ.get("MRIWORKBOOK_REQUIRE", "").split(",")
    if need in required:
        pytest.fail(f"{reason} (MRIWORKBOOK_REQUIRE={','.join(required)})", pytrace=False)
    pytest.skip(reason)
