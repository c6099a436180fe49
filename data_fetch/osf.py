"""Ask OSF how big a file is, what its SHA-256 is and where it can be downloaded.

OSF's interface (https://developer.osf.io, version 2) answers in JSON. A file has
``attributes.size``, ``attributes.extra.hashes.sha256`` and ``links.download``; a folder has
``relationships.files.links.related.href``, a list in pages of ``data`` with ``links.next``. Without
an account OSF answers a hundred questions an hour, so a folder is asked once, however many of its
files are wanted.
"""

import re

from data_fetch.storage import FetchError

API = "https://api.osf.io/v2"
# A file by OSF's own name for it, and one by its path in a project's storage.
_BY_ID = re.compile(r"https://osf\.io/download/(\w+)/?$")
_BY_PATH = re.compile(r"https://osf\.io/(\w+)/files/osfstorage/(.+)$")


def describe(address, ask, folders):
    """What OSF says of a file.

    Parameters
    ----------
    address : str
        ``https://osf.io/download/<id>/`` or ``https://osf.io/<project>/files/osfstorage/<path>``.
    ask : callable
        ``ask(url)``: the JSON that an address answers, parsed; None where there is nothing.
    folders : dict
        Answers about folders so far; give the same dict for all files.

    Returns
    -------
    (size, "sha256", digest, urls) or None
        Bytes, hexadecimal digest, and a tuple of addresses to download it from; None if OSF has no
        such file.

    Raises
    ------
    FetchError
        If the address is of another kind or OSF does not tell the SHA-256.

    Examples
    --------
    >>> file = {"attributes": {"size": 3, "extra": {"hashes": {"sha256": "ab" * 32}}},
    ...         "links": {"download": "https://osf.io/download/5c8ff/"}}
    >>> size, algorithm, digest, urls = describe(
    ...     "https://osf.io/download/5c8ff/", lambda url: {"data": file}, {})
    >>> size, algorithm, digest[:4], urls
    (3, 'sha256', 'abab', ('https://osf.io/download/5c8ff/',))
    """
    if match := _BY_ID.match(address):
        file = (ask(f"{API}/files/{match[1]}/") or {}).get("data")
    elif match := _BY_PATH.match(address):
        file = _find(match[1], match[2], ask, folders)
    else:
        raise FetchError(f"{address} is not the address of a file on OSF")
    if file is None:
        return None
    digest = file["attributes"].get("extra", {}).get("hashes", {}).get("sha256")
    if not digest:
        raise FetchError(f"OSF tells no SHA-256 of {address}")
    return file["attributes"]["size"], "sha256", digest, (file["links"]["download"],)


def _find(project, path, ask, folders):
    """Walk from a project's storage down to a file, one folder at a time."""
    url = f"{API}/nodes/{project}/files/osfstorage/"
    *parents, name = path.split("/")
    for kind, part in [*(("folder", parent) for parent in parents), ("file", name)]:
        if url not in folders:
            folders[url] = _listing(url, ask)
        found = folders[url].get((kind, part))
        if found is None:
            return None
        if kind == "folder":
            url = found["relationships"]["files"]["links"]["related"]["href"]
    return found


def _listing(url, ask):
    """Everything in a folder, whatever the number of pages: (kind, name) -> entity."""
    joint = "&" if "?" in url else "?"
    found, page = {}, f"{url}{joint}page[size]=100"
    while page:
        answer = ask(page) or {"data": [], "links": {}}
        for entity in answer["data"]:
            about = entity["attributes"]
            found[about["kind"], about["name"]] = entity
        page = answer["links"].get("next")
    return found
