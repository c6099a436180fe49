"""pybids layouts, indexed once and again when files change."""

import hashlib
import os
import shutil
import time
import uuid
import warnings

# Seconds after which an index that no longer fits its study is thrown away.
OUTDATED = 86400
PREFIX = "layout-"


def bids_layout(root, derivatives, cache):
    """Index a BIDS dataset with its derivatives, or read the index made before.

    Indexing a real study takes pybids seconds to minutes, reading the index a fraction of that.
    The index is an SQLite database (pybids' `database_path`) in a folder named after the state of
    the files: their paths, sizes and times. It is made under another name and then renamed, so
    two kernels at once, or one that is killed, leave it whole. Where `cache` cannot be written,
    the index is kept in memory.

    Parameters
    ----------
    root : Path
        Of the raw dataset.
    derivatives : list of Path
        Of derivative datasets; those without a ``dataset_description.json`` are left out, for
        pybids could not read them.
    cache : Path
        Folder for the index.

    Returns
    -------
    bids.layout.BIDSLayout
    """
    derivatives = [path for path in derivatives if (path / "dataset_description.json").is_file()]
    index = cache / f"{PREFIX}{_state(root, derivatives)}"
    if not index.is_dir():
        making = index.with_name(f".{index.name}-{uuid.uuid4().hex}")
        try:
            making.mkdir(parents=True)
        except OSError:
            return _layout(root, derivatives, None)
        try:
            # Indexed in memory and then written: pybids takes three times as long on a disk.
            _layout(root, derivatives, None).save(making, replace_connection=False)
            _settle(making, index)
        finally:
            shutil.rmtree(making, ignore_errors=True)
        _remove_outdated(cache, index)
    return _layout(root, derivatives, index)


def _layout(root, derivatives, database):
    # Imported here: pybids takes long, and paths alone do not need it.
    from bids.layout import BIDSLayout

    with warnings.catch_warnings():
        # AOMIC was preprocessed before BIDS 1.4 renamed this field; it is as released.
        warnings.filterwarnings("ignore", message="The PipelineDescription field was superse")
        return BIDSLayout(root, derivatives=derivatives or None, database_path=database)


def _state(root, derivatives):
    """Hash of what an index depends on."""
    from importlib import metadata

    total = hashlib.sha256(metadata.version("pybids").encode())
    for place in (root, *derivatives):
        total.update(str(place).encode())
    for folder, folders, files in os.walk(root, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            # Not followed: a link may lead nowhere, where a study's files were not fetched.
            status = os.lstat(f"{folder}/{name}")
            total.update(f"{folder}/{name}\0{status.st_size}\0{status.st_mtime_ns}".encode())
    return total.hexdigest()[:16]


def _settle(making, index):
    try:
        making.rename(index)
    except OSError:
        # Another kernel was first; its index is of the same files.
        if not index.is_dir():
            raise


def _remove_outdated(cache, index):
    # Not at once: another kernel may still read the index of a moment ago.
    for old in cache.glob(f"*{PREFIX}*"):
        if old != index and time.time() - old.stat().st_mtime > OUTDATED:
            shutil.rmtree(old, ignore_errors=True)
