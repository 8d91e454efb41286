"""The threads that requests run on, as `threading` knows them. Run once, by threads.rs.

For a thread that `threading` has not started it makes a _DummyThread as soon as somebody asks who runs:
a daemon, and what it starts are daemons; nobody can join it, and a forked child whose main thread it
becomes fails at its end. Ours get a Thread then. Not before: one takes 2 KiB, and most are never
asked for.
"""

import itertools
import sys
import threading

ours = set()
numbers = itertools.count(1)


class RequestThread(threading.Thread):
    """A thread of a worker's that serves requests, one after another."""

    # As threading's own _MainThread, but that nobody waits for it at the end of the process.
    def __init__(self):
        super().__init__(name=f"request-{next(numbers)}", daemon=False)
        self._started.set()
        self._set_ident()
        self._set_native_id()
        if IS_JOINED_BY_LOCK:
            # Released when CPython clears the state of the thread.
            self._tstate_lock = threading._set_sentinel()
            self._tstate_lock.acquire()
        else:
            self._handle = threading._make_thread_handle(self._ident)
        with threading._active_limbo_lock:
            threading._active[self._ident] = self

    def end(self):
        with threading._active_limbo_lock:
            del threading._active[self._ident]
        if not IS_JOINED_BY_LOCK:
            self._handle._set_done()


# Before CPython 3.13.
IS_JOINED_BY_LOCK = hasattr(threading, "_set_sentinel")

make_dummy = threading._DummyThread.__init__


def make(self):
    if threading.get_ident() in ours:
        self.__class__ = RequestThread
        self.__init__()
    else:
        make_dummy(self)


threading._DummyThread.__init__ = make


def begin():
    """A thread of the engine's begins, as Thread._bootstrap does."""
    ours.add(threading.get_ident())
    if threading.gettrace() is not None:
        sys.settrace(threading.gettrace())
    if threading.getprofile() is not None:
        sys.setprofile(threading.getprofile())


def end():
    """It ends."""
    sys.settrace(None)
    sys.setprofile(None)
    ours.discard(threading.get_ident())
    thread = threading._active.get(threading.get_ident())
    if type(thread) is RequestThread:
        thread.end()
