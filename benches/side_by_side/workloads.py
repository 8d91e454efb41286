"""What is asked of the servers: an application, its answer, how many clients ask, and which figures count."""

import turns
from servers import (ALONE, BEHIND_NGINX, KEEPS_NONE, ONE_AT_A_TIME, THREAD_EACH, WITH_ASGI,
                     WITH_REUSE_PORT, WITH_SOCKETS, WITH_WORKERS)

HELLO = b"Hello, world!"
LARGE = b"x" * 1_000_000
PAGE = b"<ul><li>0 first</li><li>1 second</li><li>2 third</li></ul>\n"
GREETING = b'{"message":"Hello, world!"}\n'
MESSAGE = GREETING.strip()

LOAD = {
    "requests_per_second": "requests/s",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "cpu_us_per_request": "CPU us/request",
    "switches_per_second": "switches/s",
    "memory_mib": "memory MiB",
}

ECHO = {
    "messages_per_second": "messages/s",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "cpu_us_per_message": "CPU us/message",
    "memory_mib": "memory MiB",
}
BROADCAST = {
    "messages_per_second": "messages delivered/s",
    "p50_ms": "p50 ms until all have it",
    "p99_ms": "p99 ms",
    "cpu_us_per_message": "CPU us/message delivered",
}
IDLE = {
    "socket_kib": "idle WebSocket KiB",
    "all_ms": "to all ms",
    "messages_per_second": "messages/s of the 100",
    "p99_ms": "p99 ms",
    "cpu_us_per_message": "CPU us/message",
}

# All of many clients come at once: whom the listen queue has no room for comes again a second later.
AT_ONCE = {"least_seconds": 5}

ONE = "One worker, on a core of its own"
TWO = "Two workers, on no core of their own"
ASGI = "ASGI: one worker, on a core of its own"
SOCKETS = "WebSockets: one worker, on a core of its own"
CHAIN = "nginx in front: the server on one core, nginx and wrk on the other"


class Workload:
    """One app, the answer that every server must give, and how many clients ask it."""

    table = ONE
    # Those that have a row, in the order of their turns.
    servers = ALONE
    # Of the figures the first one sorts the table, the largest first unless `less_is_better`.
    columns = LOAD
    less_is_better = False
    measure = staticmethod(turns.load)
    # A script of wrk's.
    script = None
    method = "GET"
    # Its requests wait for something else than the processor.
    waits = False
    # Connections that only lie there, beside `connections`.
    idle = 0
    workers = 1
    # WebSockets are what is measured.
    sockets = False
    # Servers that are given another app, which does the same.
    apps = {}
    # A framework whose iterable the server must close: what takes its place where it does not.
    closed_app = None
    # Another one, whose requests are looked at while they are in progress.
    in_progress = None
    # More threads than these a server of threads does not get.
    most_threads = 500
    # Of shorter measurements the figures say nothing.
    least_seconds = 1
    # Whether a turn takes `--seconds`, and what it takes beside, as far as it is known.
    is_timed = True
    extra_seconds = 1

    def __init__(self, name, app, connections, about, answer=HELLO, **more):
        self.name = name
        self.app = app
        self.connections = connections
        self.about = about
        self.answer = answer
        for field, value in more.items():
            assert hasattr(Workload, field), field
            setattr(self, field, value)

    def duration(self, seconds):
        """Of a turn that goes well, without the start and the end of the server."""
        return self.extra_seconds + (max(seconds, self.least_seconds) if self.is_timed else 0)

    def unfit(self, name):
        """Why a server is not measured, if it is not: it would show nothing."""
        if self.measure is turns.memory:
            return None
        if self.waits and name in ONE_AT_A_TIME:
            return "serves one request at a time"
        if self.idle and name in KEEPS_NONE:
            return "closes each connection behind its answer"
        if self.idle and self.sockets and name in THREAD_EACH:
            return "needs a thread of the system's for each WebSocket"
        return None


def behind_nginx(name, app, about, **more):
    return Workload(f"nginx-{name}", app, 64, about, table=CHAIN, measure=turns.chain,
                    servers=BEHIND_NGINX, columns=LOAD | {"nginx_us_per_request": "nginx's CPU us/request"}, **more)


def two_workers(name, app, connections, about, **more):
    more = {"workers": 2, "table": TWO, "servers": WITH_WORKERS} | more
    return Workload(f"two-{name}", app, connections, about, **more)


def asgi(name, app, connections, about, **more):
    return Workload(f"asgi-{name}", app, connections, about, table=ASGI, servers=WITH_ASGI, **more)


def sockets(name, connections, about, **more):
    """Servers of threads get one for each."""
    apps = {"unicoro-coroutine": "app_sockets:sockets", "unicoro-callbacks": "app_sockets:callbacks",
            "gunicorn-gevent": "app_sockets:simple", "gunicorn-gthread": "app_sockets:simple",
            "websockets": "app_websockets:serve"}
    more = {"servers": WITH_SOCKETS, "sockets": True, "waits": True, "most_threads": 1000} | more
    return Workload(f"sockets-{name}", "app_asgi:sockets", connections, about, table=SOCKETS, apps=apps,
                    **more)


def start_up(name, app, about, answer=HELLO):
    return Workload(name, app, 1, about, answer, measure=turns.start_up, less_is_better=True,
                    columns={"start_ms": "first answer after ms"}, is_timed=False, extra_seconds=5)


