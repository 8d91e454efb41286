"""gevent's events, queues, semaphores and thread pools, for greenlets of several requests at once.

gevent's own belong to the hub of one thread, and under green threads each request has a hub of its
own: between requests they raise, or wait for ever, as they do between OS threads. These are gevent's
own, compiled classes and all, for as long as the thread that made them uses them alone. From the
moment that another one does, the state stays gevent's and the waiting is done here: in the caller's
hub if it has one, and else as the caller's thread waits.

The other thread may come at any instruction, and so may a finalizer, in the same thread: what changes
does so in one call, and gevent is asked to wait only where `_await` can still call the wait off. Run by
modules.py when gevent is first imported; ``gevent.hub`` and what it imports is there by then.
"""

import os
import queue as standard
from _thread import RLock, _local, allocate_lock, get_ident
from abc import ABCMeta
from collections import deque
from concurrent.futures._base import FINISHED, RUNNING
from functools import cache
from time import monotonic
from time import sleep as sleep_as_thread

from gevent._hub_local import get_hub, get_hub_if_exists
from gevent.exceptions import InvalidThreadUseError
from greenlet import getcurrent


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
        return within(timeout, self.waiter.get)

    def close(self):
        if self.watcher is not None:
            self.watcher.stop()
            self.watcher.close()


def within(timeout, wait):
    """What ``wait`` answers, or False after ``timeout``: seconds, None, or a Timeout of gevent's."""
    from gevent.timeout import Timeout

    with Timeout._start_new_or_dummy(timeout) as timer:
        try:
            return wait()
        except Timeout as expired:
            if expired is not timer:
                raise
            return False


class Condition:
    """threading.Condition over turns. Nothing switches greenlets while its lock is held."""

    def __init__(self, lock=None):
        # gevent's queues call their own methods.
        self.lock = lock or RLock()
        self.turns = deque()

    def __enter__(self):
        self.lock.acquire()

    def __exit__(self, *exception):
        self.lock.release()

    def wait_for(self, predicate, timeout=None):
        """Waits until ``predicate`` holds; whether it does."""
        if not is_number(timeout) and timeout is not None:
            return within(timeout, lambda: self.wait_for(predicate))
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
        for _ in range(count):
            try:
                turn = self.turns.popleft()
            except IndexError:
                return
            turn.release()

    def notify_all(self):
        self.notify(len(self.turns))


def is_number(timeout):
    return isinstance(timeout, (int, float))


def refuse_negative(timeout):
    if is_number(timeout) and timeout < 0:
        raise ValueError("'timeout' must be a non-negative number")


here = _local()


def this_thread():
    """What no later one is taken for."""
    try:
        return here.token
    except AttributeError:
        return vars(here).setdefault("token", object())


class Shared(BaseException):
    """Raised in a greenlet that waits in gevent's way for what several threads use from now on."""


