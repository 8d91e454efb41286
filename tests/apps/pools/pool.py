"""The pool that an application writes for itself: a queue of places, each with a connection or none.

It believes the driver: a connection is thrown away when the driver says that it is of no use any more.
"""

import contextlib
import os
import queue


class Pool:
    def __init__(self, size, connect, is_usable):
        self.size, self.connect, self.is_usable = size, connect, is_usable
        self.places = queue.LifoQueue()
        self.thrown_away = 0
        for _ in range(size):
            self.places.put(None)

    @contextlib.contextmanager
    def connection(self):
        place = self.places.get()
        try:
            if place is not None and not self.is_usable(place):
                self.thrown_away += 1
                useless, place = place, None
                close(useless)
            if place is None:
                place = self.connect()
            yield place
        finally:
            self.places.put(place)

    def idle(self):
        return self.places.qsize()


def close(connection):
    # A driver may complain about closing what is broken.
    with contextlib.suppress(Exception):
        connection.close()


def known_as(name):
    """Under which name a server knows the connections of a pool: several tests ask it at once."""
    return f"{os.environ['DRIVER']}-{name}"


def address(name):
    host, port = os.environ[name].split(":")
    return host, int(port)


def one(values):
    """What all of them are; a mixture is nobody's token."""
    return " and ".join(sorted(set(values)))
