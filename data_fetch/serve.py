"""A mirror folder offered to the room over HTTP: read-only, with Range, nothing outside it.

One thread serves everybody: thirty laptops open two hundred connections, and a thread for each
would take megabytes. Here a connection takes a few kB, and a slow one delays nobody: the kernel
copies from file to socket as much as the socket takes, and then it is the next one's turn.
"""

import asyncio
import contextlib
import errno
import functools
import socket
import sys
import threading
from http import HTTPStatus
from pathlib import Path

from data_fetch import replies
from data_fetch.storage import FetchError

PORT = 8000
# Connections; those beyond are told to come back.
CONNECTIONS = 1000
# Bytes of a request's headers.
LONGEST_REQUEST = 16_384
# Seconds without a request on an open connection, and to take one piece of a file.
IDLE = 60
SLOWEST = 120
PIECE = 4 << 20
END = b"\r\n\r\n"


def serve(folder, host="0.0.0.0", port=PORT, ready=None):
    """Serve a mirror folder until Ctrl-C.

    Parameters
    ----------
    folder : str or Path
        What `write_mirror` wrote: files at ``<folder>/<name>/<path>``.
    host : str
        Address to listen at; by default all of this machine.
    port : int
        0 chooses a free one.
    ready : callable, optional
        Called once as ``ready(address)`` with what the room types after ``--mirror``. By default
        the address is printed.

    Raises
    ------
    FetchError
        If there is no such folder or somebody else listens at this port.
    """
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(Path(folder), host, port, ready or _say_ready, None))


@contextlib.contextmanager
def running(folder, host="127.0.0.1", port=0):
    """Serve a folder in a thread while a ``with`` block runs.

    Parameters
    ----------
    folder, host, port
        As for `serve`.

    Yields
    ------
    str
        The address.

    Examples
    --------
    >>> import tempfile, urllib.request
    >>> folder = tempfile.mkdtemp()
    >>> _ = Path(folder, "hello.txt").write_text("hello")
    >>> with running(folder) as address:
    ...     urllib.request.urlopen(f"{address}/hello.txt").read()
    b'hello'
    """
    started, box = threading.Event(), {}

    def ready(address):
        box["address"] = address
        started.set()

    def run():
        try:
            asyncio.run(_serve(Path(folder), host, port, ready, box))
        except BaseException as error:
            box["error"] = error
        finally:
            started.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    started.wait()
    if "error" in box:
        raise box["error"]
    try:
        yield box["address"]
    finally:
        box["loop"].call_soon_threadsafe(box["end"].set)
        thread.join()


def _say_ready(address):
    print(address, flush=True)