class Shareable(metaclass=ABCMeta):
    """What stands before each of gevent's classes in the order of its methods."""

    # Several threads use it, and wait for this.
    _changed = None

    def __init__(self, *args, **kwargs):
        self._home = this_thread()
        # The hubs of the greenlets that wait in gevent's way.
        self._waiters = {}
        super().__init__(*args, **kwargs)

    @classmethod
    def __subclasshook__(cls, other):
        """What is one of gevent's is one of ours."""
        original = vars(cls).get("_original")
        return issubclass(other, original) if original else NotImplemented

    def _is_alone(self):
        """Whether no other thread has used it, the one that calls included."""
        if self._changed is None and this_thread() is not self._home:
            self._share()
        return self._changed is None

    def _share(self):
        changed = self._condition()
        if vars(self).setdefault("_changed", changed) is not changed:
            return
        for greenlet, hub in self._waiters.copy().items():
            if hub.loop is not None:
                hub.loop.run_callback_threadsafe(self._wait_anew, greenlet)

    def _condition(self):
        return Condition()

    def _wait_anew(self, greenlet):
        if greenlet in self._waiters:
            greenlet.throw(Shared)

    def _await(self, alone, together, timeout):
        """What ``alone`` answers, which waits in gevent's way; or ``together``, which is called with
        the lock."""
        began = monotonic()
        if self._is_alone():
            greenlet, hub = getcurrent(), get_hub()
            self._waiters[greenlet] = hub
            # Another thread may end the wait: nothing else need be under way in this one's hub.
            hub.loop.ref()
            try:
                if self._changed is None:
                    return alone(timeout)
            except Shared:
                pass
            except InvalidThreadUseError:
                # The other thread has given it its own hub before this one could.
                if self._changed is None:
                    raise
            finally:
                if hub.loop is not None:
                    hub.loop.unref()
                del self._waiters[greenlet]
            if is_number(timeout):
                timeout = max(began + timeout - monotonic(), 0)
        with self._changed:
            return together(timeout)

    def _change(self, method, *args):
        """Calls a method, in a way in which it does not wait, and wakes whom it concerns."""
        if self._is_alone():
            done = method(*args)
            # Somebody may have come meanwhile.
            if self._changed is not None:
                with self._changed:
                    self._notify()
            return done
        with self._changed:
            done = method(*args)
            self._notify()
            return done


class Linkable(Shareable):
    """What ``gevent.wait`` needs: callbacks, each run in the hub that it was linked in."""

    def __init__(self, *args, **kwargs):
        self._links = []
        super().__init__(*args, **kwargs)

    @property
    def hub(self):
        return super().hub if self._changed is None else get_hub_if_exists()

    def rawlink(self, callback):
        if getcurrent() in self._waiters:
            return super().rawlink(callback)  # gevent's own wait
        if not callable(callback):
            raise TypeError(f"Expected callable: {callback!r}")
        self._link(callback, get_hub())

    def link_at_once(self, callback):
        """Called by who sets it, in no hub."""
        self._link(callback, None)

    def _link(self, *link):
        self._share()
        self._links.append(link)
        if self.ready():
            self._schedule(link)

    def unlink(self, callback):
        super().unlink(callback)
        for link in self._links.copy():
            if link[0] == callback:
                self._drop(link)

    def linkcount(self):
        waiters = self._changed.turns if self._changed else ()
        return super().linkcount() + len(self._links) + len(waiters)

    def _change(self, method, *args):
        done = super()._change(method, *args)
        if self._links and self.ready():
            for link in self._links.copy():
                self._schedule(link)
        return done

    def _schedule(self, link):
        hub = link[1]
        # A hub that has not begun to run is false.
        loop = None if hub is None else hub.loop
        if hub is None:
            self._call(link)
        elif hub is get_hub_if_exists():
            loop.run_callback(self._call, link)
        elif loop is not None:
            loop.run_callback_threadsafe(self._call, link)

    def _call(self, link):
        # An earlier one may have unlinked it.
        if self._drop(link):
            link[0](self)

    def _drop(self, link):
        """Whether it was still there."""
        try:
            self._links.remove(link)
        except ValueError:
            return False
        return True


class Event(Linkable):
    """gevent.event.Event."""

    # Another one each time that it is set: who waits then is woken, even if it is cleared at once.
    _last_set = None

    def set(self):
        self._last_set = object()
        self._change(super().set)

    def wait(self, timeout=None):
        last_set = self._last_set

        def is_or_was_set():
            return self.ready() or self._last_set is not last_set

        def wait_together(timeout):
            return self._changed.wait_for(is_or_was_set, timeout)

        return self._await(super().wait, wait_together, timeout)

    def _notify(self):
        self._changed.notify_all()


