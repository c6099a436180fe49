"""What can be fetched, and how: the catalogue of studies, their manifests and the downloader.

>>> import data_fetch
>>> data_fetch.names()
['abide-thickness', 'aomic', 'atlases', 'craving', 'mriqc', 'ms-longitudinal', 'pixar', 'rbc', ...]
"""

from data_fetch.catalogue import (
    SUBSETS,
    Dataset,
    Entry,
    dataset,
    human_size,
    manifest,
    names,
    select,
    total_size,
    unknown_name,
)
from data_fetch.download import ASK_ABOVE, Result, Verified, get, verify
from data_fetch.mirror import write_mirror
from data_fetch.storage import (
    ChecksumError,
    FetchError,
    StorageError,
)

__all__ = [
    "ASK_ABOVE",
    "SUBSETS",
    "ChecksumError",
    "Dataset",
    "Entry",
    "FetchError",
    "Result",
    "StorageError",
    "Verified",
    "dataset",
    "get",
    "human_size",
    "manifest",
    "names",
    "select",
    "total_size",
    "unknown_name",
    "verify",
    "write_mirror",
]
