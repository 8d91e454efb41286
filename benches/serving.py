"""One unicoro worker for a bench: started on a free port of 127.0.0.1, stopped by its pid."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATIENCE = 20  # seconds


class Server:
    def __init__(self, process, port):
        self.process = process
        self.port = port

    def worker(self):
        """The pid of its one worker."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return int(pathlib.Path(path).read_text().split()[0])

    def memory(self):
        """KiB of the worker's memory, its share of what it shares not counted."""
        text = pathlib.Path(f"/proc/{self.worker()}/smaps_rollup").read_text()
        fields = dict(line.split(":", 1) for line in text.splitlines()[1:])
        return sum(int(fields[name].split()[0]) for name in ("Private_Clean", "Private_Dirty"))


@contextlib.contextmanager
def serving(app, *arguments, core=None, command=None):
    """`-k coroutine` with one worker, or another server's command. `core`: the only processor that
    it may use."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    pinned = ["taskset", "-c", str(core)] if core is not None else []
    process = subprocess.Popen(
        [*pinned, *map(str, command or coroutines()), "-b", f"127.0.0.1:{port}",
         "--backlog", "4096", "--log-level", "warning", "--chdir", str(ROOT / "benches"),
         *arguments, app])
    try:
        wait_for(port, process)
        yield Server(process, port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def coroutines():
    binary = os.environ.get("UNICORO", ROOT / "target/release/unicoro")
    if not pathlib.Path(binary).exists():
        sys.exit(f"no {binary}: build it with `cargo build --release`, or name another in UNICORO")
    return [binary, "-k", "coroutine"]


def wait_for(port, process):
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
                assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("the server did not start")
            time.sleep(0.05)
