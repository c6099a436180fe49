"""An HTTP server on this machine that goes wrong in the ways of the world.

A fault is a function of the request, the content and how many requests for this path came before.
"""

import contextlib
import hashlib
import http.server
import re
import threading
from collections import Counter
from urllib.parse import unquote

LOGIN = b"<!DOCTYPE html><html><title>Hotel Wi-Fi: please log in</title></html>"


def tag(content):
    return f'"{hashlib.md5(content).hexdigest()}"'


def asked_from(request):
    found = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
    return int(found[1]) if found else None


def answer(request, status, body, **headers):
    request.send_response(status)
    headers = {"Content_Length": str(len(body)), **headers}
    for name, value in headers.items():
        if value is not None:
            request.send_header(name.replace("_", "-"), value)
    request.end_headers()
    request.wfile.write(body)


def whole(request, content, n, *, etag=True, ranges=True, guard=True, cut=None):
    """What an honest server does; `cut` ends every answer after so many bytes."""
    start, size = asked_from(request) if ranges else None, len(content)
    about = {"ETag": tag(content)} if etag else {}
    if guard and request.headers.get("If-Range", tag(content)) != tag(content):
        start = None
    if start is not None and start >= size:
        return answer(request, 416, b"", Content_Range=f"bytes */{size}")
    if start is not None:
        about["Content_Range"] = f"bytes {start}-{size - 1}/{size}"
    body = content[start or 0 :]
    about["Content_Length"] = str(len(body))
    answer(request, 200 if start is None else 206, body[:cut], **about)
    # The length was promised: nothing but hanging up can end this.
    request.close_connection = cut is not None and cut < len(body)


def truncates(request, content, n):
    whole(request, content, n, cut=len(content) // 3)


def truncates_without_range(request, content, n):
    whole(request, content, n, cut=len(content) // 3, ranges=False)


def cuts_here_and_there(request, content, n):
    whole(request, content, n, cut=len(content) // (2 if n % 2 else 3), ranges=False)


def cuts_without_etag(request, content, n):
    whole(request, content, n, cut=len(content) // 3, etag=False)


def cuts_once_then_no_range(request, content, n):
    whole(request, content, n, cut=None if n else len(content) // 3, ranges=False)


def stalls(request, content, n):
    whole(request, content, n) if n else _silence_after(request, content, len(content) // 2)


def stalls_always(request, content, n):
    _silence_after(request, content, 0)


def _silence_after(request, content, cut):
    answer(request, 200, content[:cut], Content_Length=str(len(content)))
    request.wfile.flush()
    request.server.over.wait(20)
    request.close_connection = True


def refuses(status, times=10**9, **headers):
    def fault(request, content, n):
        if n < times:
            return answer(request, status, b"no", **headers)
        return whole(request, content, n)

    return fault


def says_416_to_ranges(request, content, n):
    if asked_from(request) is not None:
        return answer(request, 416, b"")
    return whole(request, content, n, cut=None if n else len(content) // 3)


def login_page(request, content, n):
    answer(request, 200, LOGIN, Content_Type="text/html; charset=utf-8")


def login_page_of_the_right_size(request, content, n):
    answer(request, 200, LOGIN.ljust(len(content))[: len(content)])


def one_bit_off(request, content, n):
    whole(request, bytes([content[0] ^ 1]) + content[1:], n)


def another_file(request, content, n):
    answer(request, 200, content[:9])


def too_long(request, content, n):
    answer(request, 200, content + b"more", Content_Length=None, Connection="close")
    request.close_connection = True


def no_length(request, content, n):
    answer(request, 200, content, Content_Length=None, Connection="close")
    request.close_connection = True


def another_piece(request, content, n):
    if asked_from(request) is None:
        return whole(request, content, n, cut=None if n else len(content) // 3)
    return answer(request, 206, content[5:], Content_Range=f"bytes 5-9/{len(content)}")


def changes(guard):
    """Another version for the first request, which is cut; the right one from then on."""

    def fault(request, content, n):
        old = content[::-1]
        whole(request, content if n else old, n, guard=guard, cut=None if n else len(content) // 3)

    return fault


def changes_silently(request, content, n):
    """As `changes`, by a server that does not say what it serves."""
    old = content[::-1]
    cut = None if n else len(content) // 3
    whole(request, content if n else old, n, etag=False, cut=cut)


def hangs_up(request, content, n):
    request.close_connection = True


def moved(request, content, n):
    if "moved" not in request.path:
        return answer(request, 302, b"", Location=f"{request.path}?moved")
    return whole(request, content, n)


@contextlib.contextmanager
def serving(files, faults=None):
    """Serve files, with a fault for some paths.

    Yields
    ------
    address : str
    log : list of (path, first byte asked for or None)
    """
    faults, log, seen = faults or {}, [], Counter()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            path = unquote(self.path.lstrip("/").partition("?")[0])
            log.append((path, asked_from(self)))
            n, seen[path] = seen[path], seen[path] + 1
            if path not in files:
                return answer(self, 404, b"not here")
            with contextlib.suppress(ConnectionError):
                return faults.get(path, whole)(self, files[path], n)

        def log_message(self, *args):
            """Keep the test's output clean."""

    class Server(http.server.ThreadingHTTPServer):
        over = threading.Event()

        def handle_error(self, request, client_address):
            """A client that hangs up is part of the test."""

    with Server(("127.0.0.1", 0), Handler) as running:
        running.over = threading.Event()
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}", log
        finally:
            running.over.set()
            running.shutdown()
            thread.join()
