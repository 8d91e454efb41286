"""The workloads, the same code for every server."""

import os
import threading
import time

BODY = b"Hello, world!"
HEADERS = [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))]


def hello(environ, start_response):
    start_response("200 OK", HEADERS)
    return [BODY]


def bare(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [BODY]


LARGE = b"x" * 1_000_000


def large(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(LARGE)))])
    return [LARGE]


def chunks(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return (BODY for _ in range(50))


def sleep(environ, start_response):
    time.sleep(0.05)
    start_response("200 OK", HEADERS)
    return [BODY]


def upload(environ, start_response):
    left = total = int(environ.get("CONTENT_LENGTH") or 0)
    while left and (piece := environ["wsgi.input"].read(min(left, 65536))):
        left -= len(piece)
    body = str(total - left).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def held(environ, start_response):
    """As long as a request in progress is looked at."""
    time.sleep(HELD_SECONDS)
    start_response("200 OK", HEADERS)
    return [BODY]


HELD_SECONDS = 6


class Ticks:
    """An event each second, from the first one that is waited for on: after the fork."""

    def __init__(self):
        self.lock = threading.Lock()
        self.next = None

    def wait(self):
        with self.lock:
            if self.next is None:
                self.next = threading.Event()
                threading.Thread(target=self.tick, daemon=True).start()
            awaited = self.next
        awaited.wait()

    def tick(self):
        while True:
            time.sleep(1)
            with self.lock:
                due, self.next = self.next, threading.Event()
            due.set()


ticks = Ticks()


def poll(environ, start_response):
    ticks.wait()
    start_response("200 OK", HEADERS)
    return [BODY]


def beside_hog(environ, start_response):
    if environ["PATH_INFO"] == "/hog":
        for _ in range(3_000_000):
            pass
    else:
        time.sleep(0.01)
    start_response("200 OK", HEADERS)
    return [BODY]


def who(environ, start_response):
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


class Answer:
    """Not its own iterator, as Django's response."""

    closed = 0

    def __iter__(self):
        return iter([str(Answer.closed).encode()])

    def close(self):
        Answer.closed += 1


def closing(environ, start_response):
    """Answers how often `close` was called."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "1")])
    return Answer()


def closing_itself(answer):
    """The same answer for a server that does not call `close`."""
    try:
        yield from answer
    finally:
        answer.close()


local = threading.local()


def database(environ, start_response):
    # A connection per thread, for all servers alike; with gevent's patches, per greenlet.
    if not hasattr(local, "connection"):
        import psycopg2

        local.connection = psycopg2.connect(os.environ["DATABASE_URL"])
        local.connection.autocommit = True
    with local.connection.cursor() as cursor:
        cursor.execute("select pg_sleep(0.02)")
        cursor.fetchone()
    start_response("200 OK", HEADERS)
    return [BODY]