def room_address():
    """Address of this machine in its network, as others reach it.

    Returns
    -------
    str
        "127.0.0.1" where it is in no network.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: connecting a UDP socket only chooses the network interface
            # (the address is one reserved for documentation, RFC 5737).
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return probe.getsockname()[0]


async def _serve(folder, host, port, ready, box):
    if not folder.is_dir():
        raise FetchError(f"There is no folder {folder}. Make a mirror: mriworkbook data mirror DIR")
    _allow_files()
    # Bare sockets: asyncio's streams would take three times the memory for each of them.
    with _listening(host, port) as listener:
        loop, busy, end = asyncio.get_running_loop(), {}, asyncio.Event()
        if box is not None:
            box |= {"loop": loop, "end": end}
        shown = room_address() if host in ("0.0.0.0", "") else host
        ready(f"http://{shown}:{listener.getsockname()[1]}")
        work = [
            loop.create_task(coroutine)
            for coroutine in (end.wait(), _accept(listener, folder.resolve(), busy), _reap(busy))
        ]
        try:
            first, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            # The end, or an error of the system, which is raised here.
            first.pop().result()
        finally:
            for task in (*work, *busy):
                task.cancel()
            await asyncio.gather(*work, *busy, return_exceptions=True)


def _listening(host, port):
    try:
        listener = socket.create_server((host, port), backlog=256)
    except OSError as error:
        raise FetchError(
            f"Cannot listen at {host}:{port} ({error.strerror}). Choose another port: --port 8080"
        ) from error
    listener.setblocking(False)
    return listener


async def _accept(listener, root, busy):
    loop = asyncio.get_running_loop()
    while True:
        try:
            connection, _ = await loop.sock_accept(listener)
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ECONNABORTED):
                raise
            # Somebody has to leave first; those who wait are kept in the queue by the system.
            await asyncio.sleep(0.1)
            continue
        connection.setblocking(False)
        # The head of an answer must not wait until its body fills a packet.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = loop.create_task(_connected(root, busy, connection))
        busy[task] = loop.time() + IDLE
        task.add_done_callback(busy.pop)


async def _reap(busy):
    # One clock for all: a timer for every request would take more memory than the request.
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(5)
        for task, deadline in list(busy.items()):
            if loop.time() > deadline:
                task.cancel()


def _allow_files():
    """Each connection needs two file descriptors; macOS allows 256 of them by default."""
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 2 * CONNECTIONS + 100
        if soft != resource.RLIM_INFINITY and soft < wanted:
            most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


async def _connected(root, busy, connection):
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    with connection:
        try:
            if len(busy) > CONNECTIONS:
                await _say(connection, HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "5"})
                return
            head = await _read_head(connection, b"")
            while head:
                busy[task] = loop.time() + SLOWEST
                head, _, rest = head.partition(END)
                if not await _one_request(root, connection, head, functools.partial(_later, busy)):
                    break
                busy[task] = loop.time() + IDLE
                head = await _read_head(connection, rest)
        except (OSError, asyncio.CancelledError) as error:
            # They hung up or stopped reading, or the server ends: nothing to tell anybody. Error,
            # frames and future hold each other: without this they stay until Python next looks.
            error.__traceback__ = None


def _later(busy):
    busy[asyncio.current_task()] = asyncio.get_running_loop().time() + SLOWEST


async def _read_head(connection, head):
    """A request's head and what came behind it; nothing if they left."""
    loop = asyncio.get_running_loop()
    while END not in head and len(head) <= LONGEST_REQUEST:
        piece = await loop.sock_recv(connection, 4096)
        if not piece:
            return b""
        head += piece
    if len(head) > LONGEST_REQUEST:
        await _say(connection, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        return b""
    return head


async def _one_request(root, connection, head, later):
    """Answer one request; whether the connection stays open for the next."""
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split()
    headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        await _say(connection, HTTPStatus.BAD_REQUEST)
        return False
    method, target, version = words
    stays = version != "HTTP/1.0" and headers.get("connection", "").lower() != "close"
    if method not in ("GET", "HEAD") or "transfer-encoding" in headers:
        await _say(connection, HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET, HEAD"})
        return False
    path = replies.inside(root, target)
    if path is None:
        await _say(connection, HTTPStatus.NOT_FOUND, head_only=method == "HEAD", stays=stays)
    elif path == root:
        page = replies.index(root, headers.get("host", "")).encode()
        kind = {"Content-Type": "text/html; charset=utf-8"}
        await _say(connection, HTTPStatus.OK, kind, page, method == "HEAD", stays)
    else:
        try:
            file = path.open("rb", buffering=0)
        except OSError:
            await _say(connection, HTTPStatus.FORBIDDEN, stays=stays)
            return stays
        with file:
            code, about, start, stop = replies.answer(file, path.name, headers)
            head = replies.head(code, about, stop - start, stays)
            # What is not needed while a long file is sent would be memory for every client.
            del lines, headers, about, path
            await asyncio.get_running_loop().sock_sendall(connection, head)
            if method == "GET":
                await _send(connection, file, start, stop, later)
    return stays


async def _send(connection, file, start, stop, later):
    loop = asyncio.get_running_loop()
    while start < stop:
        later()
        sent = await loop.sock_sendfile(connection, file, start, min(PIECE, stop - start))
        if not sent:
            # Cut short while it was read: the promised length cannot be kept.
            raise ConnectionError("the file shrank")
        start += sent


async def _say(connection, code, headers=None, body=None, head_only=False, stays=False):
    if body is None:
        body = f"{code.value} {code.phrase}\n".encode()
        headers = {"Content-Type": "text/plain; charset=utf-8", **(headers or {})}
    text = replies.head(code, headers, len(body), stays) + (b"" if head_only else body)
    await asyncio.get_running_loop().sock_sendall(connection, text)
