"""A mirror: a folder that `get` accepts in place of the publishers, for a USB stick or a room."""

from pathlib import Path

from data_fetch import catalogue, download, storage


def write_mirror(
    folder,
    names,
    subset="workshop",
    *,
    have=None,
    mirror=None,
    progress=None,
    each=None,
    jobs=download.JOBS,
    confirm=None,
    dry_run=False,
):
    """Write studies to a folder that ``--mirror`` accepts.

    A mirror has the files of each study at ``<folder>/<name>/<path>``. What is already right
    there stays; what is right on this machine is copied; the rest is fetched. When this returns,
    all of it has reached the disk: the stick can be pulled out.

    Parameters
    ----------
    folder : str or Path
        Made if need be.
    names : list of str
        Studies of the catalogue.
    subset : str
    have : callable, optional
        ``have(name)``: folder of the study on this machine, whether it is there or not.
    mirror, progress, each, jobs, confirm, dry_run
        As for `get`.

    Returns
    -------
    dict
        Name to `Result`; "fetched" has what was copied, too.

    Raises
    ------
    FetchError, ChecksumError, StorageError
        As for `get`.

    Examples
    --------
    >>> write_mirror("usb", ["aomik"])
    Traceback (most recent call last):
    data_fetch.storage.FetchError: Unknown study 'aomik'. Known: ... Did you mean 'aomic'?...
    """
    for name in names:
        catalogue.dataset(name)
    results = {}
    for name in names:
        study = Path(folder, name)
        results[name] = download.get(
            name,
            study,
            mirror=mirror,
            nearby=have and have(name),
            subset=subset,
            progress=progress,
            each=each,
            jobs=jobs,
            confirm=confirm,
            dry_run=dry_run,
        )
        fetched = results[name].fetched
        needed = catalogue.human_size(catalogue.total_size(fetched)[0])
        files = [catalogue.safe_path(study, entry.path) for entry in fetched]
        with storage.explained(study, needed):
            storage.flush(files)
    return results
