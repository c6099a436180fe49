"""A warning that a cell writes to stderr fails the build, with the book's own settings."""

from io import StringIO

import nbformat
import pytest
import yaml
from page_html import ROOT
from sphinx.application import Sphinx


def warnings_of(folder, output):
    """What Sphinx warns of for a page with one cell that has this output."""
    cell = nbformat.v4.new_code_cell("1 + 1", outputs=[output])
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# Page"), cell], metadata=kernel
    )
    source = folder / "source"
    source.mkdir()
    nbformat.write(notebook, source / "index.ipynb")
    (source / "conf.py").write_text("")
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    settings = {
        "extensions": ["myst_nb"],
        "nb_execution_mode": "off",
        "nb_output_stderr": config["execute"]["stderr_output"],
    }
    heard = StringIO()
    app = Sphinx(
        source, source, folder / "out", folder / "trees", "html",
        confoverrides=settings, status=None, warning=heard,
    )  # fmt: skip
    app.build()
    return heard.getvalue()


@pytest.mark.parametrize(("stream", "warned"), [("stderr", True), ("stdout", False)])
def test_stderr_is_a_warning_and_so_an_error(tmp_path, stream, warned):
    output = nbformat.v4.new_output("stream", name=stream, text="Look out!\n")
    assert ("stderr was found" in warnings_of(tmp_path, output)) == warned


def test_every_build_command_treats_warnings_as_errors():
    recipe = (ROOT / "Makefile").read_text("utf-8")
    builds = [line for line in recipe.splitlines() if "jupyter-book build" in line]
    assert builds and all(" -W" in line for line in builds)
