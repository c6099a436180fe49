"""`make linkcheck` finds dead links to other hosts; here the other host is this machine."""

import json

import pytest
import yaml
from page_html import ROOT
from sphinx.application import Sphinx


@pytest.fixture
def checked(tmp_path, served):
    """Results of the book's own settings, by address, for a page with a good and a dead link."""
    base, _ = served
    (tmp_path / "alive.html").write_text("<h1>Here</h1>")
    source = tmp_path / "source"
    source.mkdir()
    links = [f"{base}/alive.html", f"{base}/dead.html"]
    (source / "index.md").write_text("# Page\n\n" + "\n\n".join(f"<{link}>" for link in links))
    (source / "conf.py").write_text("")
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["sphinx"]["config"]
    settings = {key: value for key, value in config.items() if key.startswith("linkcheck_")}
    app = Sphinx(
        source, source, tmp_path / "out", tmp_path / "trees", "linkcheck",
        confoverrides={"extensions": ["myst_parser"], **settings}, status=None, warning=None,
    )  # fmt: skip
    app.build()
    lines = (tmp_path / "out" / "output.json").read_text().splitlines()
    found = {entry["uri"].rsplit("/")[-1]: entry["status"] for entry in map(json.loads, lines)}
    return found, app.statuscode


def test_dead_link_is_found_and_fails_the_command(checked):
    found, status = checked
    assert found == {"alive.html": "working", "dead.html": "broken"}
    assert status != 0
