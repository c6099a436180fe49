"""One browser and one server for all tests of the book."""

import pytest
from gate import skip_or_fail
from page_gate import launch_browser
from page_html import BUILT, ROOT
from page_server import serve
from playwright.sync_api import sync_playwright

SOURCES = ("_config.yml", "_toc.yml", "notebooks/*.md", "book/**/*")


def newest_source():
    """The source of the book that was changed last."""
    files = [path for pattern in SOURCES for path in ROOT.glob(pattern) if path.is_file()]
    own = [path for path in files if "__pycache__" not in path.parts]
    return max(own, key=lambda path: path.stat().st_mtime)


@pytest.fixture(scope="session")
def book():
    """Folder of the built book, which must be newer than its sources."""
    if not (BUILT / "searchindex.js").is_file():
        skip_or_fail("book", f"no book in {BUILT}; type: make book")
    source = newest_source()
    if source.stat().st_mtime > (BUILT / "searchindex.js").stat().st_mtime:
        skip_or_fail("book", f"the book is older than {source.relative_to(ROOT)}; type: make book")
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
