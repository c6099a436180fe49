"""What is said when files could not be had: which, why, how big, what to type."""

from urllib.parse import urlsplit

from data_fetch import catalogue

# Lines of one kind before the rest is only counted.
LINES = 8


def failed(problems, name, subset, kept):
    """Say which files could not be had, and what to do.

    Parameters
    ----------
    problems : dict
        Entry to a list of (place, SourceError).
    name, subset : str
    kept : int
        Files that are there.

    Returns
    -------
    str
    """
    wrong = [entry for entry, said in problems.items() if any(e.kind == "wrong" for _, e in said)]
    other = [entry for entry in problems if entry not in wrong]
    lines = []
    if wrong:
        lines.append(f"{len(wrong)} of the files differ from the manifest and were not kept:")
        lines += _listed([_one_line(entry, problems[entry]) for entry in wrong])
        lines.append("If it stays so, that copy is damaged or was changed.")
    if other:
        lines.append(f"{len(other)} of the files could not be fetched:")
        lines += _listed(_by_reason(other, problems))
    return "\n".join([*lines, still_missing(list(problems), kept), _again(name, subset)])


def still_missing(entries, kept):
    """Say how much is missing."""
    size, unknown = catalogue.total_size(entries)
    more = f" and {unknown} of unpublished size" if unknown else ""
    listed = ", ".join(entry.path for entry in entries[:5])
    rest = f" and {len(entries) - 5} more" if len(entries) > 5 else ""
    return (
        f"Still missing: {len(entries)} files, {catalogue.human_size(size)}{more} "
        f"({listed}{rest}). The {kept} files already there are kept."
    )


def nothing_there(mirror, name, entries):
    """Say that a mirror has nothing of a study."""
    size, _ = catalogue.total_size(entries)
    return (
        f"The mirror {str(mirror)!r} has none of the {len(entries)} files of {name!r} "
        f"({catalogue.human_size(size)}); expected them at {mirror}/{name}/<path>. "
        "Is it the right address or folder? Without --mirror they come from their publishers."
    )


def _again(name, subset):
    return (
        "Type the same command again when you are online, or use a copy on a disk: "
        f"mriworkbook data get {name} --subset {subset} --mirror PATH"
    )


def _one_line(entry, said):
    place, error = next((place, e) for place, e in said if e.kind == "wrong")
    return f"  {entry.path}: {error} ({place})"


def _by_reason(entries, problems):
    """One line for all files that failed for the same reasons at the same hosts."""
    groups = {}
    for entry in entries:
        said = problems[entry]
        reason = "; then ".join(f"{_host(place)}: {error}" for place, error in said)
        groups.setdefault(reason, []).append((entry, said))
    for reason, members in groups.items():
        entry, said = members[0]
        more = f" and {len(members) - 1} more" if len(members) > 1 else ""
        yield f"  {entry.path}{more}: {reason} ({', '.join(str(place) for place, _ in said)})"


def _host(place):
    return urlsplit(str(place)).netloc or str(place)


def _listed(lines):
    lines = list(lines)
    rest = [f"  and {len(lines) - LINES} more"] if len(lines) > LINES else []
    return [*lines[:LINES], *rest]
