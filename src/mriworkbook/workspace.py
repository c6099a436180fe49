"""The learner's own copies of the notebooks: list them, start them, never overwrite one."""

import difflib
import errno
import json
import os
import secrets
from importlib import resources
from pathlib import Path

# What file systems without hard links (memory sticks, some network drives) answer to `os.link`.
NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV, errno.EMLINK,
            errno.EINVAL}  # fmt: skip


class WorkspaceError(RuntimeError):
    """Notebooks cannot be copied; the message says why and what to type next."""


def find_notebooks():
    """Folder of the learner notebooks: in an installed package, else in the checkout.

    Returns
    -------
    Path or importlib.resources.abc.Traversable

    Raises
    ------
    WorkspaceError
        Neither is there.
    """
    packaged = resources.files("mriworkbook") / "_notebooks"
    if packaged.is_dir():
        return packaged
    checkout = Path(__file__).resolve().parents[2] / "notebooks"
    if checkout.is_dir():
        return checkout
    raise WorkspaceError(
        "this installation has no notebooks; type: pip install --force-reinstall mriworkbook"
    )


def _files(source):
    folder = find_notebooks() if source is None else Path(source)
    found = [f for f in folder.iterdir() if f.name.endswith(".ipynb") and f.name[0] != "."]
    return {f.name.removesuffix(".ipynb"): f for f in sorted(found, key=lambda f: f.name)}


def list_notebooks(source=None):
    """Learner notebooks that can be copied.

    Parameters
    ----------
    source : str or Path, optional
        Folder to look in; by default that of `find_notebooks`.

    Returns
    -------
    list of dict
        ``stem``, ``title`` and ``minutes`` (``teaching`` and ``exercises``), in the order of the
        stems.
    """
    listed = []
    for stem, file in _files(source).items():
        about = json.loads(file.read_text(encoding="utf-8"))["metadata"]["mriworkbook"]
        listed.append({"stem": stem, "title": about["title"], "minutes": about["minutes"]})
    return listed


def copy_notebooks(target, names=None, source=None):
    """Copy learner notebooks into a folder of the learner's, overwriting nothing.

    Parameters
    ----------
    target : str or Path
        Folder to copy to; made if only it is missing.
    names : iterable of str, optional
        Stems to copy, with or without ``.ipynb``; all by default.
    source : str or Path, optional
        As in `list_notebooks`.

    Returns
    -------
    copied : list of Path
        New files.
    kept : list of Path
        Files that were there already and were left as they are.

    Raises
    ------
    WorkspaceError
        A name is unknown, or the target cannot be written to. Files copied before stay; none is
        left half-written, not even after Ctrl-C.
    """
    files = _choose(_files(source), names)
    target = Path(target)
    _make_folder(target)
    copied, kept = [], []
    for stem, file in files.items():
        path = target / f"{stem}.ipynb"
        try:
            new = not os.path.lexists(path) and _write_new(path, file.read_bytes())
        except OSError as error:
            raise WorkspaceError(
                f"cannot write {path}: {error.strerror or error}; choose a folder of your own "
                "with free space"
            ) from error
        (copied if new else kept).append(path)
    return copied, kept


def _choose(files, names):
    if names is None:
        return files
    stems = [str(name).removesuffix(".ipynb") for name in names]
    for stem in stems:
        if stem not in files:
            close = difflib.get_close_matches(stem, files, n=1, cutoff=0.4)
            meant = f"did you mean {close[0]}?" if close else f"there are: {', '.join(files)}"
            raise WorkspaceError(f"there is no notebook {stem!r}; {meant}")
    return {stem: files[stem] for stem in stems}


def _make_folder(target):
    if target.is_dir():
        return
    if os.path.lexists(target):
        raise WorkspaceError(f"{target} is a file, not a folder; name another folder")
    if not target.parent.is_dir():
        raise WorkspaceError(
            f"cannot make {target}: the folder {target.parent} does not exist; check its spelling "
            "or make it first"
        )
    try:
        target.mkdir(exist_ok=True)
    except OSError as error:
        raise WorkspaceError(
            f"cannot make the folder {target}: {error.strerror or error}; choose a folder of your "
            "own, e.g. one below your home folder"
        ) from error


def _write_new(path, data):
    """Write `data` to `path` unless something is there; say whether it was written."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_bytes(data)
        # A link fails where the name is taken, also by a file that came a moment ago; renaming
        # would replace that file.
        os.link(part, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        return _write_exclusively(path, data)
    finally:
        part.unlink(missing_ok=True)
    return True


def _write_exclusively(path, data):
    try:
        stream = path.open("xb")
    except FileExistsError:
        return False
    try:
        with stream:
            stream.write(data)
    except BaseException:  # Ctrl-C included: the half-written file is ours to remove
        path.unlink(missing_ok=True)
        raise
    return True
