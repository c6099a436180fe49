"""Addresses: one connection pool for all transfers of a call, and what its failures mean.

Proxies and certificates are found as requests, and so pooch and nilearn, finds them. The requests
themselves are urllib3's: a Session spends most of the time of a small file on housekeeping.
"""

import contextlib
import threading
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from data_fetch.storage import FetchError

# Seconds without a byte from the server before giving up, and for a connection to be made.
TIMEOUT = 30
CONNECT_TIMEOUT = 10
# Answers that may be different a moment later (RFC 9110, RFC 6585).
TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}
REDIRECTS = 5
LONGEST_TEXT = 1 << 24


class SourceError(FetchError):
    """One address could not give a file.

    `kind` is "gone" (404), "refused" (any other answer), "cut" (ended early), "silent" (stalled),
    "offline" (no connection at all) or "wrong" (something else came). The message has no address
    in it.
    """

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


class Cut(Exception):
    """An attempt ended early; `after` is the wait the server asks for, in seconds."""

    def __init__(self, kind, message, after=0):
        super().__init__(message)
        self.kind, self.after = kind, after


@dataclass
class Line:
    """What the transfers of one call share.

    Attributes
    ----------
    wait : callable
        ``wait(seconds)`` between attempts; by default it ends early when `stop` is set.
    stop : threading.Event
        Set when the call is over.
    pools : dict
        Host to the connections to it.
    answers : set
        Answers being read, so that another thread can end a read that waits for bytes.
    down : dict
        Hosts that did not answer, with what was said of the first: the next file does not wait
        for them again.
    given : Counter
        Files that each host gave.
    """

    wait: object = None
    stop: threading.Event = field(default_factory=threading.Event)
    pools: dict = field(default_factory=dict)
    answers: set = field(default_factory=set)
    down: dict = field(default_factory=dict)
    given: Counter = field(default_factory=Counter)

    def __post_init__(self):
        self.wait = self.wait or self.stop.wait


def hang_up(line):
    """End the reads that still wait for bytes, and close all connections."""
    for answer in list(line.answers):
        # It may have ended by itself in the meantime.
        with contextlib.suppress(OSError, ValueError):
            answer.shutdown()
    for pool in set(line.pools.values()):
        pool.clear()


@contextlib.contextmanager
def asking(line, url, headers):
    """Send a GET; what goes wrong with it, then or while it is read, is a `Cut` or `SourceError`.

    Yields
    ------
    urllib3.HTTPResponse
        Not read yet. Every status comes here, errors too.
    """
    # Imported here: it takes long, and a mirror folder needs none of it.
    import urllib3

    answer = None
    try:
        answer = _pool(line, url).request(
            "GET",
            url,
            headers=headers,
            preload_content=False,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=TIMEOUT),
            retries=urllib3.Retry(
                connect=0,
                read=0,
                other=0,
                redirect=REDIRECTS,
                raise_on_status=False,
                respect_retry_after_header=False,
            ),
        )
        line.answers.add(answer)
        yield answer
    except urllib3.exceptions.HTTPError as error:
        raise _explained(error) from error
    finally:
        if answer is not None:
            line.answers.discard(answer)
            answer.close()


def small_text(url, line):
    """Bytes of a small file at an address; None where there is no such file.

    Raises
    ------
    FetchError
        If the address gives any other answer or none.
    """
    try:
        with asking(line, url, {}) as answer:
            if answer.status == 404:
                return None
            require_ok(answer)
            return answer.read(LONGEST_TEXT, decode_content=True)
    except (Cut, SourceError) as error:
        raise FetchError(f"Could not read {url}: {error}.") from error


def require_ok(answer):
    """Refuse an answer that is neither 200 nor 206.

    Raises
    ------
    Cut
        If asking again later may help.
    SourceError
        If not.
    """
    status = answer.status
    if status in (200, 206):
        return
    words = f"the server answers {status} {answer.reason}"
    if status in TRY_AGAIN:
        after = answer.headers.get("Retry-After", "")
        raise Cut("refused", words, int(after) if after.isdecimal() else 0)
    raise SourceError("gone" if status in (404, 410) else "refused", words)


def _pool(line, url):
    host = urlsplit(url)[:2]
    if host not in line.pools:
        line.pools[host] = _new_pool(url)
    return line.pools[host]


def _new_pool(url):
    import os

    import requests
    import urllib3

    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    settings = {"maxsize": 32, "ca_certs": bundle or requests.certs.where()}
    proxy = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
    if proxy:
        proxy = requests.utils.prepend_scheme_if_needed(proxy, "http")
        return urllib3.ProxyManager(proxy, **settings)
    return urllib3.PoolManager(**settings)


def _explained(error):
    from urllib3 import exceptions

    # The last word of an attempt that was not repeated is wrapped once.
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, exceptions.SSLError):
        return SourceError("refused", f"no secure connection ({reason})")
    if isinstance(reason, exceptions.ReadTimeoutError):
        return Cut("silent", f"no answer for {TIMEOUT} seconds")
    if isinstance(reason, exceptions.ProtocolError):
        return Cut("cut", "the connection was cut")
    if isinstance(reason, (exceptions.ConnectTimeoutError, exceptions.ProxyError)):
        return Cut("offline", "no connection to the server")
    if isinstance(reason, exceptions.NewConnectionError):
        return Cut("offline", "no connection to the server")
    return SourceError("refused", f"{type(reason).__name__}, {reason}")
