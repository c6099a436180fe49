"""Sphinx extension: how ``make linkcheck`` asks after links to other hosts.

Publishers refuse robots, so a DOI that works in a browser looks broken. The registry answers
whether the DOI exists.
"""

DOI = "https://doi.org/"
REGISTRY = "https://doi.org/api/handles/"


def ask_registry(app, uri):
    """Address to ask instead of `uri`, or None to ask `uri` itself: called by Sphinx.

    Examples
    --------
    >>> ask_registry(None, "https://doi.org/10.2307/1932409")
    'https://doi.org/api/handles/10.2307/1932409'
    >>> ask_registry(None, "https://nilearn.github.io")
    """
    if uri.startswith(DOI) and not uri.startswith(REGISTRY):
        return REGISTRY + uri.removeprefix(DOI)
    return None


def setup(app):
    app.connect("linkcheck-process-uri", ask_registry)
    return {"parallel_read_safe": True, "version": "1"}
