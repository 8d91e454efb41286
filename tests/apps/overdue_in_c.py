"""Views that wait in C, not in CPython, for longer than a deadline: each notes what its call returned,
and which exception came after it."""

import ctypes
import errno
import os
import socket
import threading
import time

from notes import note

LIBC = ctypes.CDLL(None, use_errno=True)
SILENT = socket.create_server(("127.0.0.1", 0), backlog=64)


def call(results, function, *arguments):
    # Without a bytecode between the call and the keeping of its result, at which an exception could
    # come.
    results.extend(map(function, *([argument] for argument in arguments)))


def later(what):
    threading.Timer(0.8, what).start()


def connection(results):
    """Broken off: the end of the stream, as from a server that is gone."""
    with socket.create_connection(SILENT.getsockname()) as client:
        call(results, LIBC.recv, client.fileno(), ctypes.create_string_buffer(8), 8, 0)


def pair(results):
    """Two sockets without a name, by which libraries wake their own threads: left alone."""
    ours, theirs = socket.socketpair()
    later(lambda: theirs.send(b"abc"))
    call(results, LIBC.recv, ours.fileno(), ctypes.create_string_buffer(8), 8, 0)


def pipe(results):
    ours, theirs = os.pipe()
    later(lambda: os.write(theirs, b"abc"))
    call(results, LIBC.read, ours, ctypes.create_string_buffer(8), 8)


def semaphore(results):
    own = ctypes.create_string_buffer(32)
    LIBC.sem_init(own, 0, 0)
    later(lambda: LIBC.sem_post(own))
    call(results, LIBC.sem_wait, own)


def sleep(results):
    began = time.monotonic()
    try:
        call(results, LIBC.usleep, 800_000)
    finally:
        results.append("whole" if time.monotonic() - began >= 0.8 else "cut")


class ClosesLate(list):
    def close(self):
        LIBC.usleep(800_000)


VIEWS = {"/connection": connection, "/pair": pair, "/pipe": pipe, "/semaphore": semaphore,
         "/sleep": sleep}


def application(environ, start_response):
    view = VIEWS.get(environ["PATH_INFO"], lambda results: results.append("quick"))
    results = []
    try:
        view(results)
        if view in VIEWS.values():
            time.sleep(20)  # CPython's own wait: here the exception comes
    except BaseException as error:
        if results[:1] == [-1]:
            results.append(errno.errorcode.get(ctypes.get_errno()))
        note(" ".join(map(str, [view.__name__, *results, type(error).__name__])))
        raise
    body = " ".join(map(str, results)).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return ClosesLate([body]) if environ["PATH_INFO"] == "/closes" else [body]
