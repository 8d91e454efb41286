"""How many requests are in progress, and which: for `requests_in_progress`."""

import os
import threading
import time

from notes import note, plain

lock = threading.Lock()
inside = 0
peak = 0


def until_file(environ):
    """Notes its query, and waits for the test."""
    note(environ["QUERY_STRING"])
    while not os.path.exists(os.path.join(os.environ["SCRATCH"], "go-on")):
        time.sleep(0.02)
    return environ["QUERY_STRING"]


def sleep(environ):
    time.sleep(float(environ["QUERY_STRING"]))
    return "slept"


def read(environ):
    note("read")
    return environ["wsgi.input"].read()


def leave_a_greenlet(environ):
    """What it starts waits for ever."""
    import gevent
    from gevent.queue import Queue

    gevent.spawn(Queue().get)
    return environ["QUERY_STRING"]


def most(environ):
    return str(peak)


def application(environ, start_response):
    global inside, peak
    with lock:
        inside += 1
        peak = max(peak, inside)
    try:
        return plain(start_response, globals()[environ["PATH_INFO"][1:]](environ))
    finally:
        with lock:
            inside -= 1
