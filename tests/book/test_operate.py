"""What a reader opens, folds and switches in the book, by keyboard alone."""

import pytest
from page_gate import check_axe, visit
from page_html import BUILT

EPISODES = sorted(path.name for path in (BUILT / "notebooks").glob("*.html")) or ["none.html"]


@pytest.fixture(params=EPISODES)
def episode(browser, site, request):
    """An episode's page on a desk."""
    with visit(browser, site[0], f"notebooks/{request.param}") as (page, _, _):
        yield page


@pytest.fixture
def phone(browser, site):
    """The front page on a phone."""
    with visit(browser, site[0], "book/index.html", width=360) as (page, _, _):
        yield page


def press(page, control, key="Enter"):
    control.focus()
    page.keyboard.press(key)


def test_theme_switch(phone):
    theme = "document.documentElement.dataset.mode"
    switch = phone.locator(".theme-switch-button:visible")
    seen = set()
    for key in ("Enter", "Space", "Enter"):
        press(phone, switch, key)
        seen.add(phone.evaluate(theme))
    assert seen == {"light", "dark", "auto"}


@pytest.mark.parametrize(
    ("button", "dialog"),
    [
        (".primary-toggle", "#pst-primary-sidebar-modal"),
        (".secondary-toggle", "#pst-secondary-sidebar-modal"),
        (".search-button:visible", "#pst-search-dialog"),
    ],
    ids=["contents", "on this page", "search"],
)
def test_dialogs_on_a_phone(phone, button, dialog):
    control = phone.locator(button).first
    press(phone, control)
    box = phone.locator(dialog)
    assert box.evaluate("(box) => box.open && box.contains(document.activeElement)")
    assert check_axe(phone) == []
    phone.keyboard.press("Escape")
    assert not box.evaluate("(box) => box.open")
    assert control.evaluate("(control) => control === document.activeElement")


def test_search_finds_a_word_of_the_book(phone):
    press(phone, phone.locator(".search-button:visible").first)
    phone.keyboard.type("Rician")
    phone.keyboard.press("Enter")
    phone.wait_for_url("**/search.html?q=Rician*")
    phone.wait_for_selector("#search-results li a")
    assert check_axe(phone) == []


def test_folded_parts_open_and_close(episode):
    for part in episode.locator("details:visible").all():
        for key, is_open in (("Enter", True), ("Space", False)):
            press(episode, part.locator("summary").first, key)
            assert part.evaluate("(part) => part.open") == is_open
    assert episode.locator("details:visible").count(), "an episode has its course map, at least"


def test_solutions_open_and_close(episode):
    solutions = episode.locator(".solution.dropdown")
    for solution in solutions.all():
        for key, is_hidden in (("Enter", False), ("Space", True)):
            press(episode, solution.locator("button.toggle-button").first, key)
            hidden = solution.evaluate("(part) => part.classList.contains('toggle-hidden')")
            assert hidden == is_hidden


def test_copy_button_copies_the_cell(episode):
    cell = episode.locator("div.cell_input:visible").first
    press(episode, cell.locator("button.copybtn"))
    copied = episode.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == cell.locator("pre").inner_text().strip()


def test_launch_menu_opens(episode):
    control = episode.locator(".dropdown-launch-buttons > button")
    press(episode, control)
    assert control.get_attribute("aria-expanded") == "true"
    assert check_axe(episode) == []
    episode.keyboard.press("Escape")
    assert control.get_attribute("aria-expanded") == "false"


def test_viewers_open_and_close(episode):
    for viewer in episode.locator("figure.brain-viewer").all():
        press(episode, viewer.locator("button"))
        handle = viewer.locator("iframe").element_handle()
        frame = handle.content_frame()
        frame.wait_for_function("window.brain && brain.planes.canvasX")
        assert handle.get_attribute("title")
        assert check_axe(episode) == []
        episode.keyboard.press("Tab")
        episode.keyboard.press("Escape")
        episode.wait_for_selector("figure.brain-viewer iframe", state="detached")
