"""One server's turn at a workload: it is started, gives the right answer, is measured in one of these ways,
and is stopped. What cannot be measured is a RuntimeError that says why.
"""

import contextlib
import pathlib
import statistics
import tempfile
import time

import measuring
from crowd import Crowd
from nginx import Nginx
from servers import KEEPS_NONE, ONE_AT_A_TIME, SERVERS, Running
from talkers import Talkers

HOGS = 4
STARTS = 3
# Of the WebSockets that are idle else, so many talk.
BUSY = 100
TO_ALL = 3
# Of app.py's HELD_SECONDS: when all of a crowd's requests have come, and none was answered yet.
LOOK_AFTER = 4
HEARD_WITHIN = 10


class Turn:
    """`server_cores`, `client_cores`: where each side may run, as taskset(1) takes it."""

    def __init__(self, name, workload, seconds, server_cores, client_cores, database_url, log):
        self.name = name
        self.workload = workload
        self.seconds = max(seconds, workload.least_seconds)
        self.server_cores = server_cores
        self.client_cores = client_cores
        self.database_url = database_url
        self.log = log

    def running(self, address, workload):
        command = SERVERS[self.name](workload, address)
        return Running(command, self.server_cores, self.database_url, self.log)

    @contextlib.contextmanager
    def answering(self, workload=None):
        """The server after its first answer: all figures are of one that gives the right answer."""
        workload = workload or self.workload
        address = measuring.free_address()
        with self.running(address, workload) as server:
            measuring.check_answer(address, server.process, workload)
            yield server, address

    def measure(self, server, address):
        warm_up = 1 if self.name in ONE_AT_A_TIME else self.workload.connections
        return measuring.measure(address, server.pid, self.workload, self.client_cores, self.seconds,
                                 warm_up)


def load(turn):
    """wrk alone."""
    with turn.answering() as (server, address):
        return turn.measure(server, address)


def spread(turn):
    """wrk, which also counts who answers."""
    figures = load(turn)
    shares = sorted(figures["workers"].values())
    if len(shares) < turn.workload.workers:
        shares = [0, *shares]
    return figures | {"least_share_percent": 100 * shares[0] / sum(shares)}


def beside_idle(turn):
    with turn.answering() as (server, address), Crowd(address, turn.workload.idle) as crowd:
        crowd.settle()
        figures = turn.measure(server, address)
        crowd.must_be_kept()
        return figures


def beside_hog(turn):
    with turn.answering() as (server, address):
        # They begin before the warm-up of the others, and end when those have been measured.
        seconds = turn.seconds + 1
        hogs = measuring.start_wrk(address, turn.client_cores, HOGS, seconds, path="/hog")
        try:
            figures = turn.measure(server, address)
            of_hogs = measuring.figures_of(hogs, seconds)
        finally:
            hogs.kill()
            hogs.wait()
        return figures | {"hogs_per_second": of_hogs["requests_per_second"]}


def start_up(turn):
    """Several starts; their median is the turn's figure."""
    starts = []
    for _ in range(STARTS):
        began = time.monotonic()
        with turn.answering():
            starts.append((time.monotonic() - began) * 1000)
    return {"start_ms": statistics.median(starts), "starts_ms": starts}


def memory(turn):
    """Of servers that have done nothing else. What cannot be had is left out, with a note."""
    figures = {"notes": []}
    with turn.answering() as (server, address):
        rest = measuring.memory_kib(server.pid, "Uss")
        figures["rest_pss_mib"] = measuring.memory_kib(server.pid, "Pss") / 1024
        figures["rest_uss_mib"] = rest / 1024
        if turn.name not in KEEPS_NONE:
            with noting(figures), Crowd(address, turn.workload.idle) as crowd:
                crowd.settle()
                added = measuring.memory_kib(server.pid, "Uss") - rest
                figures["idle_kib"] = added / turn.workload.idle
    if turn.name not in ONE_AT_A_TIME:
        with noting(figures), turn.answering(turn.workload.in_progress) as (server, address):
            with Crowd(address, turn.workload.in_progress.connections) as crowd:
                crowd.ask()
                time.sleep(LOOK_AFTER)
                added = measuring.memory_kib(server.pid, "Uss") - rest
                crowd.hear(HEARD_WITHIN - LOOK_AFTER)
                figures["request_kib"] = added / crowd.count
    return figures


@contextlib.contextmanager
def noting(figures):
    try:
        yield
    except RuntimeError as error:
        figures["notes"].append(str(error))


def echo(turn):
    with turn.answering() as (server, address), Talkers(address, turn.workload.connections) as talkers:
        talkers.echo(1, talkers.count)
        return echoed(turn, server, talkers, talkers.count)


def echoed(turn, server, talkers, count):
    before, began = measuring.cpu_seconds(server.pid), time.monotonic()
    latencies = talkers.echo(turn.seconds, count)
    used = measuring.cpu_seconds(server.pid) - before
    return of_messages(len(latencies), latencies, used, time.monotonic() - began) | {
        "memory_mib": measuring.memory_kib(server.pid, "Pss") / 1024}


def of_messages(count, latencies, used, seconds):
    cuts = statistics.quantiles(latencies, n=100)
    return {"messages_per_second": count / seconds, "cpu_us_per_message": used / count * 1e6,
            "p50_ms": cuts[49] * 1000, "p99_ms": cuts[98] * 1000}


def broadcast(turn):
    with turn.answering() as (server, address), Talkers(address, turn.workload.connections) as talkers:
        talkers.to_all()
        before, began, latencies = measuring.cpu_seconds(server.pid), time.monotonic(), []
        while len(latencies) < 2 or time.monotonic() < began + turn.seconds:
            latencies.append(talkers.to_all())
        used = measuring.cpu_seconds(server.pid) - before
        return of_messages(len(latencies) * talkers.count, latencies, used, time.monotonic() - began)


def idle_sockets(turn):
    with turn.answering() as (server, address):
        # What the first one imports is no part of the others.
        with Talkers(address, 1) as first:
            first.to_all()
        rest = measuring.memory_kib(server.pid, "Uss")
        with Talkers(address, turn.workload.connections) as talkers:
            added = measuring.memory_kib(server.pid, "Uss") - rest
            all_ms = statistics.median(talkers.to_all() for _ in range(TO_ALL)) * 1000
            figures = echoed(turn, server, talkers, BUSY)
            return figures | {"socket_kib": added / talkers.count, "all_ms": all_ms}


def chain(turn):
    """wrk asks nginx, and nginx asks the server over a unix socket."""
    with tempfile.TemporaryDirectory(prefix="side_by_side.") as directory:
        socket = pathlib.Path(directory) / "server.sock"
        address = measuring.free_address()
        by_uwsgi = turn.name == "uwsgi-protocol"
        with turn.running(f"unix:{socket}", turn.workload) as server, \
                Nginx(directory, socket, address, turn.client_cores, by_uwsgi, turn.log) as nginx:
            measuring.check_answer(address, server.process, turn.workload)
            before = measuring.cpu_seconds(nginx.process.pid)
            figures = turn.measure(server, address)
            used = measuring.cpu_seconds(nginx.process.pid) - before
            # The warm-up's second is in it.
            answered = figures["requests"] * (turn.seconds + 1) / turn.seconds
            return figures | {"nginx_us_per_request": used / answered * 1e6 if answered else None}
