"""What every page must pass as written HTML; each check returns problems in words."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[1]
BUILT = ROOT / "_build" / "html"
SOURCES = ("_config.yml", "_toc.yml", "notebooks/*.md", "book/**/*")

SHORTEST_ALT = 20
A_PATH = re.compile(r"\.(png|webp|jpe?g|svg|gif)$|^[\w./-]*/[\w./-]*$", re.IGNORECASE)
ADDRESSES = {"a": "href", "link": "href", "img": "src", "script": "src", "iframe": "src"}


def read_page(path):
    """Parsed HTML of a page."""
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def site_pages(root):
    """Every page that a reader can open, as a path below `root`; redirects and viewers are none."""
    pages = sorted(root.glob("*.html")) + sorted(root.glob("book/*.html"))
    pages += sorted(root.glob("notebooks/*.html"))
    return [path.relative_to(root).as_posix() for path in pages if read_page(path).select("main")]


def check_alt(soup):
    """Every image has a text; that of an output says, in 20 characters or more, what to see."""
    problems = []
    for image in soup.select("img"):
        alt, where = image.get("alt"), f"{image.get('src', '')[:60]}"
        output = image.find_parent(class_="cell_output") or image.find_parent(class_="brain-viewer")
        if alt is None:
            problems.append(f"{where}: no alt; decorative images have alt=''")
        elif A_PATH.search(alt.strip()):
            problems.append(f"{where}: alt is a path, not a text: {alt!r}")
        elif output and len(alt.strip()) < SHORTEST_ALT:
            problems.append(
                f"{where}: alt {alt!r} says too little; {SHORTEST_ALT} characters or more"
            )
    return problems


def check_outputs(soup):
    """No output is a warning or an error."""
    spots = soup.select(".output.stderr, .output.traceback")
    return [f"stderr or an error on the page: {spot.get_text()[:120]!r}" for spot in spots]


def check_frames(soup):
    """Every frame has a title."""
    return [f"iframe without title: {frame}" for frame in soup.select("iframe:not([title])")]


@cache
def anchors(path):
    """Every place of a page that a link may lead to."""
    soup = read_page(path)
    return {tag["id"] for tag in soup.select("[id]")} | {
        tag["name"] for tag in soup.select("a[name]")
    }


def check_links(page, root):
    """Links to pages, files, anchors and footnotes of the site lead somewhere."""
    problems, soup = [], read_page(page)
    for tag in soup.select(",".join(ADDRESSES)):
        address = tag.get(ADDRESSES[tag.name])
        if address is None:
            continue
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page.resolve()
        if not target.is_relative_to(root.resolve()) or not target.is_file():
            problems.append(f"no such file: {address}")
        elif parts.fragment and tag.name == "a" and unquote(parts.fragment) not in anchors(target):
            problems.append(f"no such place: {address}")
    return problems


def check_ids(soup):
    """No id stands twice on a page: links and labels would lead to the wrong one."""
    seen = [tag["id"] for tag in soup.select("[id]")]
    return [f"id twice: {name}" for name in sorted({name for name in seen if seen.count(name) > 1})]


def not_ready(root, built):
    """Why a built book cannot be tested: it is missing, or older than a source. None if it can."""
    index = built / "searchindex.js"
    if not index.is_file():
        return f"no book in {built}"
    for pattern in SOURCES:
        for source in root.glob(pattern):
            own = source.is_file() and "__pycache__" not in source.parts
            if own and source.stat().st_mtime > index.stat().st_mtime:
                return f"the book is older than {source.relative_to(root)}"
    return None
