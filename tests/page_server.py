"""A loopback server that compresses text, as hosts of pages do, and counts what it sends."""

import gzip
import mimetypes
import threading
from contextlib import contextmanager
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMPRESSED = ("text/", "application/javascript", "application/json", "image/svg+xml")


@cache
def body_and_headers(path, changed):
    """What is sent for a file; `changed` (its time) makes the answer new when the file is."""
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    body, headers = path.read_bytes(), {"Content-Type": kind}
    if kind.startswith(COMPRESSED):
        body = gzip.compress(body)
        headers["Content-Encoding"] = "gzip"
    return body, headers


class Handler(SimpleHTTPRequestHandler):
    def __init__(self, *args, sent, **options):
        self.sent = sent
        super().__init__(*args, **options)

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path /= "index.html"
        if not path.is_file():
            self.send_error(404)
            return
        body, headers = body_and_headers(path, path.stat().st_mtime_ns)
        # Counted first: a page can be complete before this thread runs again after the write.
        self.sent.append((self.path, len(body)))
        self.send_response(200)
        for name, value in {**headers, "Content-Length": len(body)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass  # the tests' output is for their results


@contextmanager
def serve(folder):
    """Serve a folder; yields its address and the list of (path, bytes sent)."""
    sent = []
    handler = partial(Handler, directory=str(folder), sent=sent)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", sent
        finally:
            server.shutdown()
