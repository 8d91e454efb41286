"""gevent.threadpool, for greenlets of several requests: what a pool's thread has done is heard of in the
hub of who asked, and by whoever waits for it. Run by modules.py.
"""

import os
from _thread import RLock, get_ident
from concurrent.futures._base import FINISHED, RUNNING

from gevent._hub_local import get_hub, get_hub_if_exists

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
