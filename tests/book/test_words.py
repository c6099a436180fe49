"""Terms are linked where they are first used; claims that are often wrong have a citation."""

import pytest
from page_html import ROOT
from page_words import (
    check_claims,
    check_glossary,
    check_terms,
    glossary_terms,
    paragraphs,
    read_claims,
    read_terms,
)

SOURCES = sorted((ROOT / "notebooks").glob("*.md"))
PAGES = [*SOURCES, *sorted((ROOT / "book").glob("*.md"))]
TERMS = read_terms(ROOT / "book" / "terms.yml")
CLAIMS = read_claims(ROOT / "book" / "claims.yml")
named = {"ids": lambda path: path.stem}


def test_glossary_and_kept_list_agree():
    defined = glossary_terms((ROOT / "book" / "glossary.md").read_text("utf-8"))
    problems = check_glossary(TERMS, defined)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("source", SOURCES, **named)
def test_terms_are_linked_at_first_use(source):
    problems = check_terms(source.read_text("utf-8"), TERMS, source.name)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("source", PAGES, **named)
def test_delicate_claims_are_cited(source):
    problems = check_claims(source.read_text("utf-8"), CLAIMS, source.name)
    assert not problems, "\n".join(problems)


PLAIN = "# Page\n\nThe bias field is smooth.\n\nA {term}`bias field` again.\n"
LINKED = "# The bias field\n\nThe {term}`bias field` is smooth. A bias field multiplies.\n"
OTHER_FORM = "{term}`Shading <bias field>` is smooth. Bias fields multiply.\n"
IN_CODE = (
    "```{code-cell}\n# bias field\n```\n\nCall `bias field`, $bias field$ or [x](bias field).\n"
)
IN_BOX = "```{exercise} What?\n:label: x\n\nThe bias field is what?\n```\n"


@pytest.mark.parametrize(
    ("text", "line"), [(PLAIN, 3), (LINKED, None), (OTHER_FORM, None), (IN_CODE, None), (IN_BOX, 4)]
)
def test_term_lint(text, line):
    problems = check_terms(text, {"bias field": ["bias fields"]}, "x.md")
    assert len(problems) == (line is not None)
    assert line is None or f"line {line}:" in problems[0]


def test_term_lint_says_what_to_write():
    (problem,) = check_terms("Bias fields vary.\n", {"bias field": ["bias fields"]}, "x.md")
    assert "{term}`Bias fields <bias field>`" in problem


@pytest.mark.parametrize(
    ("terms", "defined", "says"),
    [
        ({"a": [], "b": []}, ["a"], "not in the glossary: b"),
        ({"a": []}, ["a", "b"], "not in terms.yml: b"),
        ({"a": [], "b": []}, ["b", "a"], "alphabetical"),
    ],
)
def test_glossary_lint(terms, defined, says):
    (problem,) = check_glossary(terms, defined)
    assert says in problem


# A sentence for each claim of the kept list: a pattern that finds nothing guards nothing.
SENTENCES = [
    "Only the transverse magnetisation induces signal.",
    "Spins dephase, so dephasing is not recovery.",
    "MPRAGE weights by TI, with a TR near two seconds.",
    "TR sets how much T1 counts, TE how much T2 counts.",
    "The T2 of fluid is about 2 s.",
    "FLAIR is often used instead of PD.",
    "SNR grows with the field strength.",
    "A gradient echo is more sensitive to susceptibility.",
    "The higher the field strength, the stronger the shading.",
    "Magnitude images have Rician noise.",
    "N4 works on the logarithm of the image.",
    "FreeSurfer 6 makes nu.mgz with N3.",
    "FLIRT uses 12 parameters by default.",
    "Lesion filling happens before.",
    "RBC calls a run bad below its limit of 0.8.",
    "Smooth with a FWHM of 6 mm.",
    "With modulation, add TIV.",
    "Motion lowers the volume of grey matter.",
    "Report QC-FC.",
]


def test_every_claim_has_a_sentence():
    assert len(SENTENCES) == len(CLAIMS)


@pytest.mark.parametrize(
    ("what", "sentence"), list(zip(CLAIMS, SENTENCES, strict=False)), ids=SENTENCES
)
def test_claim_lint(what, sentence):
    claim = {what: CLAIMS[what]}
    assert check_claims(f"# Page\n\n{sentence}\n", claim, "x.md")
    assert not check_claims(f"# Page\n\n{sentence} {{cite:p}}`a1999b`\n", claim, "x.md")
    other = f"# Page\n\n{sentence}\n\nSomething else {{cite:p}}`a1999b`.\n"
    assert check_claims(other, claim, "x.md"), "a citation elsewhere does not count"


def test_paragraphs_know_their_lines():
    text = "---\na: b\n---\n# Title\n\nOne\ntwo.\n\n- three\n- four\n\n:::{note}\nFive.\n:::\n"
    assert paragraphs(text) == [(6, "One two."), (9, "- three"), (10, "- four"), (13, "Five.")]
