"""gevent's events, queues and semaphores, for greenlets of several requests at once.

gevent's own belong to the hub of the thread that used them first, and under green threads each
request has a hub of its own: between requests they raise, or wait for ever, as they do between OS
threads. These wait in the caller's hub if it has one, and else as the caller's thread does. Run by
modules.py when gevent is first imported; ``gevent.hub`` and what it imports is there by then.
"""

import heapq
import queue as standard
from _thread import allocate_lock
from collections import deque
from time import monotonic
from time import sleep as sleep_as_thread

from gevent._hub_local import get_hub, get_hub_if_exists


class Turn:
    """One wait of one greenlet, or of a whole thread that has no greenlets. ``release``, from any
    thread, ends it."""

    def __init__(self):
        hub = get_hub_if_exists()
        if hub is None or hub.loop is None:
            self.watcher = None
            self.lock = allocate_lock()
            self.lock.acquire()
            self.release = self.lock.release
        else:
            from gevent._waiter import Waiter

            self.waiter = Waiter(hub)
            # It also keeps the hub from giving up because nothing else is under way in it.
            self.watcher = hub.loop.async_()
            self.watcher.start(self.waiter.switch, True)
            self.release = self.watcher.send

    def wait(self, timeout):
        """Whether it was released within ``timeout``."""
        if self.watcher is None:
            return self.lock.acquire(True, -1 if timeout is None else max(timeout, 0))
        from gevent.timeout import Timeout

        with Timeout._start_new_or_dummy(timeout) as timer:
            try:
                return self.waiter.get()
            except Timeout as expired:
                if expired is not timer:
                    raise
                return False

    def close(self):
        if self.watcher is not None:
            self.watcher.stop()
            self.watcher.close()


class Condition:
    """threading.Condition over turns. Nothing switches greenlets while its lock is held."""

    def __init__(self):
        self.lock = allocate_lock()
        self.turns = deque()

    def __enter__(self):
        self.lock.acquire()

    def __exit__(self, *exception):
        self.lock.release()

    def wait_for(self, predicate, timeout=None):
        """Waits until ``predicate`` holds; whether it does."""
        deadline = None if timeout is None else monotonic() + timeout
        while not predicate():
            left = None if deadline is None else deadline - monotonic()
            if left is not None and left <= 0:
                return False
            self.wait(left)
        return True

    def wait(self, timeout):
        """Waits for a notice; whether it came within ``timeout``."""
        turn = Turn()
        self.turns.append(turn)
        self.lock.release()
        is_woken = False
        try:
            is_woken = turn.wait(timeout)
        finally:
            self.lock.acquire()
            try:
                self.turns.remove(turn)
            except ValueError:
                # It was notified. If it is killed, or too late to notice, the next one is.
                if not is_woken:
                    self.notify()
            turn.close()
        return is_woken

    def notify(self, count=1):
        while self.turns and count:
            self.turns.popleft().release()
            count -= 1

    def notify_all(self):
        self.notify(len(self.turns))


class Linkable:
    """What ``gevent.wait`` needs: callbacks, each run in the hub that it was linked in."""

    def __init__(self):
        self._changed = Condition()
        self._links = []

    def rawlink(self, callback):
        self._links.append((callback, get_hub()))
        if self.ready():
            self._call_links()

    def unlink(self, callback):
        self._links = [link for link in self._links if link[0] != callback]

    def linkcount(self):
        return len(self._links) + len(self._changed.turns)

    def _call_links(self):
        links, self._links = self._links, []
        for callback, hub in links:
            if hub.loop is not None:
                hub.loop.run_callback_threadsafe(callback, self)


class Event(Linkable):
    """gevent.event.Event."""

    def __init__(self):
        super().__init__()
        self._flag = False

    def is_set(self):
        return self._flag

    isSet = ready = is_set

    def set(self):
        with self._changed:
            self._flag = True
            self._changed.notify_all()
        self._call_links()

    def clear(self):
        self._flag = False

    def wait(self, timeout=None):
        with self._changed:
            # Once: who waited when it was set was woken, even if it is cleared again by now.
            return self._flag or self._changed.wait(timeout) or self._flag


class AsyncResult(Linkable):
    """gevent.event.AsyncResult."""

    def __init__(self):
        super().__init__()
        self._done = False
        self.value = None
        self.exc_info = ()

    @property
    def exception(self):
        return self.exc_info[1] if self.exc_info else None

    def ready(self):
        return self._done

    done = ready

    def successful(self):
        return self._done and not self.exc_info

    def set(self, value=None):
        self._finish(value, ())

    set_result = set

    def set_exception(self, exception, exc_info=None):
        self._finish(None, exc_info or (type(exception), exception, exception.__traceback__))

    def _finish(self, value, exc_info):
        with self._changed:
            self.value, self.exc_info, self._done = value, exc_info, True
            self._changed.notify_all()
        self._call_links()

    def get(self, block=True, timeout=None):
        if not self._done:
            from gevent.timeout import Timeout

            if not block:
                raise Timeout()
            # Given a Timeout instead of a number, the caller wants that one.
            timer = Timeout._start_new_or_dummy(timeout)
            try:
                with self._changed:
                    self._changed.wait_for(self.ready)
            finally:
                timer.close()
        if self.exc_info:
            raise self.exc_info[1]
        return self.value

    result = get

    def get_nowait(self):
        return self.get(block=False)

    def wait(self, timeout=None):
        with self._changed:
            self._changed.wait_for(self.ready, timeout)
        return self.value

    def __call__(self, source):
        if source.successful():
            self.set(source.value)
        else:
            self.set_exception(source.exception, getattr(source, "exc_info", None))

    def cancel(self):
        return False

    cancelled = cancel


