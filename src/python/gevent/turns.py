"""How a greenlet waits in its hub for what any thread may end, and a thread that has no greenlets as a
thread. Run by modules.py; ``gevent.hub`` and what it imports is there by then.

Nothing here knows what is waited for. The rule that a reader would break: no greenlet is switched while
a condition's lock is held.
"""

from _thread import RLock, allocate_lock
from collections import deque
from time import monotonic
from time import sleep as sleep_as_thread

from gevent._hub_local import get_hub_if_exists


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


def sleep_of(sleep_in_hub):
    """gevent.sleep, which makes no hub for itself."""

    def sleep(seconds=0, ref=True):
        if get_hub_if_exists() is None:
            sleep_as_thread(max(seconds, 0))
        else:
            sleep_in_hub(seconds, ref)

    return sleep
