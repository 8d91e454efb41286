"""Everything of threading and queue. Who wakes is an OS thread, or another request."""

import queue
import threading
import time

from .view import later, view


@view
def lock(token, seconds):
    held = threading.Lock()
    held.acquire()
    later(seconds, held.release)
    with held:
        return token


@view
def lock_times_out(token, seconds):
    held = threading.Lock()
    held.acquire()
    return "got it" if held.acquire(timeout=seconds) else token


def hold(held, wait):
    """Another OS thread holds it while it waits; returns as soon as that has it."""
    is_held = threading.Event()

    def holder():
        with held:
            is_held.set()
            wait()

    threading.Thread(target=holder, daemon=True).start()
    is_held.wait()


@view
def recursive_lock(token, seconds):
    held = threading.RLock()
    hold(held, lambda: time.sleep(seconds))
    with held, held:
        return token


@view
def recursive_lock_times_out(token, seconds):
    held = threading.RLock()
    over = threading.Event()
    hold(held, over.wait)
    try:
        return "got it" if held.acquire(timeout=seconds) else token
    finally:
        over.set()


shared_lock = threading.RLock()
inside = []


@view
def one_lock_for_all(token, seconds):
    # Green threads wait for a green thread; in the lock for a moment only, or it would add up.
    time.sleep(seconds)
    with shared_lock, shared_lock:
        inside.append(token)
        time.sleep(0.001)
        return inside.pop() if len(inside) == 1 else "not alone"


@view
def condition(token, seconds):
    changed = threading.Condition()
    found = []

    def notify():
        with changed:
            found.append(token)
            changed.notify()

    later(seconds, notify)
    with changed:
        changed.wait_for(lambda: found)
    return found[0]


@view
def condition_times_out(token, seconds):
    changed = threading.Condition()
    with changed:
        return "notified" if changed.wait(seconds) else token


@view
def event(token, seconds):
    happened = threading.Event()
    later(seconds, happened.set)
    happened.wait()
    return token


@view
def event_times_out(token, seconds):
    return "set" if threading.Event().wait(seconds) else token


@view
def semaphore(token, seconds):
    slots = threading.Semaphore(0)
    later(seconds, slots.release)
    with slots:
        return token


@view
def semaphore_times_out(token, seconds):
    return "got it" if threading.Semaphore(0).acquire(timeout=seconds) else token


@view
def barrier(token, seconds):
    meeting = threading.Barrier(2)
    later(seconds, meeting.wait)
    meeting.wait()
    return token


@view
def barrier_times_out(token, seconds):
    try:
        threading.Barrier(2).wait(seconds)
    except threading.BrokenBarrierError:
        return token
    return "met nobody"


@view
def queue_get(token, seconds):
    items = queue.Queue()
    later(seconds, items.put, token)
    return items.get()


@view
def queue_get_with_timeout(token, seconds):
    items = queue.Queue()
    later(seconds, items.put, token)
    return items.get(timeout=20)


@view
def queue_get_times_out(token, seconds):
    try:
        return queue.Queue().get(timeout=seconds)
    except queue.Empty:
        return token


@view
def simple_queue(token, seconds):
    items = queue.SimpleQueue()
    later(seconds, items.put, token)
    return items.get()


partners = {}


def queue_of(number):
    # In one step: a defaultdict makes two of them, if another request comes while it makes the first.
    return partners.setdefault(number, queue.Queue())


@view
def queue_between_requests(token, seconds):
    # Tokens come in pairs, 2n and 2n+1: each answers with what its partner sent, less one bit.
    number = int(token)
    time.sleep(seconds)
    queue_of(number ^ 1).put(number)
    try:
        return str(queue_of(number).get(timeout=20) ^ 1)
    finally:
        del partners[number]
