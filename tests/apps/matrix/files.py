"""Names that are looked up and files that are locked."""

import fcntl
import os
import socket
import sqlite3
import time

from .view import later, view


def scratch(token):
    return os.path.join(os.environ["SCRATCH"], f"file-{token}")


@view
def getaddrinfo(token, seconds):
    # The name server takes its second, whatever we say (tests/upstream_dns.py).
    found = socket.getaddrinfo(f"t{token}.slow.test", 80, socket.AF_INET, socket.SOCK_STREAM)
    first, *rest = map(int, found[0][4][0].split("."))
    return str(int.from_bytes(bytes(rest), "big")) if first == 127 else "another name's address"


def locked_file(token, seconds, lock):
    # Two openings of one file lock each other out, within one process too.
    with open(scratch(token), "w+") as held, open(scratch(token), "r+") as wanted:
        held.write(token)
        held.flush()
        lock(held)

        def release():
            fcntl.flock(held, fcntl.LOCK_UN)

        later(seconds, release)
        lock(wanted)
        answer = wanted.read()
    os.unlink(scratch(token))
    return answer


@view
def flock(token, seconds):
    return locked_file(token, seconds, lambda file: fcntl.flock(file, fcntl.LOCK_EX))


@view
def lockf(token, seconds):
    # Record locks belong to processes: another one has to hold it.
    reader, writer = os.pipe()
    with open(scratch(token), "w+") as wanted:
        holder = os.fork()
        if holder == 0:
            fcntl.lockf(wanted, fcntl.LOCK_EX)
            os.write(writer, token.encode())
            time.sleep(seconds)
            os._exit(0)
        said = os.read(reader, 100).decode()
        fcntl.lockf(wanted, fcntl.LOCK_EX)
    os.waitpid(holder, 0)
    os.close(reader)
    os.close(writer)
    os.unlink(scratch(token))
    return said


@view
def sqlite_lock(token, seconds):
    path = scratch(token)
    with sqlite3.connect(path) as connection:
        connection.execute("create table words (word)")
    connection.close()
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("begin exclusive")
    holder.execute("insert into words values (?)", (token,))
    commits = later(seconds, holder.execute, "commit")
    waiting = sqlite3.connect(path, timeout=20)
    answer = waiting.execute("select word from words").fetchone()[0]
    waiting.close()
    # It reads the connection again after the file is free: closed by then, that is a crash of sqlite3's.
    commits.join()
    holder.close()
    os.unlink(path)
    return answer
