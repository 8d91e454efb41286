"""What one thread does with something of gevent's, and what another one does in the middle of it: the
other comes at the nth instruction of ours, for each n. Each class here is such a case, and a view as the
functions are.
"""

import itertools
import os
import sys
import threading
import time

import gevent
import gevent.event
import gevent.lock
import gevent.os
import gevent.queue
import gevent.subprocess
import gevent.threadpool
from gevent._hub_local import get_hub_if_exists
from notes import plain

# For what ends unless it is broken.
DEADLINE = 10
# For the other, which may have to wait for the one that it has come in the middle of.
PATIENCE = 0.01


class Task(threading.Thread):
    """Calls ``function`` with itself, and then has an answer. ``is_waiting`` is set when it waits, if it
    says so by `waits`."""

    def __init__(self, function):
        super().__init__(daemon=True)
        self.function = function
        self.answer = "no answer"
        self.is_settled = threading.Event()
        self.start()

    def run(self):
        try:
            self.answer = self.function()
        except Exception as error:
            self.answer = repr(error)
        self.is_settled.set()
        hub = get_hub_if_exists()
        if hub is not None:
            hub.destroy(destroy_loop=True)

    def end(self):
        self.join(DEADLINE)
        return self.answer


def waits():
    """The thread that calls is settled as soon as it waits in its hub."""
    gevent.spawn(threading.current_thread().is_settled.set)


class Intrusion:
    """Calls ``function`` at the nth instruction of files of ours that the thread comes to."""

    def __init__(self, files, number, function):
        self.files = files
        self.number = number
        self.function = function
        self.place = None

    def trace(self, frame, event, _):
        if not frame.f_code.co_filename.endswith(self.files):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            self.number -= 1
            if self.number < 0 and self.place is None:
                try:
                    self.function()
                finally:
                    self.place = f"{frame.f_code.co_name}:{frame.f_lineno}"
        return self.trace

    def during(self, function):
        sys.settrace(self.trace)
        try:
            return function()
        finally:
            sys.settrace(None)


class Case:
    """Of a pair: ``first`` is made by the one or by a third, ``one`` and ``other`` use it, and
    ``after`` is done when the other has settled."""

    files = tuple(f"gevent/{name}.py>" for name in ("turns", "shareable", "events", "queues"))
    makers = "one", "third"

    def after(self):
        pass

    def intrude(self):
        self.task = Task(self.other)
        self.task.is_settled.wait(PATIENCE)
        self.is_settled.set()

    def run(self, number, maker):
        if maker == "third":
            self.make()
        self.task = None
        intrusion = Intrusion(self.files, number, self.intrude)

        def one():
            self.is_settled = threading.current_thread().is_settled
            if maker == "one":
                self.make()
            return intrusion.during(self.one)

        task = Task(one)
        task.is_settled.wait(DEADLINE)
        if self.task:
            self.task.is_settled.wait(DEADLINE)
        last = Task(self.after)
        answers = task.end(), self.task and self.task.end(), last.end()
        is_good = intrusion.place is None or self.is_good(*answers)
        return intrusion.place, None if is_good else f"{maker} made, {intrusion.place}: {answers}"


class EventIsCleared(Case):
    def make(self):
        self.event = gevent.event.Event()
        self.event.set()

    def one(self):
        return self.event.wait()

    def other(self):
        self.event.clear()

    def after(self):
        self.event.set()

    def is_good(self, one, other, after):
        return one is True


class EventIsWaitedFor(Case):
    def make(self):
        self.event = gevent.event.Event()

    def one(self):
        self.event.set()

    def other(self):
        waits()
        return self.event.wait()

    def is_good(self, one, other, after):
        return other is True


class EventIsLinked(Case):
    def make(self):
        self.event = gevent.event.Event()
        self.event.rawlink(print)

    def one(self):
        self.event.unlink(print)

    def other(self):
        waits()
        return gevent.wait([self.event], timeout=DEADLINE) == [self.event]

    def after(self):
        self.event.set()

    def is_good(self, one, other, after):
        return other is True


class ResultIsSet(Case):
    def make(self):
        self.result = gevent.event.AsyncResult()

    def one(self):
        waits()
        return self.result.wait(), self.result.get()

    def other(self):
        self.result.set("set")

    def after(self):
        self.result.set("set")

    def is_good(self, one, other, after):
        return one == ("set", "set")


