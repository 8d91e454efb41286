"""The threads that requests run on, as `threading` knows them. Run once, by request_threads.rs, which
provides ``is_ours``.

For a thread that `threading` has not started it makes a _DummyThread as soon as somebody asks who runs:
a daemon, and what it starts are daemons; nobody can join it, and a forked child whose main thread it
becomes fails at its end. Ours get a Thread then. Not before: one takes memory, and most are never
asked for.
"""

import itertools
import threading

numbers = itertools.count(1)


class RequestThread(threading.Thread):
    """A thread of a worker's that serves requests, one after another."""

    # As threading's own _MainThread, except that nobody waits for it at the end of the process.
    def __init__(self):
        super().__init__(name=f"request-{next(numbers)}", daemon=False)
        self._started = STARTED
        self._set_ident()
        self._set_native_id()
        if IS_JOINED_BY_LOCK:
            # Released when CPython clears the state of the thread.
            self._tstate_lock = threading._set_sentinel()
            self._tstate_lock.acquire()
        else:
            setattr(self, HANDLE, threading._make_thread_handle(self._ident))
        with threading._active_limbo_lock:
            threading._active[self._ident] = self

    def end(self):
        with threading._active_limbo_lock:
            del threading._active[self._ident]
        if not IS_JOINED_BY_LOCK:
            getattr(self, HANDLE)._set_done()


# One for all: it is more than half of a Thread.
STARTED = threading.Event()
STARTED.set()
# Before CPython 3.13.
IS_JOINED_BY_LOCK = hasattr(threading, "_set_sentinel")
# Its name since 3.14, and in 3.13.
HANDLE = "_os_thread_handle" if "_os_thread_handle" in vars(threading.main_thread()) else "_handle"

make_dummy = threading._DummyThread.__init__


def make(self):
    if is_ours():  # noqa: F821
        self.__class__ = RequestThread
        self.__init__()
    else:
        make_dummy(self)


threading._DummyThread.__init__ = make


def begin():
    """A thread of the engine's begins."""
    # Where a thread was that has ended and left its dummy: CPython takes few of them back, and none
    # that a destructor made at that thread's end.
    with threading._active_limbo_lock:
        threading._active.pop(threading.get_ident(), None)


def end():
    """It ends."""
    thread = threading._active.get(threading.get_ident())
    if type(thread) is RequestThread:
        thread.end()