class Semaphore(Linkable):
    """gevent.lock.Semaphore."""

    def __init__(self, value=1, hub=None):
        if value < 0:
            raise ValueError("semaphore initial value must be >= 0")
        super().__init__()
        self.counter = value

    def ready(self):
        return self.counter > 0

    def locked(self):
        return self.counter <= 0

    def acquire(self, blocking=True, timeout=None):
        if timeout is not None and timeout < 0:
            timeout = None  # threading's way to say so
        with self._changed:
            if not self._changed.wait_for(self.ready, timeout if blocking else 0):
                return False
            self.counter -= 1
            return True

    _py3k_acquire = acquire

    def release(self):
        with self._changed:
            self.counter += 1
            self._changed.notify()
        self._call_links()
        return self.counter

    def wait(self, timeout=None):
        with self._changed:
            if self._changed.wait_for(self.ready, timeout):
                self._changed.notify()  # it takes nothing
        return self.counter

    def __enter__(self):
        self.acquire()

    def __exit__(self, *exception):
        self.release()


class BoundedSemaphore(Semaphore):
    """gevent.lock.BoundedSemaphore."""

    _OVER_RELEASE_ERROR = ValueError

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._initial_value = self.counter

    def release(self):
        if self.counter >= self._initial_value:
            raise self._OVER_RELEASE_ERROR("Semaphore released too many times")
        return super().release()


class SimpleQueue:
    """gevent.queue.SimpleQueue."""

    def __init__(self, maxsize=None, items=(), _warn_depth=2):
        self.maxsize = maxsize if maxsize is not None and maxsize > 0 else None
        self._changed = Condition()
        self._not_full = Condition()
        self._not_full.lock = self._changed.lock
        self._init(self.maxsize)
        for item in items:
            self._put(item)

    def _init(self, maxsize):
        self.queue = deque()

    def _put(self, item):
        self.queue.append(item)

    def _get(self):
        return self.queue.popleft()

    def _peek(self):
        return self.queue[0]

    def _qsize(self):
        return len(self.queue)

    def qsize(self):
        return self._qsize()

    def __len__(self):
        return self._qsize()

    def __bool__(self):
        return True

    def empty(self):
        return not self._qsize()

    def full(self):
        return self.maxsize is not None and self._qsize() >= self.maxsize

    def copy(self):
        return type(self)(self.maxsize, list(self.queue))

    def put(self, item, block=True, timeout=None):
        with self._changed:
            if not self._not_full.wait_for(lambda: not self.full(), timeout if block else 0):
                raise standard.Full
            self._put(item)
            self._changed.notify()

    def get(self, block=True, timeout=None):
        with self._changed:
            self._wait_for_item(block, timeout)
            item = self._get()
            self._not_full.notify()
            return item

    def peek(self, block=True, timeout=None):
        with self._changed:
            self._wait_for_item(block, timeout)
            self._changed.notify()  # it takes nothing
            return self._peek()

    def _wait_for_item(self, block, timeout):
        if not self._changed.wait_for(self._qsize, timeout if block else 0):
            raise standard.Empty

    def put_nowait(self, item):
        self.put(item, False)

    def get_nowait(self):
        return self.get(False)

    def peek_nowait(self):
        return self.peek(False)

    def __iter__(self):
        return self

    def __next__(self):
        item = self.get()
        if item is StopIteration:
            raise item
        return item


class Queue(SimpleQueue):
    """gevent.queue.Queue, which counts tasks."""

    def __init__(self, maxsize=None, items=(), unfinished_tasks=None):
        self.unfinished_tasks = 0
        self._cond = Event()
        super().__init__(maxsize, items)
        count = self._qsize() if unfinished_tasks is None else unfinished_tasks
        self.unfinished_tasks = count
        if not count:
            self._cond.set()

    def put(self, item, block=True, timeout=None):
        with self._changed:
            if not self._not_full.wait_for(lambda: not self.full(), timeout if block else 0):
                raise standard.Full
            self._put(item)
            self.unfinished_tasks += 1
            self._cond.clear()
            self._changed.notify()

    def task_done(self):
        with self._changed:
            if self.unfinished_tasks <= 0:
                raise ValueError("task_done() called too many times")
            self.unfinished_tasks -= 1
            is_done = not self.unfinished_tasks
        if is_done:
            self._cond.set()

    def join(self, timeout=None):
        return self._cond.wait(timeout)


JoinableQueue = Queue


class PriorityQueue(Queue):
    """gevent.queue.PriorityQueue."""

    def _init(self, maxsize):
        self.queue = []

    def _put(self, item):
        heapq.heappush(self.queue, item)

    def _get(self):
        return heapq.heappop(self.queue)


class LifoQueue(Queue):
    """gevent.queue.LifoQueue."""

    def _get(self):
        return self.queue.pop()

    def _peek(self):
        return self.queue[-1]


def sleep_of(sleep_in_hub):
    """gevent.sleep, which makes no hub for itself."""

    def sleep(seconds=0, ref=True):
        if get_hub_if_exists() is None:
            sleep_as_thread(max(seconds, 0))
        else:
            sleep_in_hub(seconds, ref)

    return sleep
