"""Views that take longer than a deadline, each in its own way, and clean up."""

import socket
import threading
import time

from notes import note

LOCK = threading.Lock()
LOCK.acquire()
SILENT = socket.socket()
SILENT.bind(("127.0.0.1", 0))
SILENT.listen(512)


def sleep():
    time.sleep(60)


def lock():
    with LOCK:
        note("entered the locked part")


def sock():
    with socket.create_connection(SILENT.getsockname()) as client:
        client.recv(1)


def loop():
    while True:
        pass


def swallow():
    import unicoro

    try:
        time.sleep(60)
    except unicoro.RequestTimeout:
        note("swallowed")


def quick():
    time.sleep(0.1)


RECURSIVE = threading.RLock()


def body(environ):
    """The client sends none. What a request does with its lock afterwards counts as its own."""
    try:
        environ["wsgi.input"].read()
    finally:
        with RECURSIVE:
            note(f"free is {RECURSIVE.acquire(blocking=False)}")
            RECURSIVE.release()


VIEWS = {"/sleep": sleep, "/lock": lock, "/sock": sock, "/loop": loop, "/swallow": swallow}


def application(environ, start_response):
    view = VIEWS.get(environ["PATH_INFO"], quick)
    try:
        body(environ) if environ["PATH_INFO"] == "/body" else view()
    except BaseException as error:
        time.sleep(0.01)  # a clean-up may wait like any other code
        note(f"{view.__name__} {type(error).__module__}.{type(error).__name__}")
        raise
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def streaming(environ, start_response):
    start_response("200 OK", [])
    yield b"begun"
    time.sleep(60)
