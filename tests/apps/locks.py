"""Locks of C libraries that requests share: each view waits while it has one.

The library in $LOCKS is called without the GIL, as most extension modules do; under /keeping with it,
under /both first without and then with it.
"""

import ctypes
import os
import sqlite3
import subprocess
import sys
import threading

from notes import plain

MICROS = 2000
LIBRARY = ctypes.CDLL(os.environ["LOCKS"]) if "LOCKS" in os.environ else None
KEEPING = ctypes.PyDLL(os.environ["LOCKS"]) if "LOCKS" in os.environ else None
connections = []
others = []
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
    one_of_sqlite().execute(f"insert into notes values ({threading.get_ident()})")
    return 0


def bound():
    """The same, with parameters: sqlite3 binds them under the connection's mutex and with the GIL. Each has a
    statement of its own: CPython 3.14 gives one to two threads at a time, and one of them an InterfaceError."""
    me = threading.get_ident()
    one_of_sqlite().execute(f"insert into notes values (?) -- {me}", (me,))
    return 0


def one_of_sqlite():
    options = {"check_same_thread": False, "isolation_level": None, "timeout": 30}
    return shared(lambda: sqlite3.connect(database(), **options))


KEEP = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("create table if not exists notes (note)")
connection.execute("begin exclusive")
print("kept", flush=True)
time.sleep(0.5)
connection.execute("commit")
"""


def other():
    """The other one, of another process: a thread of this one would need the GIL to give the database back,
    and SQLite 3.53 waits for a connection's mutex with the GIL (`sqlite3_limit`), as threads see, too."""
    keeper = subprocess.Popen([sys.executable, "-c", KEEP, database()], stdout=subprocess.PIPE)
    others.append(keeper)
    return 0 if keeper.stdout.readline() == b"kept\n" else 1


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