class SemaphoreIsTaken(Case):
    def make(self):
        self.semaphore = gevent.lock.Semaphore(1)

    def one(self):
        return self.semaphore.acquire()

    def other(self):
        return self.semaphore.acquire(blocking=False)

    def after(self):
        if self.task.answer:
            self.semaphore.release()

    def is_good(self, one, other, after):
        return one is True and other in (True, False) and self.semaphore.counter == 0


class SemaphoreIsAwaited(Case):
    def make(self):
        self.semaphore = gevent.lock.Semaphore(0)

    def one(self):
        waits()
        return self.semaphore.wait()

    def other(self):
        self.semaphore.release()
        return self.semaphore.acquire(blocking=False)

    def after(self):
        self.semaphore.release()

    def is_good(self, one, other, after):
        return one == 1 or not other


class ItemIsTaken(Case):
    def make(self):
        self.queue = gevent.queue.Queue()
        self.queue.put("first")

    def one(self):
        return self.queue.get()

    def other(self):
        try:
            return self.queue.get(block=False)
        except gevent.queue.Empty:
            return None

    def after(self):
        self.queue.put("second")

    def is_good(self, one, other, after):
        left = list(self.queue.queue)
        return sorted(left + [item for item in (one, other) if item]) == ["first", "second"]


class ItemIsLookedAt(ItemIsTaken):
    def one(self):
        return self.queue.peek()

    def is_good(self, one, other, after):
        return (one, other) in (("first", "first"), ("second", "first"))


class QueueIsFilled(Case):
    def make(self):
        self.queue = gevent.queue.Queue(1)

    def one(self):
        self.queue.put("one")

    def other(self):
        try:
            self.queue.put("other", block=False)
        except gevent.queue.Full:
            return "full"

    def after(self):
        return self.queue.get()

    def is_good(self, one, other, after):
        left = list(self.queue.queue)
        return one is None and [after, *left] in (["other", "one"], ["one"])


class FinalizerSets(Case):
    """In the same thread, as a collection of garbage may at any instruction."""

    makers = ("third",)

    def make(self):
        self.events = gevent.event.Event(), gevent.event.Event()
        self.queue = gevent.queue.Queue()

    def one(self):
        self.queue.put("one")
        self.events[0].set()
        return self.events[0].wait()

    def intrude(self):
        self.task = Task(lambda: None)
        self.queue.put("other")
        for event in self.events:
            event.set()

    def is_good(self, one, other, after):
        return one is True and self.queue.qsize() == 2


class ChildIsWatched(Case):
    """By two threads, while a third one begins to watch another."""

    files = "gevent/children.py>"
    makers = ("one",)

    def make(self):
        self.pid = os.fork()
        if not self.pid:
            os._exit(3)
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        self.is_told = threading.Event()
        has_watcher = threading.Event()
        self.early = Task(lambda: self.status(self.watcher(), has_watcher, self.is_told))
        has_watcher.wait(DEADLINE)
        self.late = self.watcher()

    def watcher(self):
        return gevent.get_hub().loop.child(self.pid)

    def status(self, watcher, is_ready=None, is_told=None):
        if is_ready:
            is_ready.set()
            is_told.wait(DEADLINE)
        with watcher:
            gevent.get_hub().wait(watcher)
            return watcher.rpid == self.pid, os.waitstatus_to_exitcode(watcher.rstatus)

    def one(self):
        return self.status(self.late)

    def intrude(self):
        self.is_told.set()
        self.early.is_settled.wait(PATIENCE)
        super().intrude()

    def other(self):
        gevent.get_hub().loop.child(os.getpid()).close()

    def after(self):
        self.is_told.set()

    def is_good(self, one, other, after):
        return one == self.early.end() == (True, 3)


def explore(case):
    """At each instruction: a dot for what went well, and what went wrong, up to five faults."""
    count = faults = 0
    for maker in case.makers:
        for number in itertools.count():
            place, fault = case().run(number, maker)
            if place is None or faults == 5:
                break
            count += 1
            faults += bool(fault)
            yield f"{fault}\n" if fault else "."
    if count < 10:
        yield "hardly any instruction was come to"


