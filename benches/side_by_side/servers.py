"""How each server is started: so many workers, and what its documentation advises for the workload."""

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
# So long a connection is kept where the workload has idle ones; longer than a turn.
KEEP_ALIVE = "600"
# Seconds without a ping: none is sent in a turn, and what sends them later is there.
# hypercorn sends none anyway.
NO_PING = "600"
# Clients that may wait to be accepted. Without a word some have a hundred, and the others come a second later.
BACKLOG = "2048"
# For those that compute beside a workload's clients.
SPARE_THREADS = 4


def threads(workload):
    """Without a wait more threads than one only fight for the GIL."""
    return min(workload.connections + SPARE_THREADS, workload.most_threads) if workload.waits else 1


def connections(workload):
    """As many as a server is told to take: with room for those that ask."""
    return str(workload.idle + 4000)


def kept(workload, option):
    return [option, KEEP_ALIVE] if workload.idle else []


def as_gunicorn(command, engine, *more):
    """gunicorn's settings, which are unicoro's too."""
    def made(workload, address):
        few = ["--threads", str(max(threads(workload), 4))] if engine == "gthread" else []
        return [command, "-k", engine, "-w", str(workload.workers),
                "--worker-connections", connections(workload), *kept(workload, "--keep-alive"),
                *few, "--log-level", "warning", *more, "-b", address, workload.app]
    return made


def unicoro(engine, *more):
    def made(workload, address):
        no_ping = ["--websocket-ping-interval", NO_PING] if workload.sockets else []
        return as_gunicorn(UNICORO, engine, *more, *no_ping)(workload, address)
    return made


def gunicorn(engine, *more):
    return as_gunicorn(ENVIRONMENT / "bin" / "gunicorn", engine, "--no-control-socket", *more)


def granian(workload, address):
    host, _, port = address.partition(":")
    bound = ["--uds", port] if host == "unix" else ["--host", host, "--port", port]
    return [ENVIRONMENT / "bin" / "granian", "--interface", "wsgi", "--workers", str(workload.workers),
            "--blocking-threads", str(threads(workload)), "--backpressure", connections(workload),
            "--backlog", BACKLOG, "--no-ws", "--log-level", "warning",
            *bound, workload.app]


def unicoro_asgi(workload, address):
    """What blocks gets as many threads as there are clients; the others have no setting for it, and 40."""
    blocks = workload.waits and not workload.sockets
    more = ["--anyio-threads", str(threads(workload))] if blocks else []
    return unicoro("coroutine", *more)(workload, address)


def granian_asgi(workload, address):
    host, _, port = address.partition(":")
    return [ENVIRONMENT / "bin" / "granian", "--interface", "asgi", "--loop", "uvloop", "--workers", "1",
            "--backpressure", connections(workload), "--backlog", BACKLOG,
            *([] if workload.sockets else ["--no-ws"]),
            "--log-level", "warning", "--host", host, "--port", port, workload.app]


def uvicorn(workload, address):
    host, _, port = address.partition(":")
    return [ENVIRONMENT / "bin" / "uvicorn", "--loop", "uvloop", "--http", "httptools",
            "--ws", "websockets-sansio", "--ws-ping-interval", NO_PING, "--backlog", BACKLOG,
            "--no-access-log", "--log-level", "warning", "--timeout-keep-alive", KEEP_ALIVE,
            "--host", host, "--port", port, workload.app]


def hypercorn(workload, address):
    return [ENVIRONMENT / "bin" / "hypercorn", "-k", "uvloop", "--log-level", "warning",
            "--keep-alive", KEEP_ALIVE, "--backlog", BACKLOG,
            "--config", HERE / "hypercorn.toml", "--bind", address, workload.app]


def uwsgi(socket):
    def command(workload, address):
        # Without a Content-Length it neither frames a body nor closes behind it: no answer ends then.
        return [ENVIRONMENT / "bin" / "uwsgi", socket, address.removeprefix("unix:"),
                "--module", workload.app, "--processes", str(workload.workers),
                "--threads", str(max(threads(workload), 64)), "--listen", "1024",
                "--virtualenv", ENVIRONMENT, "--disable-logging", "--master", "--die-on-term"]
    return command


