"""One browser and one server for all tests of the book."""

import pytest
from gate import skip_or_fail
from page_gate import launch_browser
from page_html import BUILT, ROOT, not_ready
from page_server import serve
from playwright.sync_api import sync_playwright


@pytest.fixture(scope="session")
def book():
    """Folder of the built book, which must be newer than its sources."""
    reason = not_ready(ROOT, BUILT)
    if reason:
        skip_or_fail("book", f"{reason}; type: make book")
    return BUILT


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium of this machine."""
    with sync_playwright() as playwright:
        running = launch_browser(playwright)
        yield running
        running.close()


@pytest.fixture(scope="session")
def site(book):
    """Address of the served book, and what was sent."""
    with serve(book) as served:
        yield served


@pytest.fixture
def served(tmp_path):
    """Address of an empty folder to plant pages in, and what was sent."""
    with serve(tmp_path) as address_and_sent:
        yield address_and_sent