def pulse(environ):
    """Who waits for an event wakes even if the thread that sets it clears it at once."""
    made = []

    def wait():
        made.append(gevent.event.Event())
        waits()
        return made[0].wait(DEADLINE)

    task = Task(wait)
    task.is_settled.wait(DEADLINE)
    made[0].set()
    made[0].clear()
    return str(task.end())


def referenced(environ):
    """A child's watcher keeps its hub going, or not, as it is told."""
    pid = os.fork()
    if not pid:
        time.sleep(0.2)  # for a hub that does not wait to be sure to miss it
        os._exit(0)
    hub = gevent.get_hub()
    with hub.loop.child(pid, ref=False) as watcher:
        ended = []
        watcher.ref = True
        watcher.start(ended.append, pid)
        hub.join()
        return str(ended == [pid])


def abandoned(environ):
    """A thread ends before the child that it watches: its hub leaves no descriptor, and the next child
    to be watched no zombie."""
    reader, writer = os.pipe()

    def watch():
        pid = gevent.os.fork_and_watch()
        if not pid:
            os.close(writer)
            os.read(reader, 1)
            os._exit(0)
        return pid

    pid = Task(watch).end()
    links = [os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
    held = [link for link in links if os.path.lexists(link) and "pidfd" in os.readlink(link)]
    os.close(writer)
    os.close(reader)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    gevent.subprocess.check_call(["true"])
    return f"{len(held)} {os.path.exists(f'/proc/{pid}')}"


def outlives_its_maker(environ):
    """A thread pool works on when the thread that has made it is gone, and its hub."""
    def make():
        pool = gevent.threadpool.ThreadPool(2)
        pool.map(str, range(3))
        return pool

    pool = Task(make).end()

    def use():
        numbers = pool.map(str, range(3))
        pool.maxsize = 1
        pool.maxsize = 3
        more = [result.get() for result in [pool.spawn(str, number) for number in range(8)]]
        pool.join()
        pool.kill()
        return numbers == more[:3] and pool.size == 0

    return str(Task(use).end())


def frees_its_threads(environ):
    """A thread of the pool is free when its task is done, whatever who wanted the task does now."""
    pool = gevent.threadpool.ThreadPool(1)
    is_taken, is_through = threading.Event(), threading.Event()

    def take():
        for _ in range(2):
            pool.spawn(int)
        is_taken.set()
        return is_through.wait(DEADLINE)

    def go_through():
        is_taken.wait(DEADLINE)
        pool.apply(int)
        is_through.set()

    tasks = Task(take), Task(go_through)
    return str([task.end() for task in tasks])


def grows_for_those_that_wait(environ):
    """Who waits for a thread of the pool gets one of those that another thread adds."""
    pool = gevent.threadpool.ThreadPool(1)
    is_over = threading.Event()
    for _ in range(2):
        pool.spawn(is_over.wait, DEADLINE)

    def go_through():
        waits()
        return pool.apply(is_over.is_set)

    tasks = [Task(go_through) for _ in range(2)]
    for task in tasks:
        task.is_settled.wait(DEADLINE)
    pool.maxsize = 5
    answers = [task.end() for task in tasks]
    is_over.set()
    return str(answers)


def nests(environ):
    """A task of a thread pool applies another one to the pool at once: no thread may be free."""
    pool = gevent.threadpool.ThreadPool(1)

    def outer():
        return pool.apply(threading.get_ident) == threading.get_ident()

    return str(Task(lambda: [pool.apply(outer), pool.apply(outer)]).end())


def replaces_its_threads(environ):
    """A thread of the pool that breaks while a task waits is replaced."""
    is_queued = threading.Event()

    class Thread(gevent.threadpool.ThreadPool._WorkerGreenlet):
        def _after_run_task(self, func, args, *others):
            super()._after_run_task(func, args, *others)
            if args:
                raise ValueError("breaks the thread")

    class Pool(gevent.threadpool.ThreadPool):
        _WorkerGreenlet = Thread

    def use():
        pool = Pool(1)
        pool.spawn(is_queued.wait, DEADLINE)
        waiting = pool.spawn(str)
        is_queued.set()
        return waiting.get(timeout=DEADLINE)

    return repr(Task(use).end())


def application(environ, start_response):
    found = globals()[environ["PATH_INFO"].lstrip("/")]
    if not isinstance(found, type):
        return plain(start_response, found(environ))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return (piece.encode() for piece in explore(found))
