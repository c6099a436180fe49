"""The last touches to a page: light figures, viewers in own files, the theme's faults mended."""

import doctest
import importlib.util
import sys
from base64 import b64encode
from io import BytesIO

import numpy as np
import pytest
from bs4 import BeautifulSoup
from page_html import ROOT
from PIL import Image


def load(name):
    """An extension module of the book, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "book" / "_ext" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


finish_pages, mathml, outside_links = map(load, ("finish_pages", "mathml", "outside_links"))


def png(array):
    stream = BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def photograph():
    """Something like a slice: smooth, with texture."""
    y, x = np.mgrid[:200, :300]
    texture = np.random.default_rng(0).normal(scale=6, size=y.shape)
    return np.clip(120 + 80 * np.sin(x / 30) * np.cos(y / 25) + texture, 0, 255).astype("uint8")


def test_figure_is_lighter_and_looks_the_same(tmp_path, photograph):
    source = tmp_path / "slice.png"
    source.write_bytes(png(photograph))
    target, size = finish_pages.write_webp(source)
    assert size == (300, 200)
    assert target.stat().st_size < source.stat().st_size / 2
    seen = np.asarray(Image.open(target).convert("L"), dtype=float)
    assert np.abs(seen - photograph).mean() < 4, "of 255 grey levels"


def test_flat_drawing_stays_exact(tmp_path):
    drawing = np.full((300, 400, 3), 255, dtype="uint8")
    drawing[40:42] = drawing[:, 60:62] = (0, 114, 178)
    (tmp_path / "axes.png").write_bytes(png(drawing))
    target, _ = finish_pages.write_webp(tmp_path / "axes.png")
    assert np.array_equal(np.asarray(Image.open(target).convert("RGB")), drawing)


def test_transparent_parts_turn_white(tmp_path):
    (tmp_path / "clear.png").write_bytes(png(np.zeros((8, 8, 4), dtype="uint8")))
    target, _ = finish_pages.write_webp(tmp_path / "clear.png")
    assert Image.open(target).convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def page_with(tmp_path, body):
    page = tmp_path / "notebooks" / "page.html"
    page.parent.mkdir(exist_ok=True)
    page.write_text(f"<html><body>{body}</body></html>", encoding="utf-8")
    return page


def finished(page, root):
    finish_pages.finish(page, root)
    return BeautifulSoup(page.read_text("utf-8"), "html.parser")


def test_output_image_gets_size_and_loads_late(tmp_path, photograph):
    (tmp_path / "_images").mkdir()
    (tmp_path / "_images" / "a.png").write_bytes(png(photograph))
    body = '<div class="cell_output"><img alt="Waves of grey." src="../_images/a.png"/></div>'
    image = finished(page_with(tmp_path, body), tmp_path).img
    assert image.attrs == {
        "alt": "Waves of grey.", "src": "../_images/a.webp",
        "width": "300", "height": "200", "loading": "lazy",
    }  # fmt: skip


def test_finishing_twice_changes_nothing(tmp_path, photograph):
    picture = b64encode(png(photograph)).decode()
    page = page_with(
        tmp_path,
        f'<figure class="brain-viewer"><img alt="x" src="data:image/png;base64,{picture}"/>'
        '<button data-srcdoc="&lt;p&gt;x">Open</button></figure><pre>a\n  b</pre>'
        '<button aria-label="y">Search</button><script src="fontawesome.js"></script>',
    )
    finish_pages.finish(page, tmp_path)
    once = page.read_bytes()
    finish_pages.finish(page, tmp_path)
    assert page.read_bytes() == once


def test_viewer_moves_to_a_file_beside_the_page(tmp_path, photograph):
    picture = b64encode(png(photograph)).decode()
    soup = finished(
        page_with(
            tmp_path,
            f'<figure class="brain-viewer"><img alt="x" src="data:image/png;base64,{picture}"/>'
            '<button data-srcdoc="&lt;p&gt;Brain&lt;/p&gt;">Open</button></figure>',
        ),
        tmp_path,
    )
    assert "data-srcdoc" not in soup.button.attrs
    folder = tmp_path / "notebooks"
    assert (folder / soup.button["data-src"]).read_text() == "<p>Brain</p>"
    assert (folder / soup.img["src"]).suffix == ".webp"


THEME_FAULTS = {
    "label over a text": ('<button aria-label="Find" title="Find">Search</button>', "button", {}),
    "tooltip as a name": (
        '<button title="Menu"><i class="fa-solid"></i></button>',
        "button",
        {"title": "Menu", "aria-label": "Menu"},
    ),
    "icon read aloud": (
        '<i class="fas fa-bars"></i>',
        "i",
        {"class": ["fas", "fa-bars"], "aria-hidden": "true"},
    ),
    "deprecated role": (
        '<div class="citation" role="doc-biblioentry">x</div>',
        "div",
        {"class": ["citation"], "role": "listitem"},
    ),
    "second h1": ('<div id="jb-print-docs-body"><h1>x</h1></div>', "p", {"class": "print-title"}),
    "same id in each exercise": ('<section id="exercise-content">x</section>', "section", {}),
}  # fmt: skip


@pytest.mark.parametrize(("body", "tag", "attributes"), THEME_FAULTS.values(), ids=THEME_FAULTS)
def test_fault_of_the_theme_is_mended(body, tag, attributes):
    soup = BeautifulSoup(body, "html.parser")
    finish_pages.mend_theme(soup)
    assert soup.find(tag).attrs == attributes
    assert soup.h1 is None


@pytest.mark.parametrize(
    "script",
    ['src="x/fontawesome.js?digest=1"', 'src="sphinx-thebe.js"', ">const THEBE_JS_URL = 'https://"],
)
def test_needless_scripts_go(script):
    soup = BeautifulSoup(
        f"<script {script}></script><script src='copybutton.js'></script>", "html.parser"
    )
    finish_pages.mend_theme(soup)
    assert [tag["src"] for tag in soup.find_all("script")] == ["copybutton.js"]


def test_examples_of_the_modules_run():
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    for module in (finish_pages, mathml, outside_links):
        assert doctest.testmod(module, optionflags=flags).failed == 0


@pytest.mark.parametrize(
    "tex",
    [
        r"v = u \cdot f + n",
        r"\log v \approx \log u + \log f",
        r"\hat\beta = (X^\top X)^{-1} X^\top y",
        r"\frac{2|A \cap B|}{|A| + |B|}",
        r"\sqrt{\sum_{i=1}^{N} (x_i - \bar{x})^2}",
        r"x \in \{0, 1\}",
        r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}",
        r"\begin{align*} a &= b \\ c &= d \end{align*}",
    ],
)
def test_formula_becomes_mathml(tex):
    markup = mathml.mathml(tex, "block")
    assert markup.startswith("<math ") and "\\" not in markup


@pytest.mark.parametrize(
    "tex", [r"\colour x", r"\begin{aligned} a &= b \end{aligned}", r"\left( x", r"a & b"]
)
def test_formula_that_would_come_out_wrong_is_refused(tex):
    with pytest.raises(ValueError, match="formula"):
        mathml.mathml(tex)
