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
# Another build is measured by its path, as the suite does it.
UNICORO = ROOT / os.environ.get("SUITE_BINARY", "target/release/unicoro")

STOP_PATIENCE = 10  # seconds between TERM and KILL
MOST_THREADS = 500


def threads(workload):
    """Without a wait more threads than one only fight for the GIL."""
    return min(workload.connections, MOST_THREADS) if workload.waits else 1


def unicoro(engine):
    def command(workload, address):
        return [UNICORO, "-k", engine, "--worker-connections", "4000", "--log-level", "warning",
                *(["--threads", str(max(threads(workload), 4))] if engine == "gthread" else []),
                "-b", address, workload.app]
    return command


def gunicorn(engine):
    def command(workload, address):
        return [ENVIRONMENT / "bin" / "gunicorn", "-k", engine, "--worker-connections", "4000",
                *(["--threads", str(max(threads(workload), 4))] if engine == "gthread" else []),
                "--log-level", "warning", "--no-control-socket", "-b", address, workload.app]
    return command


def granian(workload, address):
    host, port = address.split(":")
    return [ENVIRONMENT / "bin" / "granian", "--interface", "wsgi", "--workers", "1",
            "--blocking-threads", str(threads(workload)), "--no-ws", "--log-level", "warning",
            "--host", host, "--port", port, workload.app]


def uwsgi(workload, address):
    # Without a Content-Length it neither frames a body nor closes behind it: no answer ends then.
    return [ENVIRONMENT / "bin" / "uwsgi", "--http11-socket", address, "--module", workload.app,
            "--processes", "1", "--threads", str(max(threads(workload), 64)), "--listen", "1024",
            "--virtualenv", ENVIRONMENT, "--disable-logging", "--master",
            "--die-on-term"]


def waitress(workload, address):
    return [ENVIRONMENT / "bin" / "waitress-serve", f"--listen={address}",
            f"--threads={max(threads(workload), 4)}", "--connection-limit=4000", workload.app]


def cheroot(workload, address):
    return [ENVIRONMENT / "bin" / "cheroot", "--bind", address,
            "--threads", str(max(threads(workload), 10)), workload.app]


def called(server):
    """One that is a function to call and no command (serve.py)."""
    def command(workload, address):
        return [ENVIRONMENT / "bin" / "python3", HERE / "serve.py", server, address, workload.app]
    return command


SERVERS = {
    "unicoro-coroutine": unicoro("coroutine"),
    "unicoro-gthread": unicoro("gthread"),
    "unicoro-sync": unicoro("sync"),
    "bjoern": called("bjoern"),
    "cheroot": cheroot,
    "fastpysgi": called("fastpysgi"),
    "fastwsgi": called("fastwsgi"),
    "granian": granian,
    "gunicorn-gevent": gunicorn("gevent"),
    "gunicorn-gthread": gunicorn("gthread"),
    "gunicorn-sync": gunicorn("sync"),
    "pywsgi": called("pywsgi"),
    "uwsgi": uwsgi,
    "waitress": waitress,
}

# Each request waits for the one before: under a workload that waits they give 20 answers a second.
ONE_AT_A_TIME = {"unicoro-sync", "gunicorn-sync", "bjoern", "fastpysgi", "fastwsgi"}


class Running:
    """A started server, pinned to a core; stopped, with all its processes, at the end of `with`."""

    def __init__(self, command, core, database_url, log):
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("GUNICORN_CMD_ARGS", "WEB_CONCURRENCY", "PORT")}
        environment |= {"VIRTUAL_ENV": str(ENVIRONMENT), "DATABASE_URL": database_url,
                        "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
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
