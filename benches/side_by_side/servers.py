"""How each server is started: one worker, and what its documentation advises for the workload."""

import os
import pathlib
import signal
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Below target/, where everything that can be made again lives.
ENVIRONMENT = ROOT / "target" / "side_by_side" / "venv"
UNICORO = ROOT / "target" / "release" / "unicoro"

STOP_PATIENCE = 10  # seconds between TERM and KILL


class Workload:
    """One app, and how many clients ask it."""

    def __init__(self, name, connections, ceiling):
        self.name = name
        self.connections = connections
        self.ceiling = ceiling


WORKLOADS = [
    Workload("hello", 64, "No wait at all."),
    Workload("sleep", 500, "`time.sleep(0.05)`: at most 10,000 requests/s."),
    Workload("database", 100, "psycopg2, `pg_sleep(0.02)`: at most 5,000 requests/s."),
]


def unicoro(engine):
    def command(workload, address):
        return [UNICORO, "-k", engine, "--worker-connections", "1000", "--log-level", "warning",
                "-b", address, f"app:{workload.name}"]
    return command


def gunicorn(engine):
    def command(workload, address):
        return [ENVIRONMENT / "bin" / "gunicorn", "-k", engine, "--worker-connections", "1000",
                "--log-level", "warning", "--no-control-socket", "-b", address,
                f"app:{workload.name}"]
    return command


def granian(workload, address):
    host, port = address.split(":")
    # Without a wait more threads than one only fight for the GIL.
    threads = 1 if workload.name == "hello" else workload.connections
    return [ENVIRONMENT / "bin" / "granian", "--interface", "wsgi", "--workers", "1",
            "--blocking-threads", str(threads), "--no-ws", "--log-level", "warning",
            "--host", host, "--port", port, f"app:{workload.name}"]


SERVERS = {
    "unicoro-coroutine": unicoro("coroutine"),
    "unicoro-sync": unicoro("sync"),
    "granian": granian,
    "gunicorn-gevent": gunicorn("gevent"),
    "gunicorn-sync": gunicorn("sync"),
}


# A warm-up by many clients would leave these a queue of requests whose clients have gone, which
# they would still serve, one after another, through the whole measurement.
ONE_AT_A_TIME = {"unicoro-sync", "gunicorn-sync"}


class Running:
    """A started server, pinned to a core; stopped, with all its processes, at the end of `with`."""

    def __init__(self, command, core, database_url, log):
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("GUNICORN_CMD_ARGS", "WEB_CONCURRENCY", "PORT")}
        environment |= {"VIRTUAL_ENV": str(ENVIRONMENT), "DATABASE_URL": database_url}
        self.process = subprocess.Popen(
            ["taskset", "-c", str(core), *map(str, command)], cwd=HERE, env=environment,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        self.process.terminate()
        try:
            self.process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.pid, signal.SIGKILL)  # its own group: nothing else is in it
        except ProcessLookupError:
            pass
        self.process.wait()
        time.sleep(0.2)  # lets the sockets of a killed server go before the next one is measured
