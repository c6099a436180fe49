"""Sphinx extension: the last touches to each page, after the theme has written it.

Figures become light, viewers move into files of their own that load on a click, and faults of the
theme that would keep somebody out are mended. Works on the written HTML, so that readers without
scripts have the result too, and doing it twice changes nothing.
"""

import re
from base64 import b64decode
from hashlib import sha256
from io import BytesIO
from os.path import relpath
from pathlib import Path

from bs4 import BeautifulSoup
from PIL import Image

#: Scripts that no page needs. `thebe` loads from another host, and Font Awesome's script (0.5 MB
#: gzipped) draws the icons that its fonts, which are loaded in any case, draw as well.
NEEDLESS_SCRIPTS = re.compile(r"thebe|THEBE|fontawesome\.js|ethicalads")
QUALITY = 75  # of lossy WebP; 80 is no better to the eye and a seventh heavier
VIEWERS = "_viewers"


def write_webp(path):
    """Write a PNG as WebP beside it, lossy or lossless, whichever is smaller.

    Parameters
    ----------
    path : Path
        An image of any mode; flattened on white where it is transparent.

    Returns
    -------
    Path, (int, int)
        The new file, and width and height in pixels.
    """
    target = path.with_suffix(".webp")
    with Image.open(path) as opened:
        picture = opened.convert("RGBA")
    flat = Image.new("RGB", picture.size, "white")
    flat.paste(picture, mask=picture.getchannel("A"))
    drafts = []
    for options in ({"quality": QUALITY}, {"lossless": True, "quality": 75}):
        draft = BytesIO()
        flat.save(draft, "WEBP", **options)
        drafts.append(draft.getvalue())
    target.write_bytes(min(drafts, key=len))
    return target, picture.size


def lighten_figures(soup, page):
    """Point each output's image to a WebP, with its size (no jumps) and loaded when it is near."""
    for tag in soup.select(".cell_output img[src], figure.brain-viewer img[src]"):
        source = (page.parent / tag["src"]).resolve()
        if source.suffix == ".png" and source.is_file():
            target, (width, height) = write_webp(source)
            tag["src"] = tag["src"].removesuffix(".png") + target.suffix
            tag["width"], tag["height"] = width, height
        tag["loading"] = "lazy"


def move_viewers(soup, page, root):
    """Write what a viewer's button and picture carry inline into files beside the page."""
    for button in soup.select("button[data-srcdoc]"):
        button["data-src"] = _keep(button["data-srcdoc"].encode(), ".html", page, root)
        del button["data-srcdoc"]
    for picture in soup.select("figure.brain-viewer img[src^='data:image/png;base64,']"):
        data = b64decode(picture["src"].partition(",")[2])
        picture["src"] = _keep(data, ".png", page, root)


def _keep(data, suffix, page, root):
    path = root / VIEWERS / (sha256(data).hexdigest()[:16] + suffix)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return relpath(path, page.parent)


def mend_theme(soup):
    """Mend what the theme gets wrong for keyboards, screen readers and small lines."""
    for script in soup.find_all("script"):
        if NEEDLESS_SCRIPTS.search(script.get("src", "") + (script.string or "")):
            script.decompose()
    # A label over a text that reads otherwise: voice control users say what they see.
    for button in soup.select("button[aria-label], summary[aria-label]"):
        if button.get_text(strip=True):
            del button["aria-label"]
            del button["title"]
    for hint in soup.select("kbd, .search-button__kbd-shortcut"):
        hint["aria-hidden"] = "true"
    # A tooltip alone names nothing for a screen reader.
    for control in soup.select("button[title]:not([aria-label]), a[title]:not([aria-label])"):
        if not control.get_text(strip=True):
            control["aria-label"] = control["title"]
    for icon in soup.select("i[class*=fa-], span.fa-solid"):
        icon["aria-hidden"] = "true"
    # The bibliography's entries have a role that no longer exists, so its list has no items.
    for entry in soup.select("div.citation[role=doc-biblioentry]"):
        entry["role"] = "listitem"
    # The title for print is a second h1 to everyone who does not see the page.
    for title in soup.select("#jb-print-docs-body h1"):
        title.name = "p"
        title["class"] = "print-title"
    # Every exercise and solution has the same id.
    for section in soup.select("[id=exercise-content], [id=solution-content]"):
        del section["id"]
    # Each page names the viewport three times.
    for extra in soup.select("meta[name=viewport]")[1:]:
        extra.decompose()


def finish(page, root):
    """Finish one written page; `root` is the folder that the site is served from."""
    before = page.read_text(encoding="utf-8")
    soup = BeautifulSoup(before, "html.parser")
    move_viewers(soup, page, root)
    lighten_figures(soup, page)
    mend_theme(soup)
    after = str(soup)
    if after != before:
        page.write_text(after, encoding="utf-8")


def finish_all(app, error):
    """Called by Sphinx when every page is written."""
    if error is not None or app.builder.format != "html":
        return
    root = Path(app.outdir)
    for name in [*app.env.found_docs, "search", "genindex"]:
        finish(root / f"{name}.html", root)
    for folder in ("_images", VIEWERS):
        for png in (root / folder).glob("*.png"):
            if png.with_suffix(".webp").exists():
                png.unlink()


def setup(app):
    app.connect("build-finished", finish_all)
    return {"parallel_read_safe": True, "version": "1"}
