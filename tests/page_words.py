"""Rules on the words of an episode: terms are linked, delicate claims are cited."""

import re

import yaml

from mriworkbook.editions.blocks import normalise_lines, parse_blocks, read_options

SILENT = {"code", "comment", "label", "break", "heading", "verbatim"}
SPOKEN = {"admonition", "dropdown", "exercise", "important", "note", "tip", "warning"}
TERM = re.compile(r"\{term\}`(?:([^`<>]*)<([^`<>]+)>|([^`]+))`")
NOT_WORDS = re.compile(r"\{[\w:.+-]+\}`[^`]*`|`+[^`]+`+|\$[^$]+\$|\]\([^)]*\)|\{[\w:.+-]+\}")
OPEN, CLOSE = "\x02", "\x03"  # around what is linked


def read_terms(path):
    """Every term of the kept list with the other forms of it."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def read_claims(path):
    """Delicate claims: what they are about, and a pattern."""
    claims = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {claim["what"]: re.compile(claim["pattern"], re.IGNORECASE) for claim in claims}


def glossary_terms(text):
    """Terms that a glossary page defines."""
    return [
        line.strip()
        for block in parse_blocks(text)
        if block.kind == "directive" and block.name == "glossary"
        for line in read_options(block.body)[1].split("\n")
        if line.strip() and not line.startswith(" ")
    ]


def paragraphs(text, first=1):
    """Line and text of every paragraph, list item and table row that is read as prose.

    Code, headings, comments and front matter are left out; boxes and exercises are not.
    """
    lines = normalise_lines(text).split("\n")
    inside = []
    for block in parse_blocks(text):
        if block.kind == "directive" and block.name in SPOKEN:
            _, content, skipped = read_options(block.body)
            inside += paragraphs(content, first + block.start + 1 + skipped)
        if block.kind in SILENT or block.kind == "directive":
            lines[block.start : block.end] = [""] * (block.end - block.start)
    found, current = [], []
    for number, line in enumerate([*lines, ""], first):
        starts = re.match(r"\s*([-*+]|\d+[.)]|\|)(\s|$)", line)
        if current and (starts or not line.strip()):
            found.append((current[0][0], " ".join(part for _, part in current)))
            current = []
        if line.strip():
            current.append((number, line.strip()))
    return sorted(found + inside)


def words(paragraph):
    """A paragraph without code, formulas, addresses and roles; linked terms are marked."""

    def linked(match):
        shown, target, both = match.groups()
        return f"{OPEN}{both or f'{shown} {target}'}{CLOSE}"

    return NOT_WORDS.sub(" ", TERM.sub(linked, paragraph))


def check_terms(text, terms, file):
    """The first use of each term in the text is a link to the glossary."""
    problems, prose = [], [(line, words(part)) for line, part in paragraphs(text)]
    for term, others in terms.items():
        forms = sorted([term, *others], key=len, reverse=True)
        form = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, forms))})(?!\w)", re.IGNORECASE)
        uses = ((line, part, match) for line, part in prose for match in form.finditer(part))
        line, part, match = next(uses, (0, "", None))
        if match and part.rfind(OPEN, 0, match.start()) <= part.rfind(CLOSE, 0, match.start()):
            role = match[0] if match[0].lower() == term.lower() else f"{match[0]} <{term}>"
            problems.append(
                f"{file}, line {line}: first use of {match[0]!r} is not linked; "
                f"write {{term}}`{role}`"
            )
    return problems


def check_glossary(terms, defined):
    """The kept list and the glossary hold the same words, in the same order of the alphabet."""
    problems = [
        f"in terms.yml, not in the glossary: {term}" for term in terms if term not in defined
    ]
    problems += [
        f"in the glossary, not in terms.yml: {term}" for term in defined if term not in terms
    ]
    if list(defined) != sorted(defined, key=str.lower):
        problems.append("the glossary is not in alphabetical order")
    return problems


def check_claims(text, claims, file):
    """Every paragraph that touches a delicate claim cites a source."""
    return [
        f"{file}, line {line}: no citation for a claim often printed wrong ({what})"
        for line, part in paragraphs(text)
        for what, pattern in claims.items()
        if pattern.search(part) and "{cite" not in part
    ]
