"""What this machine can do at once."""

import contextlib
from pathlib import Path

# Megabytes: the peak of one simulated person, and what the notebook that asks needs beside.
JOB, NOTEBOOK = 700, 600


def practice_jobs():
    """How many people of the practice study may be simulated at once.

    Returns
    -------
    int
        2 if two cores and memory for two are free, else 1: a notebook of 2 GB gets 1.

    Examples
    --------
    >>> practice_jobs() in (1, 2)
    True
    """
    import joblib

    return 2 if joblib.cpu_count() >= 2 and free_memory() / 1e6 >= 2 * JOB + NOTEBOOK else 1


def free_memory():
    """Bytes that can be used before the machine swaps or its container is killed.

    Returns
    -------
    int

    Examples
    --------
    >>> free_memory() > 0
    True
    """
    import psutil

    return min([psutil.virtual_memory().available, *_left_by_container(Path("/sys/fs/cgroup"))])


def _left_by_container(cgroup):
    """Bytes below the container's limit; psutil sees the whole host.

    The files are those of control groups, versions 2 and 1
    (https://docs.kernel.org/admin-guide/cgroup-v2.html). Pages of files that nobody has used
    lately are given back when memory is short, so they count as free.
    """
    left = []
    for limit, usage, idle in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
    ):
        # No such file: no Linux, no container, or the other version.
        with contextlib.suppress(FileNotFoundError):
            most = (cgroup / limit).read_text().strip()
            if most != "max":
                stat = (cgroup / limit).with_name("memory.stat").read_text().split()
                pages = dict(zip(stat[::2], map(int, stat[1::2]), strict=True))
                left.append(int(most) - int((cgroup / usage).read_text()) + pages[idle])
    return left
