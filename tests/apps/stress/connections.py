"""Pools of drivers, and connections that all requests share."""

import contextlib
import threading

# Here, not in a request: when an import is interrupted, CPython gives those who wait for it the half
# of the module that there is.
import psycopg  # noqa: F401
import psycopg2  # noqa: F401
import pymysql  # noqa: F401
import redis  # noqa: F401
import requests  # noqa: F401

from pools import rediss, sql, web
from pools.pool import close

from .view import view


class Shared:
    """One connection for all requests, until the driver says that it is of no use any more."""

    size = 1

    def __init__(self, connect, is_usable):
        self.connect, self.is_usable = connect, is_usable
        self.lock = threading.Lock()
        self.current = None

    @contextlib.contextmanager
    def connection(self):
        with self.lock:
            if self.current is not None and not self.is_usable(self.current):
                useless, self.current = self.current, None
                close(useless)
            if self.current is None:
                self.current = self.connect()
            current = self.current
        yield current

    def idle(self):
        return 1


def is_usable_by_all(connection):
    """Whether a connection of psycopg 3 is: one that was left within an answer stays ACTIVE."""
    if connection.closed or not connection.lock.acquire(blocking=False):
        return not connection.closed  # somebody else is at it
    try:
        return sql.is_idle(connection)
    finally:
        connection.lock.release()


PSYCOPG2 = Shared(sql.psycopg2_pool("psycopg2-shared").connect,
                  lambda connection: not connection.closed)
PSYCOPG3 = Shared(sql.psycopg3_pool("psycopg3-shared").connect, is_usable_by_all)

POOLED = [
    sql.Way("psycopg2", sql.Postgres, sql.psycopg2_pool("psycopg2", 3), sql.plainly),
    sql.Way("psycopg2-own", sql.Postgres, sql.Psycopg2Own("psycopg2-own", 3), sql.in_transaction),
    sql.Way("psycopg3", sql.Postgres, sql.psycopg3_pool("psycopg3", 3), sql.plainly),
    sql.Way("psycopg3-own", sql.Postgres, sql.Psycopg3Own("psycopg3-own", 3), sql.plainly),
    sql.Way("pymysql", sql.MariaDB, sql.pymysql_pool("pymysql", 3), sql.plainly),
    rediss.Way("redis", 3, "REDIS"),
    web.Requests("requests", 3),
]
SHARED = [
    sql.Way("psycopg2-shared", sql.Postgres, PSYCOPG2, sql.plainly),
    sql.Way("psycopg3-shared", sql.Postgres, PSYCOPG3, sql.plainly),
]
WAYS = {way.name: way for way in (*POOLED, *SHARED)}

for about, ways in (("pool", POOLED), ("shared", SHARED)):
    for way in ways:
        view(way.before, f"{way.name}.before", about)
        view(way.within, f"{way.name}.within", about)
        view(lambda token, seconds, way=way: way.ask(token), f"{way.name}.ask", about)
