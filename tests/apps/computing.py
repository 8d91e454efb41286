"""C that computes without the GIL, as much of it in one call as is asked for: /NAME?AMOUNT."""

import functools
import hashlib
import os
import sqlite3
import time
import zlib

from notes import note, plain


def light(amount):
    time.sleep(0.002)


def hashing(amount):
    hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", amount)


@functools.cache
def content(amount):
    return os.urandom(amount // 2).hex().encode()


def compressing(amount):
    zlib.compress(content(amount), 9)


def querying(amount):
    connection = sqlite3.connect(":memory:")
    connection.execute("""
        with recursive n(i) as (select 1 union all select i + 1 from n where i < ?)
        select sum(i) from n""", (amount,)).fetchone()
    connection.close()


def application(environ, start_response):
    name = environ["PATH_INFO"].lstrip("/")
    if name != "light":
        note(name)
    globals()[name](int(environ["QUERY_STRING"] or 0))
    return plain(start_response, name)