class AsyncResult(Linkable):
    """gevent.event.AsyncResult."""

    def set(self, value=None):
        self._change(super().set, value)

    set_result = set

    def set_exception(self, exception, exc_info=None):
        self._change(super().set_exception, exception, exc_info)

    def get(self, block=True, timeout=None):
        get = super().get
        if self.ready() or not block:
            return get(False)
        return self._await(lambda timeout: get(True, timeout), self._get_together, timeout)

    def _get_together(self, timeout):
        from gevent.timeout import Timeout

        with Timeout._start_new_or_dummy(timeout):
            self._changed.wait_for(self.ready)
        return self.get(False)

    def wait(self, timeout=None):
        return self._await(super().wait, self._wait_together, timeout)

    def _wait_together(self, timeout):
        self._changed.wait_for(self.ready, timeout)
        return self.value

    def _notify(self):
        self._changed.notify_all()


class Semaphore(Linkable):
    """gevent.lock.Semaphore and BoundedSemaphore."""

    def acquire(self, blocking=True, timeout=None):
        acquire = super().acquire
        self._is_alone()  # or else gevent hears that another thread uses it
        if acquire(False):
            return True
        if not blocking:
            return False

        def acquire_together(timeout):
            return self._changed.wait_for(lambda: acquire(False), timeout)

        return self._await(lambda timeout: acquire(True, timeout), acquire_together, timeout)

    _py3k_acquire = acquire

    def release(self):
        return self._change(super().release)

    def wait(self, timeout=None):
        return self.counter or self._await(super().wait, self._wait_together, timeout)

    def _wait_together(self, timeout):
        if self._changed.wait_for(self.ready, timeout):
            self._changed.notify()  # it takes nothing
        return self.counter

    def _notify(self):
        self._changed.notify()


class SimpleQueue(Shareable):
    """gevent.queue.SimpleQueue."""

    def _condition(self):
        changed = super()._condition()
        changed.not_full = Condition(changed.lock)
        return changed

    def put(self, item, block=True, timeout=None):
        put = super().put
        if block:
            refuse_negative(timeout)
        if self._is_alone():
            try:
                return self._change(put, item, False)
            except standard.Full:
                if not block:
                    raise

        def put_together(timeout):
            self._wait_until(self._changed.not_full, lambda: not self.full(), timeout, standard.Full)
            put(item, False)
            self._changed.notify()

        timeout = timeout if block else 0
        return self._await(lambda timeout: put(item, block, timeout), put_together, timeout)

    def get(self, block=True, timeout=None):
        return self._take(super().get, lambda: self._changed.not_full.notify(), block, timeout)

    def peek(self, block=True, timeout=None):
        # It takes nothing.
        return self._take(super().peek, lambda: self._changed.notify(), block, timeout)

    def _take(self, take, notify, block, timeout):
        if self._is_alone():
            try:
                return self._change(take, False)
            except standard.Empty:
                if not block:
                    raise

        def take_together(timeout):
            self._wait_until(self._changed, self.qsize, timeout, standard.Empty)
            item = take(False)
            notify()
            return item

        timeout = timeout if block else 0
        return self._await(lambda timeout: take(block, timeout), take_together, timeout)

    def _wait_until(self, condition, predicate, timeout, error):
        refuse_negative(timeout)
        # gevent's have it since 24.10.
        is_shut = lambda: getattr(self, "is_shutdown", False)
        if not condition.wait_for(lambda: predicate() or is_shut(), timeout):
            raise error if is_number(timeout) else timeout

    def _notify(self):
        self._changed.notify()
        self._changed.not_full.notify()


class Queue(SimpleQueue):
    """gevent.queue.Queue, which counts tasks, and what stands on it. Its joins wait for an Event,
    which is ours."""

    def task_done(self):
        self._change(super().task_done)

    def shutdown(self, immediate=False):
        self._change(super().shutdown, immediate)
        if self._changed is not None:
            with self._changed:
                self._changed.notify_all()
                self._changed.not_full.notify_all()


# Held while threads of a pool are added and removed; again by a finalizer meanwhile.
sizing = RLock()
os.register_at_fork(after_in_child=sizing._at_fork_reinit)


class NoWatcher:
    """In the place of a watcher for forks: it would be in one hub only."""

    def start(self, callback):
        pass

    stop = close = lambda self: None


