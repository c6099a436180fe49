"""nilearn's and TemplateFlow's own fetchers, writing to the places that the catalogue uses.

The catalogue's folders are what these libraries expect (`data_dir` of nilearn, TEMPLATEFLOW_HOME),
so notebook cells call them as usual and find everything there. Here they are the other way to
*get* the files, for when a publisher's interface tells no checksums: they check none.
"""

import os
import subprocess
import sys
from pathlib import Path

from data_fetch import catalogue
from data_fetch.storage import FetchError

PEOPLE = {"mini": 1, "workshop": 20}
# What is wanted of TemplateFlow, as its `get` takes it.
TEMPLATES = [
    {"suffix": "T1w", "desc": None},
    {"suffix": "mask", "desc": "brain"},
]
_GET_TEMPLATES = f"""
from templateflow import api
for wanted in {TEMPLATES!r}:
    for resolution in (1, 2):
        api.get("MNI152NLin2009cAsym", resolution=resolution, **wanted)
"""


def fetch(name, folder, subset="mini"):
    """Let the library whose data they are fetch them, unchecked.

    Parameters
    ----------
    name : {"atlases", "pixar", "templateflow"}
    folder : str or Path
        The study's folder.
    subset : str
        Of the atlases: a part, or "mini" for all of them.

    Raises
    ------
    FetchError
        If no library has a fetcher for this study or subset, or it fails.

    Examples
    --------
    >>> fetch("rbc", "folder")
    Traceback (most recent call last):
    data_fetch.storage.FetchError: No library fetches 'rbc'. Known: atlases, pixar, templateflow.
    """
    fetchers = {"atlases": _atlases, "pixar": _pixar, "templateflow": _templateflow}
    if name not in fetchers:
        raise FetchError(f"No library fetches {name!r}. Known: {', '.join(fetchers)}.")
    Path(folder).mkdir(parents=True, exist_ok=True)
    try:
        fetchers[name](Path(folder), subset)
    except OSError as error:
        # nilearn's errors of the network are kinds of OSError.
        raise FetchError(f"The library's own fetcher of {name} fails: {error}") from error


def _pixar(folder, subset):
    from nilearn import datasets

    if subset not in PEOPLE:
        raise FetchError(catalogue.unknown_name(subset, list(PEOPLE), "subset of nilearn's"))
    datasets.fetch_development_fmri(n_subjects=PEOPLE[subset], data_dir=folder, verbose=0)


def _atlases(folder, subset):
    from nilearn import datasets

    calls = {
        "yeo2011": [(datasets.fetch_atlas_yeo_2011, {})],
        "aal": [(datasets.fetch_atlas_aal, {"version": "SPM12"})],
        "harvard-oxford": [
            (datasets.fetch_atlas_harvard_oxford, {"atlas_name": name})
            for name in ("cort-maxprob-thr25-2mm", "sub-maxprob-thr25-2mm")
        ],
        "destrieux": [(datasets.fetch_atlas_surf_destrieux, {})],
    }
    if subset != "mini" and subset not in calls:
        raise FetchError(catalogue.unknown_name(subset, ["mini", *calls], "subset of nilearn's"))
    for part in calls if subset == "mini" else [subset]:
        for call, options in calls[part]:
            call(data_dir=folder, verbose=0, **options)


def _templateflow(folder, subset):
    # Another process, because the library reads its folder from the environment on import.
    environment = {**os.environ, "TEMPLATEFLOW_HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", _GET_TEMPLATES],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if "No module named 'templateflow'" in done.stderr:
        raise FetchError("templateflow is not installed. Type: pip install templateflow")
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no words"]
        raise FetchError(f"templateflow fails: {last[0]}")
