"""Views as they are written for gunicorn's gevent worker, patching included."""

from gevent import monkey

monkey.patch_all(thread=False)

import asyncio
import concurrent.futures
import gc
import functools
import importlib
import os
import sys
import threading
import time

import gevent
import gevent.event
import gevent.local
import gevent.lock
import gevent.pool
import gevent.queue
import gevent.server
import gevent.socket
import gevent.subprocess
import gevent.threadpool
import greenlet
from gevent.monkey import patch_socket
from notes import note, plain
import psycogreen.gevent
import sqlalchemy.util

patch_socket(dns=False)
gevent.monkey.patch_thread()
importlib.reload(gevent.monkey).patch_all()
psycogreen.gevent.patch_psycopg()

event = gevent.event.Event()
items = gevent.queue.Queue()
semaphore = gevent.lock.BoundedSemaphore(2)
kept = []


def origins(environ):
    """Where the standard library's functions come from; psycopg2's wait callback is none."""
    import psycopg2.extensions
    import socket

    things = time.sleep, socket.socket, threading.Lock
    callback = psycopg2.extensions.get_wait_callback()
    return f"{' '.join(thing.__module__ for thing in things)} {callback}"


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


def wait_long(environ):
    gevent.spawn(gevent.sleep, 60)
    gevent.sleep(60)
    return "waited"


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


def bridge(environ):
    """SQLAlchemy's way from blocking code to an event loop, which is greenlet alone."""
    def blocking(token):
        for _ in range(3):
            sqlalchemy.util.await_only(asyncio.sleep(0.01))
        return token

    async def main():
        return await sqlalchemy.util.greenlet_spawn(blocking, environ["QUERY_STRING"])

    return asyncio.run(main())


def result(environ):
    """Values that another greenlet gives, and gevent's own waits for them."""
    first, second = gevent.event.AsyncResult(), gevent.event.Event()
    gevent.spawn_later(0.01, first.set, "given")
    gevent.spawn_later(0.02, second.set)
    done = gevent.wait([first, second], timeout=5)
    failed = gevent.event.AsyncResult()
    failed.set_exception(KeyError("as it was set"))
    try:
        failed.get(timeout=5)
    except KeyError:
        return f"{first.get()} {len(done)} {gevent.event.Event().wait(0.01)}"


def tasks(environ):
    """A queue with a limit, workers, and a join."""
    queue, done = gevent.queue.JoinableQueue(2), []
    def work():
        for item in queue:
            gevent.sleep(0.001)
            done.append(item)
            queue.task_done()
    workers = [gevent.spawn(work) for _ in range(2)]
    for number in range(10):
        queue.put(number)
    queue.join()
    gevent.killall(workers)
    try:
        queue.get_nowait()
    except gevent.queue.Empty:
        return str(sorted(done))


shared_pool = gevent.pool.Pool(20)


def shared(environ):
    """One pool for the greenlets of all requests."""
    def job():
        gevent.sleep(0.01)
        return environ["QUERY_STRING"]
    return shared_pool.spawn(job).get(timeout=20)


def threadpool(environ):
    thread = gevent.get_hub().threadpool.spawn(threading.get_ident).get(timeout=20)
    pool = gevent.threadpool.ThreadPool(2)
    names = pool.map(str, range(3))
    pool.kill()
    return f"{thread != threading.get_ident()} {names}"


def executor(environ):
    with gevent.threadpool.ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(pow, number, 2) for number in range(3)]
        return str([future.result(timeout=20) for future in futures])


thread_pool = gevent.threadpool.ThreadPool(3)
thread_executor = gevent.threadpool.ThreadPoolExecutor(3)


@functools.cache
def thread_pool_of_the_first():
    return gevent.threadpool.ThreadPool(3)


def in_threads(pool, token):
    """By each of the ways into a thread pool, in other threads than the caller's."""
    caller = threading.get_ident()

    def job(number):
        time.sleep(0.001)
        assert threading.get_ident() != caller
        return f"{token}.{number}"

    ways = [
        [pool.spawn(job, number).get(timeout=20) for number in range(3)],
        pool.map(job, range(3)),
        [pool.apply(job, (number,)) for number in range(3)],
        [pool.apply_async(job, (number,)).get(timeout=20) for number in range(3)],
        list(pool.imap(job, range(3))),
        sorted(pool.imap_unordered(job, range(3))),
    ]
    assert ways == [ways[0]] * len(ways), ways
    return " ".join(ways[0])


def thread_pool_at_import(environ):
    return in_threads(thread_pool, environ["QUERY_STRING"])


def thread_pool_in_a_request(environ):
    return in_threads(thread_pool_of_the_first(), environ["QUERY_STRING"])


def executor_at_import(environ):
    """In more greenlets than it has threads: some have to wait for their turn to submit."""
    def job(number):
        time.sleep(0.001)
        return f"{environ['QUERY_STRING']}.{number}"

    def submit(number):
        return thread_executor.submit(job, number).result(timeout=20)

    jobs = [gevent.spawn(submit, number) for number in range(10)]
    return " ".join([job.get(timeout=20) for job in jobs][:3])


