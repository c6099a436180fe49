"""One line that says how far a long step is, on standard output."""

import contextlib
import os
import sys
import time

WIDTH = 79


@contextlib.contextmanager
def progress_line(title, stream=None):
    """Show the progress of a step in one line that is overwritten.

    It goes to standard output, never to standard error: a page of the book must show no
    warnings, and a bar there would count as one. Where a line cannot be overwritten (a log
    file), only the start and the end are written. Nothing is written before the first report,
    and nothing at all where the environment has ``MRIWORKBOOK_QUIET=1``.

    Parameters
    ----------
    title : str
        What is being done.
    stream : file-like, optional
        By default `sys.stdout`.

    Yields
    ------
    callable
        ``report(message, done, total)``.

    Examples
    --------
    >>> with progress_line("Counting") as report:
    ...     for step in range(3):
    ...         report("sheep", step, 3)
    Counting ...
    Counting: done in 0 s
    """
    stream = stream or sys.stdout
    quiet = os.environ.get("MRIWORKBOOK_QUIET") == "1"
    live = _can_overwrite(stream)
    start, seen = time.monotonic(), False

    def report(message, done, total):
        nonlocal seen
        if quiet:
            return
        if live:
            rest = f", {done} of {total}{_left(start, done, total)}"
            # What is cut where the line is too long is the words, not the numbers.
            text = f"{title}: {message}"[: WIDTH - len(rest)] + rest
            stream.write(f"\r{text:<{WIDTH}}")
        elif not seen:
            stream.write(f"{title} ...\n")
        stream.flush()
        seen = True

    try:
        yield report
    except BaseException:
        if seen and live:
            stream.write("\n")
        raise
    if seen:
        text = f"{title}: done in {time.monotonic() - start:.0f} s"
        stream.write(f"\r{text:<{WIDTH}}\n" if live else f"{text}\n")


def _can_overwrite(stream):
    return stream.isatty() or type(stream).__module__.startswith("ipykernel")


def _left(start, done, total):
    elapsed = time.monotonic() - start
    # The first seconds say little about the rest.
    if elapsed < 2 or not 0 < done < total:
        return ""
    return f", about {elapsed / done * (total - done):.0f} s left"