WORKLOADS = [
    Workload("hello", "app:hello", 64, "No wait at all."),
    Workload("hello-1", "app:hello", 1, "No wait at all, one client: its latency."),
    Workload("hello-1000", "app:hello", 1000, "No wait at all, many clients."),
    Workload("bare", "app:bare", 64, "The same without Content-Length."),
    Workload("flask", "app_flask:app", 64, "Flask, `jsonify`.", GREETING,
             closed_app="app_flask:closed"),
    Workload("django", "app_django:app", 64, "Django: a page with the ORM on SQLite and a template.",
             PAGE, closed_app="app_django:closed"),
    Workload("sleep", "app:sleep", 500, "`time.sleep(0.05)`: at most 10,000 requests/s.", waits=True),
    Workload("sleep-2000", "app:sleep", 2000, "`time.sleep(0.05)`: at most 40,000 requests/s.",
             waits=True),
    Workload("database", "app:database", 100, "psycopg2, `pg_sleep(0.02)`: at most 5,000 requests/s.",
             waits=True),
    Workload("large", "app:large", 16, "A body of 1 MB.", LARGE),
    Workload("upload", "app:upload", 16, "A request with a body of 1 MB.", b"1000000",
             script="upload.lua", method="POST"),
    Workload("chunks", "app:chunks", 16, "A body in 50 pieces.", HELLO * 50),
    Workload("idle", "app:hello", 16, "No wait at all, beside 10,000 connections that are kept and idle.",
             idle=10_000, measure=turns.beside_idle, extra_seconds=7),
    Workload("polls", "app:poll", 1000, "Long polls: all wait for the event of each second, so at most "
             "1,000 requests/s.", waits=True, most_threads=1000, least_seconds=5, extra_seconds=2),
    Workload("hog", "app:beside_hog", 16, "`time.sleep(0.01)`, beside 4 clients whose requests compute "
             "for some 0.1 s each in Python.", waits=True, least_seconds=3, measure=turns.beside_hog,
             columns=LOAD | {"hogs_per_second": "of those that compute/s"}),
    start_up("start", "app:hello", "From the command to the first answer."),
    start_up("start-django", "app_django:app", "The same with Django.", PAGE),
    Workload("memory", "app:hello", 1, "Memory of all its processes after the first answer: PSS, what "
             "they share counted once, and USS, what is theirs alone; what is added (USS) by each of 1,000 "
             "requests in `time.sleep`, with the threads that they need, and by each of 10,000 connections "
             "that are kept and idle. What the kernel keeps for sockets is not in it.",
             idle=10_000, measure=turns.memory, less_is_better=True,
             in_progress=Workload("", "app:held", 1000, "", waits=True, most_threads=1000),
             columns={"rest_pss_mib": "at rest, PSS MiB", "rest_uss_mib": "at rest, USS MiB",
                      "request_kib": "request KiB", "idle_kib": "idle connection KiB"},
             is_timed=False, extra_seconds=20),
    two_workers("hello", "app:hello", 64, "No wait at all."),
    two_workers("flask", "app_flask:app", 64, "Flask, `jsonify`.", answer=GREETING),
    two_workers("sleep", "app:sleep", 500, "`time.sleep(0.05)`: at most 10,000 requests/s.", waits=True),
    two_workers("spread", "app:who", 64, "How 64 kept connections spread over the workers: an even share "
                "is 50 %. `reuse-port`: with that setting; granian has none.",
                answer=None, script="spread.lua", measure=turns.spread,
                servers=[*WITH_WORKERS, *WITH_REUSE_PORT],
                columns={"least_share_percent": "requests of the worker that has fewer, %",
                         "requests_per_second": "requests/s", "p99_ms": "p99 ms"}),
    asgi("hello", "app_asgi:hello", 64, "No wait at all."),
    asgi("fastapi", "app_fastapi:app", 64, "FastAPI, JSON.", answer=MESSAGE),
    asgi("sleep", "app_asgi:sleep", 500, "`asyncio.sleep(0.05)`: at most 10,000 requests/s.", **AT_ONCE),
    asgi("sleep-2000", "app_asgi:sleep", 2000, "`asyncio.sleep(0.05)`: at most 40,000 requests/s. "
         "gunicorn's listen queue has room for 100, whatever `backlog` says.", **AT_ONCE),
    asgi("blocking", "app_fastapi:blocking", 500, "FastAPI, a `def` endpoint with `time.sleep(0.05)`: at "
         "most 10,000 requests/s. unicoro: with `--anyio-threads`; the others have no setting for anyio's 40 "
         "threads.", answer=MESSAGE, waits=True, **AT_ONCE),
    asgi("blocking-more", "app_fastapi:blocking_more", 500, "The same, where the application itself raises "
         "anyio's 40 threads to 504.", answer=MESSAGE, waits=True, **AT_ONCE),
    sockets("echo", 64, "A message of 100 bytes comes back; the next one then.", measure=turns.echo,
            columns=ECHO),
    sockets("broadcast", 1000, "One message to all, and the next one when all have it.",
            measure=turns.broadcast, columns=BROADCAST),
    sockets("idle", 10_000, "Memory (USS) that each adds while nothing is said; then one message to all of "
            "them; then 100 of them talk as in `echo`.", idle=10_000, measure=turns.idle_sockets,
            columns=IDLE, less_is_better=True, extra_seconds=8),
    behind_nginx("hello", "app:hello", "No wait at all."),
    behind_nginx("flask", "app_flask:app", "Flask, `jsonify`.", answer=GREETING),
]

# What a server answers that has not called `close` of the answer before.
CLOSING = Workload("closing", "app:closing", 1, "", b"0")
