"""Thirty clients at once on the server of a mirror: do all finish, and in how much memory?

``python benchmarks/serve_clients.py`` serves random files from a process of its own. 10, 20 and
30 processes then fetch the whole study at the same time, each with `data_fetch.get` and its six
connections, or, with ``--held``, clients of six connections that ask for a large file and do not
read it: the slowest Wi-Fi of all. The server's resident memory is looked at every 20 ms; what
counts is how its highest value grows from ten clients to thirty.
"""

import argparse
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from data_fetch import catalogue, storage

STEPS = (10, 20, 30)
JOBS = 6
SIZES = {
    **{f"sub-{i:02d}/func/sub-{i:02d}_bold.nii.gz": 3_000_000 for i in range(6)},
    **{f"sub-{i:02d}/anat/sub-{i:02d}_T1w.json": 700 for i in range(40)},
}
SERVER = "import sys; from data_fetch.serve import serve; serve(sys.argv[1], '127.0.0.1', 0)"
CLIENT = """
import pickle, sys
from data_fetch import catalogue, download
listed = pickle.load(open(sys.argv[1], "rb"))
catalogue.manifest = lambda name: listed
sys.stdin.readline()
result = download.get("bench", sys.argv[2], mirror=sys.argv[3], jobs=int(sys.argv[4]))
sys.exit(len(result.fetched) != len(listed))
"""


def make_files(folder):
    """Random files below ``folder/bench`` and their manifest; and a large one, all zeros."""
    rng, entries = np.random.default_rng(0), []
    for path, size in SIZES.items():
        file = folder / "bench" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(rng.bytes(size))
        checksum = storage.digest(file, "sha256")
        entries.append(catalogue.Entry(path, size, "sha256", checksum, "mini", "http://unused/"))
    with (folder / "large").open("wb") as file:
        file.truncate(1_000_000_000)
    return entries


def resident(pid):
    """Resident memory of a process in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def fetching(number, folder, address, pid):
    """Highest memory of the server while `number` clients fetch everything; how many succeeded."""
    with tempfile.TemporaryDirectory(dir=folder) as targets:
        commands = [
            [sys.executable, "-c", CLIENT, str(folder / "entries"), f"{targets}/{i}/bench"]
            for i in range(number)
        ]
        clients = [
            subprocess.Popen([*command, address, str(JOBS)], stdin=subprocess.PIPE)
            for command in commands
        ]
        # All have started Python before one of them begins.
        time.sleep(1)
        for client in clients:
            client.stdin.write(b"go\n")
            client.stdin.close()
        highest = 0
        while any(client.poll() is None for client in clients):
            highest = max(highest, resident(pid))
            time.sleep(0.02)
    return highest, sum(client.returncode == 0 for client in clients)


def held(number, folder, address, pid):
    """Memory of the server while clients hold all their connections and read nothing."""
    place = urlsplit(address).netloc.split(":")
    connections = [socket.create_connection(place) for _ in range(number * JOBS)]
    for connection in connections:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: room\r\n\r\n")
    answers = [connection.recv(12) == b"HTTP/1.1 200" for connection in connections]
    time.sleep(0.5)
    highest = resident(pid)
    for connection in connections:
        connection.close()
    time.sleep(0.5)
    return highest, sum(answers) // JOBS


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--held", action="store_true", help="clients that read nothing")
    options = parser.parse_args()
    run, peaks, finished = held if options.held else fetching, [], []
    with tempfile.TemporaryDirectory(prefix="mriworkbook-serve-") as temporary:
        folder = Path(temporary)
        entries = make_files(folder / "mirror")
        (folder / "entries").write_bytes(pickle.dumps(entries))
        command = [sys.executable, "-c", SERVER, str(folder / "mirror")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            address = server.stdout.readline().strip()
            print(f"idle: {resident(server.pid):.2f} MB")
            for number in (1, *STEPS):
                start = time.monotonic()
                peak, good = run(number, folder, address, server.pid)
                seconds = time.monotonic() - start
                print(f"{number} clients: {peak:.2f} MB, {good} finished, {seconds:.1f} s")
                peaks.append(peak)
                finished.append(good == number)
            server.terminate()
    growth = np.diff(peaks[1:])
    print(f"growth per ten clients: {', '.join(f'{more:.2f}' for more in growth)} MB")
    sys.exit(int(not all(finished) or max(growth) > 1))


if __name__ == "__main__":
    main()
