"""The console in a browser: the numbers of Python, by keyboard, for everyone, without a network."""

import gzip
import json

import numpy as np
import pytest
from page_gate import check_axe, check_sideways, visit
from page_server import serve

from mriworkbook.acquisition import (
    BRAIN,
    FIELD_STRENGTHS,
    HEAD,
    PRESETS,
    SEQUENCE_NAMES,
    HeadSlices,
    longitudinal,
    preset,
    slice_image,
    tissue_signal,
    tissues_at,
)
from mriworkbook.acquisition_console import page_console
from mriworkbook.practice.parameters import MPRAGE

TISSUES = BRAIN + HEAD
TRAIN = {"spacing": MPRAGE.echo_spacing, "length": MPRAGE.train_length}
HEADER = '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Page</title>'


@pytest.fixture(scope="module")
def slices():
    """Five slices in which every tissue occurs, of unequal sides."""
    rng = np.random.default_rng(0)
    shares = [
        np.round(255 * rng.dirichlet(np.ones(15), (20 + n, 30)).transpose(2, 0, 1))
        for n in range(5)
    ]
    names = tuple(f"number {n}" for n in range(5))
    return HeadSlices(names, TISSUES, [s.astype(np.uint8) for s in shares], 2.0)


@pytest.fixture(scope="module")
def folder(slices, tmp_path_factory):
    folder = tmp_path_factory.mktemp("console")
    body = f"<body><main><h1>Page</h1>{page_console(slices).data}</main></body></html>"
    width = '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
    (folder / "page.html").write_text(HEADER + width + body, encoding="utf-8")
    return folder


@pytest.fixture
def page(browser, folder):
    """The page, opened anew; it asks no other host and raises no error."""
    with serve(folder) as (base, _), visit(browser, base, "page.html") as (page, problems, outside):
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        assert not problems
        yield page
        assert not outside
        assert not errors


def some_settings(n):
    """Settings from all over the sliders, many of them impossible."""
    rng = np.random.default_rng(1)
    for _ in range(n):
        sequence = str(rng.choice(SEQUENCE_NAMES))
        yield {
            "sequence": sequence,
            "repetition_time": float(rng.integers(100, 12000)),
            "echo_time": float(rng.integers(2, 9 if sequence == "MPRAGE" else 300)),
            "inversion_time": float(rng.integers(50, 5000)),
            "flip_angle": float(rng.integers(1, 90)),
            "field_strength": float(rng.choice(FIELD_STRENGTHS)),
        }


def in_python(settings):
    """Signals of all tissues; None where the times do not fit."""
    table = tissues_at(settings["field_strength"])
    try:
        return [tissue_signal(table[name], settings) for name in TISSUES]
    except ValueError:
        return [None] * len(TISSUES)


def as_plain(tissue):
    return {time: getattr(tissue, time) for time in ("t1", "t2_star", "t2", "pd")}


def in_browser(page, settings):
    table = tissues_at(settings["field_strength"])
    return page.evaluate(
        "([tissues, set, train]) => tissues.map((t) => {"
        "const s = acquisitionConsole.signal(t, set, train); return Number.isNaN(s) ? null : s; })",
        [[as_plain(table[name]) for name in TISSUES], settings, TRAIN],
    )


def test_the_signals_are_those_of_python(page):
    possible = 0
    for settings in [*some_settings(150), *map(preset, PRESETS)]:
        expected, got = in_python(settings), in_browser(page, settings)
        assert [s is None for s in got] == [s is None for s in expected], settings
        if expected[0] is not None:
            possible += 1
            assert np.allclose(got, expected, rtol=0, atol=1e-9), settings
    assert 50 < possible < 150


@pytest.mark.parametrize("contrast", PRESETS)
def test_the_curves_pass_through_the_same_sample(page, contrast):
    tissue, settings = tissues_at(3.0)["GM"], preset(contrast)
    times, mz, sampled = longitudinal(tissue, settings)
    got = page.evaluate(
        "([t, set, train]) => acquisitionConsole.longitudinal(t, set, train)",
        [as_plain(tissue), settings, TRAIN],
    )
    assert got["marked"] == pytest.approx(sampled, abs=1e-9)
    path = np.array(got["path"])
    assert path[-1] == pytest.approx([times[-1], mz[-1]], abs=1e-9)
    # Between pulses both follow one curve, so they agree wherever both have a point.
    assert np.interp(800.5, *path.T) == pytest.approx(np.interp(800.5, times, mz), abs=2e-3)


def test_the_picture_is_that_of_python(page, slices):
    settings = preset("T1w")
    shares = slices.shares[2]
    expected = slice_image(shares, TISSUES, settings)
    got = page.evaluate(
        "([slice, signals]) => { slice.shares = Uint8Array.from(slice.shares); return ["
        "...acquisitionConsole.picture(slice, signals, 0, new Float32Array(99999))]; }",
        [
            {"rows": 22, "columns": 30, "shares": shares.ravel().tolist()},
            in_python(settings),
        ],
    )
    assert np.allclose(got, expected.ravel(), rtol=0, atol=1e-6)


