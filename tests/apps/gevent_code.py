"""Views as they are written for gunicorn's gevent worker, patching included."""

from gevent import monkey

monkey.patch_all(thread=False)

import gc
import os
import threading
import time

import gevent
import gevent.event
import gevent.local
import gevent.lock
import gevent.pool
import gevent.queue
import greenlet
from gevent.monkey import patch_socket
from notes import note, plain

import psycogreen.gevent

patch_socket()
psycogreen.gevent.patch_psycopg()

event = gevent.event.Event()
items = gevent.queue.Queue()
semaphore = gevent.lock.BoundedSemaphore(2)
kept = []


def is_patched(environ):
    import socket
    return " ".join(str(thing.__module__) for thing in (time.sleep, socket.socket, threading.Lock))


def hub(environ):
    """Greenlets of one request take turns in it."""
    token = environ["QUERY_STRING"]
    order = []

    def job(number):
        for step in range(3):
            order.append((step, number))
            gevent.sleep(0.01)
        return f"{token}.{number}"

    jobs = [gevent.spawn(job, number) for number in range(3)]
    gevent.joinall(jobs, raise_error=True)
    assert [step for step, _ in order] == [0, 0, 0, 1, 1, 1, 2, 2, 2], order
    return " ".join(job.value for job in jobs)


def sleep(environ):
    gevent.sleep(0.3)
    return "slept"


def pool(environ):
    def square(number):
        gevent.sleep(0.01)
        return number * number
    return str(gevent.pool.Pool(4).map(square, range(10)))


def timeout(environ):
    try:
        with gevent.Timeout(0.05):
            gevent.sleep(5)
    except gevent.Timeout:
        return "timed out"


def own_queue(environ):
    queue = gevent.queue.Queue()
    gevent.spawn_later(0.02, queue.put, "item")
    return queue.get(timeout=5)


def wait_for_event(environ):
    note("waiting")
    return "set" if event.wait(20) else "timed out"


def set_event(environ):
    event.set()
    return "done"


def wait_for_item(environ):
    note("waiting")
    return str(items.get(timeout=20))


def put_item(environ):
    items.put(environ["QUERY_STRING"])
    return "done"


inside = 0
most = 0


def guarded(environ):
    global inside, most
    with semaphore:
        inside += 1
        most = max(most, inside)
        time.sleep(0.01)
        inside -= 1
    return str(most)


def leave_unfinished(environ):
    gevent.spawn(lambda: (gevent.sleep(0.05), note("finished")))
    return "left"


def endless(environ):
    def forever():
        while True:
            gevent.sleep(0.01)
    gevent.spawn(forever)
    gevent.sleep(0)
    return "left"


def switched(environ):
    """Greenlets without gevent: two that hand a number to and fro, and a blocking call in each."""
    def ping(number):
        while number < 20:
            time.sleep(0.001)
            number = other.switch(number + 1)
        return number

    def pong(number):
        while True:
            time.sleep(0.001)
            number = one.switch(number + 1)

    one, other = greenlet.greenlet(ping), greenlet.greenlet(pong)
    answer = one.switch(0)
    if environ["QUERY_STRING"] == "keep":
        kept.append(other)
    return str(answer)


def deep(environ):
    """A greenlet that is left in the middle of a deep call, over a blocking one."""
    def down(depth):
        if depth:
            return sorted([depth], key=lambda _: down(depth - 1))
        time.sleep(0.005)
        greenlet.getcurrent().parent.switch("middle")
    child = greenlet.greenlet(down)
    return child.switch(50)


def raised(environ):
    def fail():
        gevent.sleep(0)
        raise ValueError("raised in a greenlet")
    try:
        gevent.spawn(fail).get()
    except ValueError as error:
        return str(error)


def elsewhere(environ):
    """Switching to another request's greenlet is an error, as between threads."""
    other = greenlet.greenlet(lambda: greenlet.getcurrent().parent.switch())
    other.switch()
    answers = []
    def run():
        try:
            other.switch()
        except greenlet.error as error:
            answers.append(str(error))
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return answers[0]


def counts(environ):
    gc.collect()
    fds = len(os.listdir("/proc/self/fd"))
    alive = sum(isinstance(thing, greenlet.greenlet) for thing in gc.get_objects())
    threads = len(os.listdir("/proc/self/task"))
    with open("/proc/self/statm") as statm:
        resident = int(statm.read().split()[1]) * 4
    return f"{fds} {alive} {threads} {resident}"


def application(environ, start_response):
    view = globals()[environ["PATH_INFO"].lstrip("/")]
    return plain(start_response, view(environ))
