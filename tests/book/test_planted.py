"""Each check of the page gate finds its own fault, and passes a page without it."""

import os
from pathlib import Path

import pytest
from page_gate import (
    check_axe,
    check_keys,
    check_reach,
    check_sideways,
    check_weight,
    launch_browser,
    load_all,
    visit,
)
from page_html import (
    check_alt,
    check_frames,
    check_ids,
    check_links,
    check_outputs,
    not_ready,
    read_page,
)

GOOD = """
<h1>Noise</h1>
<p>Read <a href="other.html#place">more</a>, or <a href="#end">go down</a>.</p>
<p><button type="button">Press</button></p>
<details><summary>Open</summary><p>Inside</p></details>
<div class="cell_output"><img src="dot.png" width="8" height="8"
  alt="A black square on a white background."></div>
<p id="end">End</p>
"""
DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364f80f00"
    "010501012718e3660000000049454e44ae426082"
)


@pytest.fixture
def plant(tmp_path):
    """Write a page from what stands in its body."""
    (tmp_path / "dot.png").write_bytes(DOT)

    def write(body, name="page.html", head=""):
        page = tmp_path / name
        page.write_text(
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Page</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"{head}</head><body><main>{body}</main></body></html>",
            encoding="utf-8",
        )
        return page

    write('<h1>Other</h1><p id="place">Here</p>', "other.html")
    return write


EVERY_CHECK = (check_sideways, check_axe, check_reach, check_keys)


def problems_of(browser, base, checks):
    """Problems of page.html by some checks, in words."""
    with visit(browser, base, "page.html", width=360) as (page, problems, outside):
        load_all(page)
        found = [problem for check in checks for problem in check(page)]
        return problems + found + [f"outside: {address}" for address in outside]


def test_good_page_passes(browser, served, plant, tmp_path):
    page = plant(GOOD)
    soup = read_page(page)
    assert problems_of(browser, served[0], EVERY_CHECK) == []
    assert check_alt(soup) + check_outputs(soup) + check_frames(soup) + check_ids(soup) == []
    assert check_links(page, tmp_path) == []


FAULTS = {
    "two h1": (None, "<h1>Again</h1>", "2 h1, one expected"),
    "too wide": (check_sideways, '<div style="width: 900px">wide</div>', "scrolls sideways by"),
    "pale text": (check_axe, '<p style="color: #999">pale</p>', "color-contrast"),
    "pale text, folded": (
        check_axe,
        '<details><summary>Open</summary><p style="color: #999">pale</p></details>',
        "color-contrast",
    ),
    "pale text, in a frame": (
        check_axe,
        "<iframe title='x' srcdoc='<html lang=en><title>t</title><p style=\"color:#999\">pale'>"
        "</iframe>",
        "color-contrast",
    ),
    "label says something else": (
        check_axe,
        '<button type="button" aria-label="Magnifier">Search</button>',
        "label-content-name-mismatch",
    ),
    "button without a name": (check_axe, '<button type="button"></button>', "button-name"),
    "frame without a title": (check_axe, '<iframe srcdoc="x"></iframe>', "frame-title"),
    "image from elsewhere": (
        None,
        '<img src="http://example.org/x.png" alt="">',
        "outside: http://example.org",
    ),
    "script from elsewhere": (
        None,
        '<script src="//example.org/x.js"></script>',
        "outside: http://example.org",
    ),
    "font from elsewhere": (
        None,
        '<style>@font-face {font-family: F; src: url("https://example.org/f.woff2")}</style>'
        '<p style="font-family: F">x</p>',
        "outside: https://example.org",
    ),
    "mouse only": (check_reach, '<div onclick="go()">Press</div>', "works by mouse only"),
    "not reached": (
        check_reach,
        '<button type="button" tabindex="-1">Press</button>',
        "Tab does not reach",
    ),
    "focus hidden": (
        check_reach,
        '<button type="button" style="outline: none">Press</button>',
        "focus does not show",
    ),
    "focus off the screen": (
        check_reach,
        '<a href="#end" style="position: fixed; left: 0; top: -500px">skip</a>',
        "focus is off the screen",
    ),
    "keyboard trap": (
        check_reach,
        '<button type="button" onkeydown="event.preventDefault()">Press</button>'
        '<p><button type="button">Never</button></p>',
        "Tab does not reach",
    ),
    "deaf to keys": (
        check_keys,
        '<div role="button" tabindex="0">Press</div>',
        "keys do nothing",
    ),
}


@pytest.mark.parametrize(("check", "body", "says"), FAULTS.values(), ids=FAULTS)
def test_fault_is_found_in_the_browser(browser, served, plant, check, body, says):
    plant(GOOD + body)
    problems = problems_of(browser, served[0], [check] if check else [])
    assert any(says in problem for problem in problems), problems