def waitress(workload, address):
    return [ENVIRONMENT / "bin" / "waitress-serve", f"--listen={address}",
            f"--threads={max(threads(workload), 4)}", f"--connection-limit={connections(workload)}",
            # Else it selects, which ends at 1,024.
            *(["--asyncore-use-poll", f"--channel-timeout={KEEP_ALIVE}"] if workload.idle else []),
            workload.app]


def cheroot(workload, address):
    return [ENVIRONMENT / "bin" / "cheroot", "--bind", address, *kept(workload, "--timeout"),
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
    "uwsgi": uwsgi("--http11-socket"),
    "waitress": waitress,
    # In some tables only.
    "unicoro-coroutine-reuse-port": unicoro("coroutine", "--reuse-port"),
    "unicoro-gthread-reuse-port": unicoro("gthread", "--reuse-port"),
    "gunicorn-gthread-reuse-port": gunicorn("gthread", "--reuse-port"),
    "uwsgi-protocol": uwsgi("--uwsgi-socket"),
    # ASGI.
    "unicoro-asgi": unicoro_asgi,
    "granian-asgi": granian_asgi,
    "gunicorn-asgi": gunicorn("asgi"),
    "hypercorn": hypercorn,
    "uvicorn": uvicorn,
    # WebSockets alone. `unicoro-callbacks`: those that wait for a message have no green thread (`ws.serve`).
    "unicoro-callbacks": unicoro("coroutine"),
    "websockets": called("websockets"),
}

WITH_WORKERS = ["unicoro-coroutine", "unicoro-gthread", "unicoro-sync", "granian", "gunicorn-gevent",
                "gunicorn-gthread", "gunicorn-sync", "uwsgi"]
WITH_REUSE_PORT = ["unicoro-coroutine-reuse-port", "unicoro-gthread-reuse-port",
                   "gunicorn-gthread-reuse-port"]
BEHIND_NGINX = ["unicoro-coroutine", "unicoro-gthread", "granian", "gunicorn-gevent",
                "gunicorn-gthread", "uwsgi", "uwsgi-protocol"]
WITH_ASGI = ["unicoro-asgi", "granian-asgi", "gunicorn-asgi", "hypercorn", "uvicorn"]
SOCKETS_ALONE = ["unicoro-callbacks", "websockets"]
WITH_SOCKETS = ["unicoro-coroutine", *SOCKETS_ALONE, *WITH_ASGI, "gunicorn-gevent", "gunicorn-gthread"]
ALONE = [name for name in SERVERS
         if name not in [*WITH_REUSE_PORT, "uwsgi-protocol", *WITH_ASGI, *SOCKETS_ALONE]]

# Each request waits for the one before: under a workload that waits they give 20 answers a second.
ONE_AT_A_TIME = {"unicoro-sync", "gunicorn-sync", "bjoern", "fastpysgi", "fastwsgi"}
# They close each connection behind its answer.
KEEPS_NONE = {"unicoro-sync", "gunicorn-sync"}
# A thread of the system's is taken by each WebSocket: ten thousand are too many.
THREAD_EACH = {"gunicorn-gthread"}


class Pinned:
    """A process that was started on these cores; stopped, with its group, at the end of `with`."""

    def __init__(self, command, cores, log, **more):
        self.process = subprocess.Popen(
            ["taskset", "-c", cores, *map(str, command)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **more)
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


class Running(Pinned):
    """A started server."""

    def __init__(self, command, cores, database_url, log):
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("GUNICORN_CMD_ARGS", "WEB_CONCURRENCY", "PORT")}
        environment |= {"VIRTUAL_ENV": str(ENVIRONMENT), "DATABASE_URL": database_url,
                        "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1",
                        "PYTHONHASHSEED": "0"}
        super().__init__(command, cores, log, cwd=HERE, env=environment)
