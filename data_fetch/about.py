"""What is written beside the data: licence, terms, citation, and descriptions that BIDS needs."""

import json
from pathlib import Path

from data_fetch import catalogue

ABOUT = Path(".mriworkbook", "ABOUT.txt")


def text(name):
    """Licence, terms, citation and sources of a study, in a few lines.

    Parameters
    ----------
    name : str
        A study of the catalogue.

    Returns
    -------
    str

    Examples
    --------
    >>> print(text("aomic").splitlines()[1])
    Licence: CC0
    """
    about = catalogue.dataset(name)
    return "\n".join(
        [
            about.title,
            f"Licence: {about.licence}",
            f"Terms: {about.terms}",
            *(f"Cite: {paper}" for paper in about.citation.split(" - ")),
            f"Homepage: {about.homepage}",
            *(f"Source: {source}" for source in about.sources),
        ]
    )


def write(name, folder):
    """Write `text` beside a study, and descriptions of datasets whose source has none.

    BIDS asks for a ``dataset_description.json`` in a dataset and in its derivatives; some are
    spread without. What a source has is never replaced.

    Parameters
    ----------
    name : str
        A study of the catalogue.
    folder : str or Path
        The study's folder.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write("aomic", folder)
    >>> sorted(path.name for path in folder.rglob("*"))
    ['.mriworkbook', 'ABOUT.txt']
    """
    folder = Path(folder)
    path = folder / ABOUT
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text(name)}\n", encoding="utf-8")
    for place, description in catalogue.dataset(name).descriptions.items():
        path = folder / place / "dataset_description.json"
        if path.parent.is_dir() and not path.exists():
            path.write_text(f"{json.dumps(description, indent=2)}\n", encoding="utf-8")
