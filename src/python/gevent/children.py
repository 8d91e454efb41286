"""Child watchers for gevent.subprocess and gevent.os, in every hub. Run by modules.py.

gevent's exist in the main thread's loop only, hang on SIGCHLD and reap every child of the process.
These wait for a pidfd, and reap the child that is watched. That of pid 0, any child, hears of those
that others watch.
"""

import os
from weakref import WeakSet

READABLE = 1
# All, to tell each one of the same child.
watchers = WeakSet()


class Child:
    """A watcher of gevent's for the end of one child."""

    callback = args = None
    rpid = rstatus = 0

    def __init__(self, loop, pid, ref):
        self.loop = loop
        self.pid = pid
        self._descriptor = os.pidfd_open(pid) if pid else None
        self._end = loop.io(self._descriptor, READABLE, ref) if pid else loop.async_(ref)
        watchers.add(self)

    def __getattr__(self, name):
        return getattr(self._end, name)

    def start(self, callback, *args):
        self.callback, self.args = callback, args
        self._end.start(self._ended)

    def _ended(self):
        self._end.stop()
        if not self.rpid:
            reap(self.pid)
        self.callback(*self.args)

    def stop(self):
        self.callback = self.args = None
        self._end.stop()

    def close(self):
        self._end.close()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def reap(pid):
    try:
        status = os.waitpid(pid, os.WNOHANG)[1]
    except ChildProcessError:
        status = 0  # somebody else has waited for it: what CPython's subprocess says then
    for watcher in watchers:
        if watcher.pid in (0, pid) and not watcher.rpid:
            watcher.rpid, watcher.rstatus = pid, status
            if not watcher.pid:
                watcher._end.send()


def with_children(original):
    """The class of loops with these watchers."""

    class Loop(original):
        # Popen.poll lets the loop run if so.
        sig_pending = True

        def child(self, pid, trace=0, ref=True):
            return Child(self, pid, ref)

        def install_sigchld(self):
            """Nothing waits for the signal."""

    Loop.__name__, Loop.__module__ = original.__name__, original.__module__
    return Loop
