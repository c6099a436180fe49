"""Ask GitHub how big a file of a repository is and what its digest is.

Small files are in git; GitHub tells their blob's SHA-1. Large files of OpenNeuro and TemplateFlow
are links into a git-annex; the link's target names the key, ``MD5E-s<size>--<md5>.<extension>``
(https://git-annex.branchable.com/backends), and the content lies at the entry's further addresses.
GitHub's answer: https://docs.github.com/rest/repos/contents. Without an account it answers sixty
questions an hour.
"""

import re

from data_fetch.storage import FetchError

API = "https://api.github.com"
_RAW = re.compile(r"https://raw\.githubusercontent\.com/([^/]+/[^/]+)/([0-9a-f]{40})/(.+)$")
_KEY = re.compile(r"MD5E?-s(\d+)--([0-9a-f]{32})(\.[^/]*)?$")


def describe(addresses, ask):
    """What GitHub says of a file at one commit.

    Parameters
    ----------
    addresses : sequence of str
        First ``https://raw.githubusercontent.com/<owner>/<repository>/<commit>/<path>``; further
        ones where an annexed file's content lies.
    ask : callable
        ``ask(url)``: the JSON that an address answers, parsed; None where there is nothing.

    Returns
    -------
    (size, algorithm, digest, urls) or None
        Bytes, "git-sha1" or "md5", hexadecimal digest, and a tuple of addresses to download it
        from; None if the repository has no such file.

    Raises
    ------
    FetchError
        If the address or the answer is of another kind.

    Examples
    --------
    >>> raw = f"https://raw.githubusercontent.com/owner/data/{'0' * 40}/T1w.nii.gz"
    >>> link = {"type": "symlink", "target": f".git/annex/objects/MD5E-s12--{'ab' * 16}.nii.gz"}
    >>> size, algorithm, digest, urls = describe([raw, "https://store.org/T1w"], lambda url: link)
    >>> size, algorithm, urls
    (12, 'md5', ('https://store.org/T1w',))
    """
    match = _RAW.match(addresses[0])
    if not match:
        raise FetchError(f"{addresses[0]} is not the address of a file at one commit on GitHub")
    repository, commit, path = match.groups()
    answer = ask(f"{API}/repos/{repository}/contents/{path}?ref={commit}")
    if answer is None:
        return None
    if answer["type"] == "file":
        return answer["size"], "git-sha1", answer["sha"], tuple(addresses)
    key = _KEY.search(answer.get("target", ""))
    if not key or len(addresses) < 2:
        raise FetchError(f"GitHub tells no digest of {addresses[0]}")
    return int(key[1]), "md5", key[2], tuple(addresses[1:])
