"""The brain viewer in a browser: opens on a key, moves by keys, closes on a key."""

import pytest
from nilearn.datasets import load_mni152_template
from page_gate import check_axe, visit
from page_server import serve

from mriworkbook.viewers import brain_viewer

ALT = "Three slices of a head, white matter brighter than grey."


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    """A page with two viewers, as a notebook shows them, in the browser."""
    folder = tmp_path_factory.mktemp("viewer")
    head = load_mni152_template(resolution=2)
    viewer = brain_viewer(head, title="The template", alt=ALT, cut_coords=(0, 0, 0))
    (folder / "page.html").write_text(
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Page</title></head>'
        f"<body><main><h1>Page</h1>{viewer.data}{viewer.data}</main></body></html>",
        encoding="utf-8",
    )
    with (
        serve(folder) as (base, _),
        visit(browser, base, "page.html", width=800) as (page, problems, outside),
    ):
        assert not problems
        yield page, outside


@pytest.fixture
def page(opened):
    """The page with every viewer closed."""
    page, outside = opened
    for frame in page.locator("figure button[aria-expanded=true]").all():
        frame.click()
    yield page
    assert not outside, "a viewer asked another host"


def slices(frame):
    return frame.evaluate("({...brain.numSlice})")


def open_first(page, key="Enter"):
    button = page.locator("figure button").first
    button.focus()
    page.keyboard.press(key)
    frame = page.locator("iframe").element_handle().content_frame()
    frame.wait_for_function("window.brain && brain.planes.canvasX")
    return button, frame


def test_nothing_is_open_before_the_click(page):
    assert page.locator("iframe").count() == 0
    assert page.locator("figure img").first.get_attribute("alt") == ALT


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_keys_open_one_titled_viewer(page, key):
    button, _ = open_first(page, key)
    assert page.locator("iframe").count() == 1
    assert page.locator("iframe").get_attribute("title") == "The template"
    assert button.get_attribute("aria-expanded") == "true"
    assert button.inner_text() == "Close the viewer: The template"


def test_button_closes_it_and_keeps_the_focus(page):
    button, _ = open_first(page)
    page.keyboard.press("Enter")
    assert page.locator("iframe").count() == 0
    assert button.get_attribute("aria-expanded") == "false"
    assert page.evaluate("document.activeElement.textContent") == "Open the viewer: The template"


@pytest.mark.parametrize("tabs", [0, 1])
def test_escape_closes_it_from_outside_and_inside(page, tabs):
    _, frame = open_first(page)
    for _ in range(tabs):
        page.keyboard.press("Tab")
    assert (frame.evaluate("document.activeElement.tagName") == "CANVAS") == bool(tabs)
    page.keyboard.press("Escape")
    page.wait_for_selector("iframe", state="detached")
    assert page.evaluate("document.activeElement.textContent") == "Open the viewer: The template"


def test_keys_move_the_slices_and_stop_at_the_edge(page):
    _, frame = open_first(page)
    page.keyboard.press("Tab")
    start = slices(frame)
    for key in ("ArrowRight", "ArrowUp", "PageUp"):
        page.keyboard.press(key)
    assert slices(frame) == {axis: place + 1 for axis, place in start.items()}
    for _ in range(start["X"] + 3):
        page.keyboard.press("ArrowLeft")
    assert slices(frame)["X"] == 0


def test_open_viewer_is_accessible(page):
    open_first(page)
    assert check_axe(page) == []
