"""MyST Markdown becomes plain Markdown, and plain Markdown stays as it is."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mriworkbook.editions import BOOK_URL, Place, Site, SourceError, translate

SAMPLE = Path(__file__).parent / "notebooks" / "sample"
PAGE = f"{BOOK_URL}/notebooks/demo-01-shading.html"
PLACE = Place("demo.md", "notebooks/demo-01-shading", Site(SAMPLE))

GOOD = {
    "{term}`bias field`": f"[bias field]({BOOK_URL}/book/glossary.html#term-Bias-field)",
    "{term}`shade <bias field>`": f"[shade]({BOOK_URL}/book/glossary.html#term-Bias-field)",
    "{ref}`shading`": f"[Shading and noise]({PAGE}#shading)",
    "{ref}`here <shading>`": f"[here]({PAGE}#shading)",
    "{ref}`demo-01-undo`": f"[Undo a known field]({PAGE}#demo-01-undo)",
    "{numref}`Figure %s <fig-shading>`": f"[Figure]({PAGE}#fig-shading)",
    "{numref}`fig-shading`": f"[on the book page]({PAGE}#fig-shading)",
    "{doc}`demo-02-masks`": f"[Brain masks]({BOOK_URL}/notebooks/demo-02-masks.html)",
    "{doc}`/notebooks/demo-02-masks`": f"[Brain masks]({BOOK_URL}/notebooks/demo-02-masks.html)",
    "{doc}`words <../book/glossary>`": f"[words]({BOOK_URL}/book/glossary.html)",
    "{cite}`sled1998`": "(Sled et al., 1998)",
    "{cite:p}`sled1998, ashburner2005`": "(Sled et al., 1998; Ashburner and Friston, 2005)",
    "{cite:t}`ashburner2005`": "Ashburner and Friston (2005)",
    "{math}`a_1 + b`": "$a_1 + b$",
    "{abbr}`FOV (field of view)`": "FOV (field of view)",
    "[](demo-02-masks.md)": f"[Brain masks]({BOOK_URL}/notebooks/demo-02-masks.html)",
    "[the `mask`](demo-02-masks.md#x)": f"[the `mask`]({BOOK_URL}/notebooks/demo-02-masks.html#x)",
    "[](#shading)": f"[Shading and noise]({PAGE}#shading)",
    "![a head](pictures/head.png)": f"[Figure on the book page: a head]({PAGE})",
    "(label)=\n# Title": "# Title",
    "a\n\n% covers: S2.3\n\nb": "a\n\nb",
    ":::{note}\nOne\n:::": "> **Note**\n>\n> One",
    "```{tip} One\nTwo\n```": "> **Tip**\n>\n> One\n> Two",
    ":::{admonition} In practice\n:class: tip\nOne\n:::": "> **In practice**\n>\n> One",
    ":::{dropdown} More\nOne\n:::": "> **More**\n>\n> One",
    "```{math}\n:label: eq\nx = 1\n```": "$$\nx = 1\n$$",
    ":::{instructor-note}\nSecret\n:::": "",
    "- a\n  ```{tip}\n  Look\n  ```\n- b": "- a\n  > **Tip**\n  >\n  > Look\n- b",
    "1. ```{tip}\n   Look\n   ```\n2. b": "1. > **Tip**\n   >\n   > Look\n2. b",
    "[^1]: a\n\n    :::{tip}\n    b\n    :::\nc": "[^1]: a\n\n    > **Tip**\n    >\n    > b\nc",
    "> :::{tip}\n> Look\n> :::": "> > **Tip**\n> >\n> > Look",
    "::::{note}\n:::{tip}\nIn\n:::\nOut\n::::": "> **Note**\n>\n> > **Tip**\n> >\n> > In\n> Out",
    "```{image} https://x.org/a.png\n:alt: A\n```": "![A](https://x.org/a.png)",
    "text[^1]\n\n[^1]: see {cite:t}`sled1998`": "text[^1]\n\n[^1]: see Sled et al. (1998)",
    "| a |\n|---|\n| {math}`x` |": "| a |\n|---|\n| $x$ |",
}  # fmt: skip

UNCHANGED = [
    "`{term}` and ``{term}`x` `` are code",
    "```python\n{ref}`x`\n:::{note}\n% not a comment\n(label)=\n```",
    "~~~\n```{unknown}\n```\n~~~",
    "    {ref}`indented code`",
    "\\{term}`x`",
    "$$\n% TeX comment\n\\text{a}\n$$",
    "{term} alone, 100 % sure, {a: 1}",
    "[link](https://example.org/a.md) ![i](https://example.org/i.png)",
    "```\nnever closed {ref}`x`",
    "a `[code](x.md)` b",
]

BAD = {
    ":::{toctree}\nx\n:::": "line 12: {toctree} has no plain Markdown",
    "{download}`x`": "line 12: the role {download} has no plain Markdown",
    "a\n\nb {eq}`x`": "line 14: the role {eq}",
    ":::{note}\n\n{eq}`x`\n:::": "line 14: the role {eq}",
    "{ref}`nowhere`": "no page has the label 'nowhere'",
    "{doc}`nowhere`": "there is no page 'nowhere'",
    "[x](nowhere.md)": "there is no page 'nowhere.md'",
    "{term}`nothing`": "the glossary has no 'nothing'",
    "{cite:p}`nobody2000`": "has no 'nobody2000'",
    ":::{note}\nopen": "{note} is never closed",
    "text\n\n:::\nx\n:::": "line 14: ::: without a directive",
    "$$\nx\n$$ (eq-x)": "a labelled equation",
    ":::{choices} demo-01-nothing\n:::": "no quiz has the label 'demo-01-nothing'",
    ":::{note}\n```{solution-start} x\n```\n:::": "{solution-start} has no plain Markdown",
}


@pytest.mark.parametrize("text", GOOD)
def test_translation(text):
    assert translate(text, PLACE) == GOOD[text]


@pytest.mark.parametrize("text", UNCHANGED)
def test_plain_text_is_untouched(text):
    assert translate(text, PLACE) == text


@pytest.mark.parametrize("text", BAD)
def test_untranslatable_names_file_and_line(text):
    with pytest.raises(SourceError, match=re.escape(BAD[text])) as caught:
        translate(text, Place("demo.md", "notebooks/demo-01-shading", Site(SAMPLE), line=12))
    assert str(caught.value).startswith("demo.md, line ")


def test_missing_bibliography_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"no references\.bib under book/"):
        translate("{cite}`a`", Place("demo.md", "notebooks/demo", Site(tmp_path)))


def test_accents_of_references(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "references.bib").write_text(
        '@article{g, author = {M{\\"u}ller, A. and {van der Kouwe}, A.}, year = 2008, title={x}}'
    )
    text = translate("{cite:t}`g`", Place("demo.md", "notebooks/demo", Site(tmp_path)))
    assert text == "Müller and van der Kouwe (2008)"


WORDS = st.text("ab `*_[]()<>#-{}$\\|1.!&\"'", max_size=12)
PLAIN_LINES = st.one_of(
    WORDS,
    st.sampled_from(["", "```", "~~~", "```python", "    code", "> quote", "- item", "1. one",
                     "| a | b |", "|---|---|", "# Title", "[^1]: note", "<div>", "***"]),
)  # fmt: skip
MYST_LINES = st.one_of(PLAIN_LINES, st.sampled_from(list(GOOD)))


def is_plain(text):
    """Whether no construct that MyST would read can arise in a random text."""
    return not re.search(r"\}`|\]\(|^ *>?[ >]*\(.*\)=|\$\$.*\(", text, re.MULTILINE)


@settings(max_examples=400, deadline=None)
@given(st.lists(PLAIN_LINES, max_size=12).map("\n".join).filter(is_plain))
def test_plain_markdown_passes_unchanged(text):
    assert translate(text, PLACE) == text


@settings(max_examples=400, deadline=None)
@given(st.lists(MYST_LINES, max_size=8).map("\n\n".join))
def test_translation_is_idempotent(text):
    try:
        once = translate(text, PLACE)
    except SourceError:
        return
    assert translate(once, PLACE) == once
