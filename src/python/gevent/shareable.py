"""gevent's events, queues and semaphores, for greenlets of several requests at once: what they have in
common.

gevent's own belong to the hub of one thread, and under green threads each request has a hub of its
own: between requests they raise, or wait for ever, as they do between OS threads. These are gevent's
own, compiled classes and all, for as long as the thread that made them uses them alone. From the
moment that another one does, the state stays gevent's and the waiting is done here: in the caller's
hub if it has one, and else as the caller's thread waits.

The other thread may come at any instruction, and so may a finalizer, in the same thread: what changes
does so in one call, and gevent is asked to wait only where `_await` can still call the wait off. Run by
modules.py, which provides ``ours``.
"""

from _thread import _local
from abc import ABCMeta
from functools import cache
from time import monotonic

from gevent._hub_local import get_hub, get_hub_if_exists
from gevent.exceptions import InvalidThreadUseError
from greenlet import getcurrent

turns = ours("turns")
Condition, is_number = turns.Condition, turns.is_number

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

    def _use_alone(self):
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
        if self._use_alone():
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
        if self._use_alone():
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


@cache
def shareable(methods, original):
    """The class of gevent's with our methods before it."""
    kept = ("__module__", "__doc__", "__qualname__")
    names = {name: getattr(original, name) for name in kept}
    return ABCMeta(original.__name__, (methods, original), {**names, "_original": original})