def executor_by_the_standard_library(environ):
    """What concurrent.futures knows of gevent's futures, and one that is asked now and then."""
    def job(number):
        time.sleep(0.001)
        return f"{environ['QUERY_STRING']}.{number}"

    def submitted():
        return [thread_executor.submit(job, number) for number in range(3)]

    asked = submitted()
    deadline = time.monotonic() + 20
    while not all(future.done() for future in asked):
        assert time.monotonic() < deadline, asked
        time.sleep(0.001)
    ways = [
        [future.result() for future in asked],
        sorted(done.result() for done in concurrent.futures.as_completed(submitted(), 20)),
        sorted(done.result() for done in concurrent.futures.wait(submitted(), 20).done),
        list(thread_executor.map(job, range(3), timeout=20)),
    ]
    assert ways == [ways[0]] * len(ways), ways
    return " ".join(ways[0])


def raised_in_threads(environ):
    raised = []
    for call in (
        thread_pool.spawn(int, "no number").get,
        lambda: thread_pool.map(int, ["no number"]),
        thread_executor.submit(int, "no number").result,
    ):
        try:
            call()
        except ValueError as error:
            raised.append("no number" in str(error))
    return str(raised)


def end_thread_pools(environ):
    thread_pool.join()
    thread_pool.kill()
    thread_executor.shutdown()
    return f"{len(thread_pool)} {thread_pool.size}"


def thread_pool_in_a_child(environ):
    """It has none of the pool's threads, and makes its own."""
    thread_pool.apply(str, (1,))
    pid = os.fork()
    if not pid:
        os._exit(7 if thread_pool.map(str, range(5)) == list("01234") else 1)
    return str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def look_up(environ):
    answers = gevent.socket.getaddrinfo("localhost", 80, gevent.socket.AF_INET)
    return answers[0][4][0]


def stream_server(environ):
    """A server and its client, found by name, in one request."""
    def echo(connection, address):
        connection.sendall(connection.recv(100).upper())
        connection.close()

    server = gevent.server.StreamServer(("127.0.0.1", 0), echo)
    server.start()
    with gevent.socket.create_connection(("localhost", server.server_port)) as connection:
        connection.sendall(b"echo")
        answer = connection.recv(100)
    server.stop()
    return answer


def imap(environ):
    pool = gevent.pool.Pool(2)
    unordered = pool.imap_unordered(abs, [-3, -2, -1], maxsize=1)
    return f"{list(pool.imap(abs, [-1, -2, -3]))} {sorted(unordered)}"


def queues(environ):
    """What gevent's queues have beyond the standard library's."""
    queue = gevent.queue.Queue[int](maxsize=1)
    try:
        queue.get(timeout=gevent.Timeout(0.02))
    except gevent.Timeout:
        queue.put(1)
    getter = gevent.spawn_later(0.01, queue.get)
    queue.put(2, timeout=gevent.Timeout(20))
    getter.join()
    queue.shutdown()
    try:
        return str([queue.get(), queue.get()])
    except gevent.queue.ShutDown:
        return f"shut down {isinstance(gevent.queue.LifoQueue(), gevent.queue.Queue)}"


def child(environ):
    code = "import sys; sys.stdin.read(); print('printed'); raise SystemExit(3)"
    command = [sys.executable, "-c", code]
    asked, asks = os.pipe()
    process = gevent.subprocess.Popen(
        command, stdin=asked, stdout=gevent.subprocess.PIPE, text=True
    )
    os.close(asked)
    order = []

    def runs_beside():
        order.append("beside")
        os.close(asks)

    beside = gevent.spawn_later(0.01, runs_beside)
    order.append(process.communicate(timeout=20)[0].strip())
    beside.join()
    polled = gevent.subprocess.Popen(["true"])
    while polled.poll() is None:
        pass
    pid = gevent.os.fork_and_watch()
    if not pid:
        os._exit(5)
    status = gevent.os.waitpid(pid, 0)[1]
    return f"{order} {process.returncode} {os.waitstatus_to_exitcode(status)}"


@functools.cache
def made_at_first_use():
    """Belongs to the request that comes first, until the second one."""
    return gevent.event.Event(), gevent.queue.Queue(), gevent.lock.Semaphore(0)


def wait_for_what(environ):
    """What others give to those who wait, the maker among them."""
    event, queue, semaphore = made_at_first_use()
    note("waiting")
    match environ["QUERY_STRING"]:
        case "event":
            return str(event.wait(timeout=20))
        case "linked":
            return str(gevent.wait([event], timeout=20) == [event])
        case "queue":
            return str(queue.get(timeout=gevent.Timeout(20)))
        case "semaphore":
            return str(semaphore.acquire(timeout=20))
        case "plainly":
            # In the only greenlet, without a time limit.
            return str(queue.peek())


def give_what_is_awaited(environ):
    event, queue, semaphore = made_at_first_use()
    event.set()
    for _ in range(10):
        queue.put(True)
        semaphore.release()
    return "given"


def own_local(environ):
    """gevent.local, by greenlet."""
    local = gevent.local.local()
    def job(number):
        local.value = number
        gevent.sleep(0.01)
        return local.value
    return str([job.get() for job in [gevent.spawn(job, number) for number in range(3)]])


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
