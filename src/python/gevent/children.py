"""Child watchers for gevent.subprocess and gevent.os, in every hub. Run by modules.py.

gevent's exist in the main thread's loop only, hang on SIGCHLD and reap every child of the process.
These wait for a pidfd, and reap the child that is watched. That of pid 0, any child, hears of those
that others watch.
"""

import os
from _thread import RLock

READABLE = 1
# A child is waited for, and what it ended with is told, under it; again by a finalizer meanwhile.
lock = RLock()
os.register_at_fork(after_in_child=lock._at_fork_reinit)
# All that are not closed, to tell each one of the same child.
watchers = set()
# The pids of children whose watchers were closed before they ended, because their hub ended.
left = set()


class Child:
    """A watcher of gevent's for the end of one child."""

    callback = args = None
    rpid = rstatus = 0

    def __init__(self, loop, pid, ref):
        self.loop = loop
        self.pid = pid
        with lock:
            left.difference_update(filter(reap, left.copy()))
            self._descriptor = os.pidfd_open(pid) if pid else None
            self._end = loop.io(self._descriptor, READABLE, ref) if pid else loop.async_(ref)
            watchers.add(self)

    def __getattr__(self, name):
        return getattr(self._end, name)

    @property
    def ref(self):
        return self._end.ref

    @ref.setter
    def ref(self, ref):
        self._end.ref = ref

    def start(self, callback, *args):
        self.callback, self.args = callback, args
        self._end.start(self._ended)

    def _ended(self):
        self._end.stop()
        with lock:
            if not self.rpid:
                reap(self.pid)
        self.callback(*self.args)

    def stop(self):
        self.callback = self.args = None
        self._end.stop()

    def close(self):
        with lock:
            watchers.discard(self)
            self._end.close()
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def leave(self):
        """Its hub ends."""
        with lock:
            if self.callback and self.pid and not self.rpid and not reap(self.pid):
                left.add(self.pid)
            self.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def reap(pid):
    """Whether the child has ended. The caller has the lock."""
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        ended, status = pid, 0  # somebody else has waited: what CPython's subprocess says then
    for watcher in watchers.copy() if ended else ():
        if watcher.pid in (0, pid) and not watcher.rpid:
            watcher.rpid, watcher.rstatus = pid, status
            if not watcher.pid:
                watcher._end.send()
    return ended


def with_children(original):
    """The class of loops with these watchers."""

    class Loop(original):
        # Popen.poll lets the loop run if so.
        sig_pending = True

        def child(self, pid, trace=0, ref=True):
            return Child(self, pid, ref)

        def install_sigchld(self):
            """Nothing waits for the signal."""

        def destroy(self):
            for watcher in watchers.copy():
                if watcher.loop is self:
                    watcher.leave()
            return super().destroy()

    Loop.__name__, Loop.__module__ = original.__name__, original.__module__
    return Loop
