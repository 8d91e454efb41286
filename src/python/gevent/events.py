"""gevent.event and gevent.lock: what greenlets of several requests wait for, and ``gevent.wait`` too. Run
by modules.py, which provides ``ours``. The rules are those of shareable.py.
"""

Linkable = ours("shareable").Linkable


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
        self._use_alone()  # or else gevent hears that another thread uses it
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
