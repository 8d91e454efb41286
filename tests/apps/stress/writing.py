"""A buffered writer that all requests share, over a pipe that an OS thread reads."""

import io
import os
import threading

from .view import view

TIMES = 400
# A record fits into the buffer: a write that is interrupted has taken all of it or nothing.
BUFFER = 1 << 16

READER, WRITER = (io.open(fd, mode, buffering=BUFFER) for fd, mode in zip(os.pipe(), ("rb", "wb")))
WAITING = {}


def read():
    for line in READER:
        token = line.split(b" ", 1)[0].decode()
        asked = WAITING.pop(token, None)
        if asked is not None:
            asked.append("whole" if line == record(token) else f"mixed up: {line[:300]}")
            asked[0].set()


threading.Thread(target=read, daemon=True).start()


def record(token):
    return (" ".join([token] * TIMES) + "\n").encode()


@view
def buffered(token, seconds):
    asked = WAITING[token] = [threading.Event()]
    try:
        WRITER.write(record(token))
        WRITER.flush()
        asked[0].wait()
        return token if asked[1] == "whole" else asked[1]
    finally:
        WAITING.pop(token, None)
