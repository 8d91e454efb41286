"""Locks of C libraries that requests share: each view waits while it has one.

The library in $LOCKS is called without the GIL, as most extension modules do; under /keeping with it,
under /both first without and then with it.
"""

import ctypes
import os
import sqlite3
import threading

from notes import plain

MICROS = 2000
LIBRARY = ctypes.CDLL(os.environ["LOCKS"]) if "LOCKS" in os.environ else None
KEEPING = ctypes.PyDLL(os.environ["LOCKS"]) if "LOCKS" in os.environ else None
connections = []
making = threading.Lock()


def shared(make):
    with making:
        if not connections:
            connections.append(make())
    return connections[0]


def psycopg():
    import psycopg2

    connection = shared(lambda: psycopg2.connect(os.environ["DATABASE_URL"]))
    with connection.cursor() as cursor:
        cursor.execute("select pg_sleep(0.02)")
    return 0


def database():
    return os.path.join(os.environ["SCRATCH"], "db")


def sqlite():
    """One connection for all; another one keeps the database meanwhile."""
    options = {"check_same_thread": False, "isolation_level": None, "timeout": 30}
    connection = shared(lambda: sqlite3.connect(database(), **options))
    connection.execute("insert into notes values (1)")
    return 0


def bound():
    """The same, with parameters: sqlite3 binds them under the connection's mutex and with the GIL."""
    options = {"check_same_thread": False, "isolation_level": None, "timeout": 30}
    connection = shared(lambda: sqlite3.connect(database(), **options))
    connection.execute("insert into notes values (?)", (threading.get_ident(),))
    return 0


def other():
    """The other one: an OS thread of a C library's, with a connection of its own."""
    is_kept, may_end = threading.Event(), threading.Event()

    def keep():
        connection = sqlite3.connect(database(), isolation_level=None)
        connection.execute("create table if not exists notes (note)")
        connection.execute("begin exclusive")
        is_kept.set()
        may_end.wait(0.5)
        connection.execute("commit")

    threading.Thread(target=keep).start()
    is_kept.wait()
    return 0


def from_a_thread(name):
    """An OS thread calls while requests do."""
    called = []
    thread = threading.Thread(target=lambda: called.append(getattr(LIBRARY, name)(MICROS)))
    thread.start()
    thread.join()
    return called[0]


VIEWS = {"psycopg": psycopg, "sqlite": sqlite, "bound": bound, "other": other}
CALLBACK = ctypes.CFUNCTYPE(None)(lambda: None)


def application(environ, start_response):
    how, name = environ["PATH_INFO"].strip("/").split("/")
    micros = int(environ["QUERY_STRING"] or MICROS)
    if how == "shared":
        found = VIEWS[name]()
    elif how == "thread":
        found = from_a_thread(name)
    elif how == "both":
        # Others run beside the first part; the second must not go on beside them.
        getattr(LIBRARY, name)(micros // 10)
        found = getattr(KEEPING, name)(micros)
    elif how == "calling":
        found = getattr(LIBRARY, name)(micros, CALLBACK)
    else:
        found = getattr(KEEPING if how == "keeping" else LIBRARY, name)(micros)
    return plain(start_response, str(found))
