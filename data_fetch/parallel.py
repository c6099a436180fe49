"""Many transfers at once that end together: on the last one, on an error, on Ctrl-C."""

import contextlib
import queue
import threading

from data_fetch import network

# Seconds that threads get to notice that the call is over.
FAREWELL = 5


class Stopped(Exception):
    """Raised inside a transfer when the call it belongs to is over."""


def run(work, items, jobs, line):
    """Do the same with every item, in several threads.

    Threads of their own rather than an executor's: Python waits for those at its end, and a
    learner who typed Ctrl-C should not wait for a server that says nothing.

    Parameters
    ----------
    work : callable
        ``work(item)``.
    items : sequence
        Hashable.
    jobs : int
        Threads.
    line : network.Line
        Its `stop` is set when this returns or raises.

    Returns
    -------
    dict
        Item to what `work` returned, in the order of `items`.

    Raises
    ------
    BaseException
        The first that `work` raised, and `KeyboardInterrupt`. The others are stopped first.

    Examples
    --------
    >>> from data_fetch.network import Line
    >>> run(len, ["a", "bb"], jobs=2, line=Line())
    {'a': 1, 'bb': 2}
    """
    todo, outcomes = queue.SimpleQueue(), queue.SimpleQueue()
    for item in items:
        todo.put(item)
    threads = [
        threading.Thread(target=_work, args=(work, todo, outcomes, line), daemon=True)
        for _ in range(min(jobs, len(items)))
    ]
    try:
        for thread in threads:
            thread.start()
        found = {}
        for _ in threads:
            found |= _next(outcomes)
    finally:
        line.stop.set()
        network.hang_up(line)
        for thread in threads:
            thread.join(FAREWELL)
    return {item: found[item] for item in items}


def _work(work, todo, outcomes, line):
    # Told once, at the end: waking the one who waits costs more than a small file.
    done = {}
    try:
        while not line.stop.is_set():
            item = todo.get_nowait()
            done[item] = work(item)
    except queue.Empty:
        outcomes.put((done, None))
    except BaseException as error:
        # Raised again by the one who waits.
        outcomes.put((None, error))


def _next(outcomes):
    while True:
        # Without a limit Ctrl-C would not be noticed on Windows.
        with contextlib.suppress(queue.Empty):
            done, error = outcomes.get(timeout=0.5)
            if error is not None:
                raise error
            return done