def seen(page):
    """What is on the canvas of the slice, and what it is called."""
    canvas = page.locator("canvas[data-slice]")
    return canvas.evaluate("c => c.toDataURL()"), canvas.get_attribute("aria-label")


def test_the_printed_signals_follow_the_sliders(page):
    page.get_by_role("combobox", name="Sequence", exact=True).select_option("spin echo")
    page.get_by_role("slider", name="TR", exact=True).fill("600")
    page.get_by_role("slider", name="TE", exact=True).fill("20")
    settings = preset("T2w") | {"repetition_time": 600, "echo_time": 20}
    shown = float(page.locator("td[data-tissue=GM]").inner_text())
    assert shown == pytest.approx(tissue_signal(tissues_at()["GM"], settings), abs=5e-4)


@pytest.mark.parametrize(
    ("label", "key", "before", "after"),
    [
        ("TR", "ArrowRight", "2300 ms", "2350 ms"),
        ("TE", "ArrowUp", "3 ms", "5 ms"),
        ("TI", "ArrowLeft", "900 ms", "890 ms"),
        ("Flip angle", "ArrowRight", "9 degrees", "10 degrees"),
        ("Field strength", "ArrowRight", "3 T", "7 T"),
    ],
)
def test_keys_move_every_slider_and_change_the_picture(page, label, key, before, after):
    slider, picture = page.get_by_role("slider", name=label, exact=True), seen(page)
    assert slider.get_attribute("aria-valuetext") == before
    slider.focus()
    page.keyboard.press(key)
    assert slider.get_attribute("aria-valuetext") == after
    assert seen(page)[0] != picture[0]


def test_the_keyboard_reaches_everything_in_order(page):
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.name || document.activeElement.textContent")
        )
    times = ["repetition_time", "echo_time", "inversion_time", "flip_angle", "field_strength"]
    assert reached == [*PRESETS, "sequence", *times, "slice"]


def test_a_preset_sets_everything_and_the_description(page):
    before = seen(page)
    page.get_by_role("button", name="FLAIR").focus()
    page.keyboard.press("Enter")
    assert (
        page.get_by_role("slider", name="TI", exact=True).get_attribute("aria-valuetext")
        == "2470 ms"
    )
    picture, description = seen(page)
    assert picture != before[0]
    assert description != before[1]
    assert description.endswith("CSF 0 %.")


def test_the_description_names_the_slice(page):
    page.get_by_role("combobox", name="Slice", exact=True).select_option("0")
    assert "number 0" in seen(page)[1]


def test_impossible_times_are_explained_and_nothing_is_shown_as_if_true(page):
    page.get_by_role("slider", name="TI", exact=True).fill("100")
    said = page.locator("p[role=status]").inner_text()
    assert "TI must be at least 616 ms" in said
    assert "No picture" in seen(page)[1]
    page.get_by_role("slider", name="TI", exact=True).fill("700")
    assert page.locator("p[role=status]").inner_text().startswith("Brightest first")


def test_what_a_sequence_does_not_use_is_switched_off(page):
    page.get_by_role("button", name="T2w").click()
    assert page.get_by_role("slider", name="Flip angle", exact=True).is_disabled()
    assert page.get_by_role("slider", name="TI", exact=True).is_disabled()


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1400])
def test_axe_and_width(browser, folder, mode, width):
    with (
        serve(folder) as (base, _),
        visit(browser, base, "page.html", mode=mode, width=width) as (page, problems, _),
    ):
        assert not problems + check_axe(page) + check_sideways(page)


def test_it_works_from_a_file(browser, folder):
    page = browser.new_page()
    page.goto((folder / "page.html").as_uri())
    assert page.locator("section.acquisition-console").get_attribute("data-ready") == "true"
    assert page.locator("p[role=status]").inner_text().startswith("Brightest first")
    page.close()


def test_without_scripts_the_page_says_so(browser, folder):
    with (
        serve(folder) as (base, _),
        visit(browser, base, "page.html", script=False) as (page, problems, _),
    ):
        assert not problems
        assert "needs JavaScript" in page.locator("main").inner_text()
        assert not page.locator(".controls").is_visible()


def test_two_consoles_on_a_page_do_not_disturb_each_other(browser, slices, folder):
    made = page_console(slices).data
    (folder / "two.html").write_text(f"{HEADER}</head><body><h1>T</h1>{made}{made}</body></html>")
    page = browser.new_page()
    page.goto((folder / "two.html").as_uri())
    first, second = page.locator("section.acquisition-console").all()
    untouched = second.locator("canvas[data-slice]").evaluate("c => c.toDataURL()")
    first.get_by_role("button", name="T2w").click()
    assert second.locator("canvas[data-slice]").evaluate("c => c.toDataURL()") == untouched
    assert "spin echo" in first.locator("canvas[data-slice]").get_attribute("aria-label")
    page.close()


def test_code_and_table_are_light(slices):
    text = page_console(slices).data
    data = json.loads(text.split('"application/json">')[1].split("</script>")[0])
    pictures = "".join(s["data"] for s in data["slices"])
    assert len(gzip.compress(text.replace(pictures, "").encode())) < 250_000
