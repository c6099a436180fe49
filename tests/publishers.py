"""OSF, GitHub and OpenNeuro's S3 on this machine, as far as the downloader asks them."""

import contextlib
import hashlib
import http.server
import json
import threading
from urllib.parse import parse_qs, urlsplit

# Entities on a page of OSF's answer; small, so that there are several pages.
PER_PAGE = 2


@contextlib.contextmanager
def running(files, repository=None, versions=None):
    """Serve files the way their publishers do.

    Parameters
    ----------
    files : dict
        OSF: path in project "b4s9h" -> content. A file's own name on OSF is its path with dots for
        slashes.
    repository : dict, optional
        GitHub: path -> content, or a str, the target of a link into the annex.
    versions : dict, optional
        S3: (path, version) -> content.

    Yields
    ------
    address : str
    asked : list of str
        Targets of the requests so far.
    """
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            asked.append(self.path)
            host = f"http://{self.headers['Host']}"
            parts = urlsplit(self.path)
            for answer in (_osf, _github, _s3):
                found = answer(host, parts, files, repository or {}, versions or {})
                if found is not None:
                    break
            else:
                found = None
            body = b"nothing here" if found is None else found
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def _osf(host, parts, files, repository, versions):
    storage = "/v2/nodes/b4s9h/files/osfstorage/"
    if parts.path.startswith(storage):
        return _listing(host, parts, files, parts.path.removeprefix(storage))
    for path, content in files.items():
        name = path.replace("/", ".")
        if parts.path == f"/v2/files/{name}/":
            return json.dumps({"data": _file(host, path, content)}).encode()
        if parts.path == f"/download/{name}/":
            return content
    return None


def _listing(host, parts, files, folder):
    """One page of a folder, with the link to the next."""
    entities, seen = [], set()
    for path, content in files.items():
        inside = path.removeprefix(folder)
        first, _, rest = inside.partition("/")
        if (inside == path and folder) or first in seen:
            continue
        seen.add(first)
        entities.append(_folder(host, f"{folder}{first}/") if rest else _file(host, path, content))
    if not entities:
        return None
    page = int(parse_qs(parts.query).get("page", ["1"])[0])
    pages = [entities[at : at + PER_PAGE] for at in range(0, len(entities), PER_PAGE)]
    more = f"{host}{parts.path}?page={page + 1}" if page < len(pages) else None
    links = {"first": None, "last": None, "prev": None, "next": more}
    return json.dumps({"data": pages[page - 1], "links": links}).encode()


def _folder(host, path):
    href = f"{host}/v2/nodes/b4s9h/files/osfstorage/{path}"
    return {
        "type": "files",
        "attributes": {"kind": "folder", "name": path.rstrip("/").split("/")[-1], "size": None},
        "relationships": {"files": {"links": {"related": {"href": href, "meta": {}}}}},
        "links": {"self": href},
    }


def _file(host, path, content):
    digests = {"sha256": hashlib.sha256(content).hexdigest(), "md5": "not asked"}
    return {
        "type": "files",
        "attributes": {
            "kind": "file",
            "name": path.split("/")[-1],
            "materialized_path": f"/{path}",
            "size": len(content),
            "extra": {"hashes": digests, "downloads": 1},
        },
        "links": {"download": f"{host}/download/{path.replace('/', '.')}/"},
    }


def _github(host, parts, files, repository, versions):
    prefix = "/repos/owner/data/contents/"
    if not parts.path.startswith(prefix) or parse_qs(parts.query).get("ref") != ["a" * 40]:
        return None
    content = repository.get(parts.path.removeprefix(prefix))
    if content is None:
        return None
    if isinstance(content, str):
        return json.dumps({"type": "symlink", "size": len(content), "target": content}).encode()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    return json.dumps({"type": "file", "size": len(content), "sha": blob}).encode()


def _s3(host, parts, files, repository, versions):
    version = parse_qs(parts.query).get("versionId", [""])[0]
    return versions.get((parts.path.lstrip("/"), version))
