"""gevent.queue, for greenlets of several requests. Run by modules.py, which provides ``ours``. The rules
are those of shareable.py.
"""

import queue as standard

turns = ours("turns")
Condition, is_number, refuse_negative = turns.Condition, turns.is_number, turns.refuse_negative
Shareable = ours("shareable").Shareable


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
        if self._use_alone():
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
        if self._use_alone():
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
