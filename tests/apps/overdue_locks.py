"""Locks of every kind that requests wait for until they are overdue, and what is left of the locks.

    /take?KIND    an OS thread takes the lock, and keeps it until /give?KIND
    /enter?KIND   the request takes it, is alone inside, and gives it back
    /wait?KIND    the request waits for what /come?KIND brings
    /state?KIND   "free", or what is wrong, when nobody should be left

The buffered writer is a lock too: whoever waits for it in CPython does not listen to signals. Its
record of 10,000 equal bytes (b=N) must never be mixed with another's.
"""

import _imp
import contextlib
import io
import queue
import threading
import time

from notes import plain

RECORD = 10_000


class Slow(io.RawIOBase):
    """What the writer is over: holds up a write while its gate is shut, and sees who else is inside."""

    def __init__(self):
        self.gate = threading.Event()
        self.gate.set()
        self.written = bytearray()
        self.inside = 0
        self.faults = []

    def writable(self):
        return True

    def write(self, piece):
        self.inside += 1
        try:
            if self.inside > 1:
                self.faults.append(f"{self.inside} threads inside the writer")
            while not self.gate.is_set():
                time.sleep(0.005)
            time.sleep(0.002)  # long enough for others to come in, if they can
            self.written += piece
            return len(piece)
        finally:
            self.inside -= 1


SLOW = Slow()
WRITER = io.BufferedWriter(SLOW, 4096)


@contextlib.contextmanager
def importing():
    try:
        # Does not listen: whatever is due is raised when it has the lock, before another line runs.
        _imp.acquire_lock()
        yield
    finally:
        _imp.release_lock()


LOCKS = {
    "lock": threading.Lock(),
    "recursive": threading.RLock(),
    "condition": threading.Condition(),
    "semaphore": threading.Semaphore(1),
    "bounded-semaphore": threading.BoundedSemaphore(1),
}
CONTEXTS = {**{name: lambda lock=lock: lock for name, lock in LOCKS.items()}, "import": importing}

INSIDE = dict.fromkeys(CONTEXTS, 0)
FAULTS = {name: [] for name in (*CONTEXTS, "writer")}
GIVEN = {name: threading.Event() for name in CONTEXTS}
HOLDERS = {}
# Requests that are in a view, whatever their clients know.
BUSY = {}


@contextlib.contextmanager
def alone(kind):
    with CONTEXTS[kind]():
        INSIDE[kind] += 1
        if INSIDE[kind] > 1:
            FAULTS[kind].append(f"{INSIDE[kind]} inside")
        try:
            yield
        finally:
            INSIDE[kind] -= 1


def hold(kind):
    if kind == "writer":
        return record(0)
    with alone(kind):
        GIVEN[kind].wait()


def take(kind):
    if kind == "writer":
        SLOW.gate.clear()
    HOLDERS[kind] = threading.Thread(target=hold, args=(kind,))
    HOLDERS[kind].start()
    while (SLOW.inside if kind == "writer" else INSIDE[kind]) == 0:
        time.sleep(0.001)


def give(kind):
    if kind == "writer":
        SLOW.gate.set()
    else:
        GIVEN[kind].set()
    HOLDERS.pop(kind).join()


def record(byte):
    WRITER.write(bytes([byte]) * RECORD)
    WRITER.flush()


def enter(kind, b="0"):
    if kind == "writer":
        return record(int(b))
    with alone(kind):
        time.sleep(0.002)


# What is waited for without being alone.

EVENT = threading.Event()
QUEUE = queue.Queue()
FULL = queue.Queue(1)
FULL.put("first")
SIMPLE = queue.SimpleQueue()
COME = threading.Condition()
BARRIER = threading.Barrier(2)


def in_condition():
    with COME:
        COME.wait()


def notify():
    with COME:
        COME.notify()


WAITS = {
    "event": (EVENT.wait, EVENT.set, lambda: not EVENT._cond._waiters),
    "queue": (QUEUE.get, lambda: QUEUE.put("item"), lambda: QUEUE.qsize() == 0),
    "full-queue": (lambda: FULL.put("second"), FULL.get, lambda: FULL.qsize() == 1),
    "simple-queue": (SIMPLE.get, lambda: SIMPLE.put("item"), lambda: SIMPLE.qsize() == 0),
    "condition-wait": (in_condition, notify, lambda: not COME._waiters),
    "barrier": (BARRIER.wait, BARRIER.wait, lambda: BARRIER.n_waiting == 0 and not BARRIER.broken),
}


def wait(kind):
    WAITS[kind][0]()


def come(kind):
    WAITS[kind][1]()


def state(kind):
    if kind in WAITS:
        return "free" if WAITS[kind][2]() else "not as it was"
    if kind == "writer":
        return "; ".join(SLOW.faults) or "free"
    faults = list(FAULTS[kind])
    lock = LOCKS.get(kind)
    if kind in LOCKS:
        if not lock.acquire(blocking=False):
            faults.append("still taken")
        else:
            lock.release()
    elif _imp.lock_held():
        faults.append("still taken")
    return "; ".join(faults) or "free"


def busy(kind):
    return str(BUSY.get(kind, 0))


def written(kind):
    return bytes(SLOW.written)


def application(environ, start_response):
    kind, _, rest = environ["QUERY_STRING"].partition("&")
    name = environ["PATH_INFO"].lstrip("/")
    arguments = dict([rest.split("=")]) if rest else {}
    is_counted = name in ("enter", "wait")
    if is_counted:
        BUSY[kind] = BUSY.get(kind, 0) + 1
    try:
        answer = globals()[name](kind, **arguments)
    finally:
        if is_counted:
            BUSY[kind] -= 1
    return plain(start_response, "done" if answer is None else answer)