class ThreadPool:
    """gevent.threadpool.ThreadPool, which belongs to no hub: each task reports to that of who spawned
    it."""

    _manager = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # The pool's threads release it.
        self._available_worker_threads_greenlet_sem._share()

    @property
    def hub(self):
        """The caller's."""
        return get_hub()

    @hub.setter
    def hub(self, hub):
        pass

    @property
    def manager(self):
        """What adjusts the number of threads in the caller's hub, if there is such a greenlet."""
        is_here = self._manager and self._manager.parent is get_hub_if_exists()
        return self._manager if is_here else None

    @manager.setter
    def manager(self, manager):
        self._manager = manager

    @property
    def fork_watcher(self):
        return NoWatcher()

    @fork_watcher.setter
    def fork_watcher(self, watcher):
        if watcher is not None:
            watcher.close()

    def spawn(self, function, *args, **kwargs):
        self._on_fork()
        return super().spawn(function, *args, **kwargs)

    def join(self):
        self._on_fork()
        super().join()

    def kill(self):
        self._on_fork()
        super().kill()

    def _on_fork(self):
        with sizing:
            super()._on_fork()

    def _adjust_step(self):
        with sizing:
            super()._adjust_step()

    def _set_maxsize(self, maxsize):
        super()._set_maxsize(maxsize)
        changed = self._available_worker_threads_greenlet_sem._changed
        if changed is not None:
            with changed:
                changed.notify_all()

    maxsize = property(lambda self: self._maxsize, _set_maxsize)

    def _on_worker_exit(self):
        if self.task_queue.unfinished_tasks:
            self._adjust_step()
            # This thread's, which it has no more use for.
            get_hub().destroy(destroy_loop=True)

    def _apply_immediately(self):
        """Whether a task of its own asks, which may have the last free thread."""
        workers = self._worker_greenlets.copy()
        return any(worker._thread_ident == get_ident() for worker in workers)


class ThreadResult:
    """gevent.threadpool.ThreadResult, which frees the pool's thread and gives the result at once: the
    hub of who spawned the task may hear of its end much later."""

    def __init__(self, receiver, *others):
        super().__init__(receiver, *others)
        receiver._share()

    def set(self, value):
        self.value = value
        self._settle()
        super().set(value)

    def handle_error(self, context, exc_info):
        self.exc_info = exc_info
        self._settle()
        super().handle_error(context, exc_info)

    def _settle(self):
        free, self._call_when_ready = self._call_when_ready, lambda: None
        receiver, self.receiver = self.receiver, lambda result: None
        free()
        receiver(self)


class Future:
    """What gevent's executors answer with, made to do in concurrent.futures.as_completed and wait,
    which wait as the caller's thread does."""

    _state = RUNNING

    def __init__(self, result):
        super().__init__(result)
        # A lock is all that they use of a condition.
        self._condition, self._waiters = RLock(), []
        result.link_at_once(self._finish)

    def _finish(self, result):
        with self._condition:
            self._state = FINISHED
            for waiter in self._waiters:
                add = waiter.add_result if self.successful() else waiter.add_exception
                add(self)


def executor_init(init):
    """gevent's executors wait for a thread while they hold this lock: greenlets wait for it."""

    def __init__(self, *args, **kwargs):
        from gevent.lock import Semaphore

        init(self, *args, **kwargs)
        self._shutdown_lock = Semaphore()

    return __init__


@cache
def shareable(methods, original):
    """The class of gevent's with our methods before it."""
    kept = ("__module__", "__doc__", "__qualname__")
    names = {name: getattr(original, name) for name in kept}
    return ABCMeta(original.__name__, (methods, original), {**names, "_original": original})


def sleep_of(sleep_in_hub):
    """gevent.sleep, which makes no hub for itself."""

    def sleep(seconds=0, ref=True):
        if get_hub_if_exists() is None:
            sleep_as_thread(max(seconds, 0))
        else:
            sleep_in_hub(seconds, ref)

    return sleep
