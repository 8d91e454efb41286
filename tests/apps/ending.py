"""What runs at the end of an idle green thread: finalisers of Python objects in a threading.local, and
destructors of C libraries, that wait."""

import _imp
import ctypes
import importlib.machinery
import os
import threading
import time

from notes import note, plain

local = threading.local()
LOCK = threading.Lock()
go_on = threading.Event()
for_ever = threading.Lock()
for_ever.acquire()
pipes = {"first": os.pipe(), "second": os.pipe()}


class Waits:
    """Wants the lock that a request owns."""

    def __del__(self):
        note("finaliser begins")
        with LOCK:
            note("finaliser has the lock")
        identity = threading.get_ident()
        time.sleep(0.01)
        note("finaliser ends" if threading.get_ident() == identity else "another thread")


class Raises:
    def __del__(self):
        time.sleep(0.01)
        raise ValueError("in a finaliser")


class WaitsForEver:
    def __del__(self):
        note("finaliser waits for ever")
        for_ever.acquire()


def load_library():
    """Loaded as an extension module is, so that the engine looks at it. By its name it is one whose keys
    each green thread has values of its own for."""
    path = os.environ["SCRATCH"] + "/_greenlet.ending.so"
    try:
        _imp.create_dynamic(importlib.machinery.ModuleSpec("ending_library", None, origin=path))
    except ImportError:
        pass  # it is no module
    library = ctypes.CDLL(path)
    reading = [end for end, _ in pipes.values()]
    library.begin(*reading, os.open(os.environ["NOTES"], os.O_WRONLY | os.O_CREAT | os.O_APPEND))
    return library


library = load_library()


def leaves(query):
    kinds = {"waits": Waits, "raises": Raises, "waits_for_ever": WaitsForEver}
    setattr(local, query, kinds[query]())
    time.sleep(0.3)  # so that each of those at once has a green thread of its own


def leaves_in_c(query):
    library.leave()
    time.sleep(0.3)


def holds_lock(query):
    with LOCK:
        note("lock is held")
        go_on.wait()
        time.sleep(0.05)


def lets_go(query):
    go_on.set()


def lets_read(query):
    os.write(pipes[query][1], b"xxx")


def nothing(query):
    pass


FUNCTIONS = [leaves, leaves_in_c, holds_lock, lets_go, lets_read, nothing]
VIEWS = {function.__name__: function for function in FUNCTIONS}


def application(environ, start_response):
    VIEWS[environ["PATH_INFO"].strip("/")](environ["QUERY_STRING"])
    return plain(start_response, "right")