def test_missing_page_is_found(browser, served):
    with visit(browser, served[0], "nowhere.html") as (_, problems, _):
        # The server's own error page has an h1 and no fault that axe knows.
        assert problems == ["status 404, 200 expected"]


def test_dark_fault_is_found_in_the_dark_only(browser, served, plant):
    plant(
        '<h1>Noise</h1><p class="pale">Hard to read</p>',
        head="<style>@media (prefers-color-scheme: dark) {"
        "body { background: #111; color: #fff; } .pale { color: #333; } }</style>",
    )
    for mode, faulty in {"light": False, "dark": True}.items():
        with visit(browser, served[0], "page.html", mode=mode) as (page, _, _):
            assert bool(check_axe(page)) == faulty


HTML_FAULTS = {
    "no alt": (check_alt, '<img src="x.png">', "no alt"),
    "alt is the path": (check_alt, '<img src="x.png" alt="_images/x.png">', "is a path"),
    "alt too short": (
        check_alt,
        '<div class="cell_output"><img src="x" alt="A head."></div>',
        "too little",
    ),
    "alt empty on output": (
        check_alt,
        '<div class="cell_output"><img src="x" alt=""></div>',
        "too little",
    ),
    "stderr": (check_outputs, '<div class="output stderr">Warning</div>', "stderr"),
    "error": (check_outputs, '<div class="output traceback">Error</div>', "error"),
    "untitled frame": (check_frames, "<iframe></iframe>", "without title"),
    "id twice": (check_ids, '<p id="a"></p><p id="a"></p>', "id twice: a"),
}


@pytest.mark.parametrize(("check", "body", "says"), HTML_FAULTS.values(), ids=HTML_FAULTS)
def test_fault_is_found_in_the_html(plant, check, body, says):
    (problem,) = check(read_page(plant(GOOD + body)))
    assert says in problem


def test_decorative_image_may_be_silent(plant):
    assert check_alt(read_page(plant('<img src="ornament.svg" alt="">'))) == []


@pytest.mark.parametrize(
    "link",
    [
        '<a href="gone.html">x</a>',
        '<a href="other.html#gone">x</a>',
        '<a href="#gone">x</a>',
        '<a href="../outside.html">x</a>',
        '<img src="gone.png" alt="">',
        '<a href="#footnote-9">9</a>',
    ],
)
def test_broken_link_is_found(plant, tmp_path, link):
    (problem,) = check_links(plant(GOOD + link), tmp_path)
    assert problem.startswith("no such")


def test_weight_counts_what_is_sent_compressed(browser, served, plant, tmp_path):
    (tmp_path / "text.css").write_text("/* " + "a" * 100_000 + " */")
    (tmp_path / "noise.webp").write_bytes(bytes(range(256)) * 400)
    plant('<h1>x</h1><p style="height: 4000px"></p><img loading="lazy" src="noise.webp" alt="">',
          head='<link rel="stylesheet" href="text.css">')  # fmt: skip
    base, sent = served
    with visit(browser, base, "page.html") as (page, _, _):
        load_all(page)
    sizes = dict(sent)
    assert sizes["/noise.webp"] == 102_400, "an image is not compressed again, and lazy ones count"
    assert 0 < sizes["/text.css"] < 1000


@pytest.mark.parametrize(
    ("before", "after", "has_viewer", "word"),
    [
        (901_000, 901_000, False, "501 kB before a click"),
        (500_000, 5_401_000, True, "5001 kB after all clicks"),
        (800_000, 800_000, True, "loads on the click"),
        (800_000, 900_000, False, "loads on the click"),
    ],
)
def test_a_heavy_page_is_found(before, after, has_viewer, word):
    (problem,) = check_weight(before, after, 400_000, has_viewer)
    assert word in problem


def test_a_page_within_its_weight_is_left_alone():
    assert check_weight(900_000, 5_400_000, 400_000, True) == []


def test_a_missing_or_stale_book_is_not_tested(tmp_path):
    built, source = tmp_path / "html", tmp_path / "notebooks" / "a.md"
    built.mkdir()
    source.parent.mkdir()
    source.write_text("# A")
    assert not_ready(tmp_path, built).startswith("no book")
    (built / "searchindex.js").write_text("")
    os.utime(source, (1, 1))
    assert not_ready(tmp_path, built) is None
    os.utime(built / "searchindex.js", (0, 0))
    assert not_ready(tmp_path, built) == f"the book is older than {Path('notebooks/a.md')}"


def test_no_browser_skips_or_fails_through_the_gate(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("MRIWORKBOOK_REQUIRE", "")
    with pytest.raises(pytest.skip.Exception, match="no Chromium"):
        launch_browser(None)
    monkeypatch.setenv("MRIWORKBOOK_REQUIRE", "browser,book")
    with pytest.raises(pytest.fail.Exception, match="no Chromium"):
        launch_browser(None)
