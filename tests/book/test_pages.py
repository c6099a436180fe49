"""Every page of the built book, in a browser: light and dark, on a phone and on a desk."""

import pytest
from page_gate import (
    MODES,
    WIDTHS,
    check_axe,
    check_keys,
    check_reach,
    check_sideways,
    check_weight,
    load_all,
    visit,
)
from page_html import (
    BUILT,
    check_alt,
    check_frames,
    check_ids,
    check_links,
    check_outputs,
    read_page,
    site_pages,
)

PAGES = site_pages(BUILT) or ["book/index.html"]
ALMOST_EMPTY = "genindex.html"  # what the theme alone weighs
on_every_page = pytest.mark.parametrize("path", PAGES)


def fail_on(problems):
    assert not problems, "\n".join(problems)


def test_every_source_has_a_page(book):
    sources = {path.stem for path in (book.parents[1] / "notebooks").glob("*.md")}
    assert sources <= {path.stem for path in (book / "notebooks").glob("*.html")}
    assert {"book/index.html", "book/glossary.html", "book/bibliography.html"} <= set(PAGES)


@on_every_page
def test_html(book, path):
    soup = read_page(book / path)
    fail_on(check_alt(soup) + check_outputs(soup) + check_frames(soup) + check_ids(soup))


@on_every_page
def test_links_inside_the_book(book, path):
    fail_on(check_links(book / path, book))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("width", WIDTHS)
@on_every_page
def test_opens_accessible_and_alone(browser, site, path, width, mode):
    with visit(browser, site[0], path, mode=mode, width=width) as (page, problems, outside):
        fail_on(problems)
        assert page.evaluate("document.documentElement.dataset.theme") == mode
        load_all(page)
        fail_on(check_sideways(page))
        fail_on(check_axe(page))
        fail_on(check_sideways(page))  # again, now that every part is open
        assert not outside, f"requests to other hosts: {outside}"


@pytest.mark.parametrize("width", WIDTHS)
@on_every_page
def test_keyboard(browser, site, path, width):
    with visit(browser, site[0], path, width=width) as (page, problems, _):
        fail_on(problems)
        fail_on(check_reach(page))
        fail_on(check_keys(page))


@on_every_page
def test_reads_without_scripts(browser, site, path):
    with visit(browser, site[0], path, width=360, script=False) as (page, problems, _):
        fail_on(problems)
        assert page.locator("main h1").is_visible()


def weigh(browser, site, path):
    """Bytes sent for a page before a click, read to its end, and after every viewer is open."""
    base, sent = site
    start = len(sent)
    with visit(browser, base, path) as (page, problems, _):
        fail_on(problems)
        load_all(page)
        page.wait_for_load_state("networkidle")
        before = sum(size for _, size in sent[start:])
        for button in page.locator("figure.brain-viewer > button").all():
            button.click()
        for viewer in page.locator("iframe").all():
            viewer.element_handle().content_frame().wait_for_function("window.brain")
        return before, sum(size for _, size in sent[start:])


@pytest.fixture(scope="module")
def theme(browser, site):
    """Bytes of a page with nothing on it."""
    return weigh(browser, site, ALMOST_EMPTY)[0]


@on_every_page
def test_weight(browser, site, book, theme, path):
    before, after = weigh(browser, site, path)
    print(f"{path}: {before - theme} bytes beyond the theme, {after - theme} after all clicks")
    has_viewer = bool(read_page(book / path).select("figure.brain-viewer"))
    fail_on(check_weight(before, after, theme, has_viewer))
