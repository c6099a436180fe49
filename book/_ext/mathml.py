"""Sphinx extension: formulas become MathML while the book is built.

Every browser draws MathML by itself and screen readers read it aloud. MathJax, which Sphinx would
load instead, weighs more than half of what a page may: 264 kB of script and 70 kB of fonts.
"""

import re

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

LOGGER = logging.getLogger(__name__)
# What the converter leaves behind, as text, where it does not know a command or environment.
LEFT_OVER = (">\\", ">&#x00026;<", ">&amp;<", ">&<")

# TeX sets a thin space between a named function and its argument; the converter forgets it.
FUNCTION = re.compile(
    r"(<mi>(?:arg|cos|det|exp|ln|log|max|min|sin|tan)</mi>)(?=<m(?:i|row|sub|sup)>)"
)


def mathml(tex, display="inline"):
    r"""A formula as a ``<math>`` element.

    Parameters
    ----------
    tex : str
        TeX, without dollar signs.
    display : {"inline", "block"}

    Raises
    ------
    ValueError
        If the formula has a command or environment that the converter does not know.

    Examples
    --------
    >>> mathml("n")
    '<math ... display="inline"><mrow><mi>n</mi></mrow></math>'
    >>> "log</mi><mspace" in mathml(r"\log v")
    True
    >>> mathml(r"\colour n")
    Traceback (most recent call last):
    ValueError: formula \colour n: ...
    """
    try:
        markup = convert(tex, display=display)
    except Exception as error:
        raise ValueError(
            f"formula {tex}: not understood ({type(error).__name__}: {error})"
        ) from error
    if any(mark in markup for mark in LEFT_OVER):
        raise ValueError(
            f"formula {tex}: a command or environment is not known; use plain LaTeX and amsmath "
            "(align* instead of aligned)"
        )
    return FUNCTION.sub(r'\1<mspace width="0.167em"/>', markup)


def _markup(node, display):
    try:
        return mathml(node.astext(), display)
    except ValueError as error:
        LOGGER.warning(str(error), location=node)  # stops the build, which runs with -W
        return f"<code>{node.astext()}</code>"


def visit_math(self, node):
    """Write a formula in a line of text."""
    self.body.append(f'<span class="math">{_markup(node, "inline")}</span>')
    raise nodes.SkipNode


def visit_math_block(self, node):
    """Write a formula on a line of its own, with its number if it has one."""
    # Wide formulas scroll in their own box; a box that scrolls must be reachable by keyboard.
    self.body.append(self.starttag(node, "div", CLASS="math", tabindex="0"))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append(f"{_markup(node, 'block')}</div>\n")
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
