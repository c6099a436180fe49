"""One MyST source, three editions: book page, learner notebook, instructor notebook.

The book's Sphinx extension reads headers from here and drops instructor notes; the learner
notebook beside each source and the instructor notebooks are generated.
"""

from .blocks import SourceError, strip_instructor_notes
from .generate import build, check_in_sync, instructor, learner, write_learner
from .markdown import Place, translate
from .rules import find_problems
from .site import BOOK_URL, Site
from .source import header_markdown, key_points_markdown, read_front_matter, read_source

__all__ = [
    "BOOK_URL",
    "Place",
    "Site",
    "SourceError",
    "build",
    "check_in_sync",
    "find_problems",
    "header_markdown",
    "instructor",
    "key_points_markdown",
    "learner",
    "read_front_matter",
    "read_source",
    "strip_instructor_notes",
    "translate",
    "write_learner",
]
