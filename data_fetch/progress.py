"""How far a download is: bars in a terminal and in a notebook, two lines in a log, or nothing."""

import contextlib
import os
import sys
import time

from data_fetch.catalogue import human_size


@contextlib.contextmanager
def bars(title, stream=None):
    """Show bytes, rate and time left, of all files together and of those under way.

    In a terminal with rich, in a notebook with tqdm. Where nothing can be overwritten (a log
    file) only the start and the end are written, and nothing at all where the environment has
    ``MRIWORKBOOK_QUIET=1``. All of it goes to standard output: a page of the book must show no
    warnings, and a bar on standard error would count as one.

    Parameters
    ----------
    title : str
        What is being done.
    stream : file-like, optional
        By default `sys.stdout`.

    Yields
    ------
    dict
        The arguments `progress` and `each` of `get`.

    Examples
    --------
    >>> with bars("Getting aomic") as report:
    ...     report["progress"]("README", 0, 812)
    ...     report["progress"]("done", 812, 812)
    Getting aomic ...
    Getting aomic: 812 bytes in 0 s
    """
    stream = stream or sys.stdout
    if os.environ.get("MRIWORKBOOK_QUIET") == "1":
        show = _nothing()
    elif type(stream).__module__.startswith("ipykernel"):
        show = _notebook(title, stream)
    elif stream.isatty():
        show = _terminal(title, stream)
    else:
        show = _log(title, stream)
    with show as (progress, each):
        yield {"progress": progress, "each": each}


@contextlib.contextmanager
def _nothing():
    yield None, None


@contextlib.contextmanager
def _log(title, stream):
    start, end = time.monotonic(), None

    def progress(message, done, total):
        nonlocal end
        if end is None:
            stream.write(f"{title} ...\n")
            stream.flush()
        end = done

    yield progress, None
    if end is not None:
        stream.write(f"{title}: {human_size(end)} in {time.monotonic() - start:.0f} s\n")


@contextlib.contextmanager
def _terminal(title, stream):
    # Imported here: only a terminal needs it.
    from rich import progress as rich_progress
    from rich.console import Console

    columns = (
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(bar_width=20),
        rich_progress.DownloadColumn(),
        rich_progress.TransferSpeedColumn(),
        rich_progress.TimeRemainingColumn(),
    )
    bar = rich_progress.Progress(*columns, console=Console(file=stream))
    files = {}
    with bar:
        whole = bar.add_task(title, total=None)

        def progress(message, done, total):
            bar.update(whole, completed=done, total=total)

        def each(path, done, size):
            if path not in files:
                files[path] = bar.add_task(f"  {path.rpartition('/')[2][-40:]}", total=size)
            bar.update(files[path], completed=done, total=size)
            if done == size:
                bar.remove_task(files.pop(path))

        yield progress, each
        for task in files.values():
            bar.remove_task(task)


@contextlib.contextmanager
def _notebook(title, stream):
    tqdm = _tqdm()
    units = {"unit": "B", "unit_scale": True, "file": stream}
    files = {}
    with tqdm(desc=title, total=0, **units) as whole:

        def progress(message, done, total):
            whole.total = total
            whole.update(done - whole.n)

        def each(path, done, size):
            if path not in files:
                files[path] = tqdm(desc=path.rpartition("/")[2], total=size, leave=False, **units)
            files[path].total = size
            files[path].update(done - files[path].n)
            if done == size:
                files.pop(path).close()

        try:
            yield progress, each
        finally:
            for bar in files.values():
                bar.close()


def _tqdm():
    import warnings

    with warnings.catch_warnings():
        # Without ipywidgets it takes its text bar by itself, and warns about it.
        warnings.filterwarnings("ignore", message="IProgress not found")
        from tqdm.auto import tqdm
    return tqdm
