"""Streams: bodies whose pieces come by and by."""

import os
import time

from notes import Pieces, note


def ticks():
    """Without an end."""
    try:
        number = 0
        while True:
            number += 1
            yield f"data: {number}\n\n".encode()
            time.sleep(0.02)
    except GeneratorExit:
        note("ticks ended")
        raise


def silent(is_gone):
    """Says something once, and looks whether its client is there."""
    yield b"data: first\n\n"
    while not is_gone():
        time.sleep(0.02)
    note("silent ended")


def short():
    """Ends by itself once a file is there."""
    yield b"begin "
    while not os.path.exists("go"):
        time.sleep(0.02)
    yield b"end"


def application(environ, start_response):
    if environ["PATH_INFO"] == "/of_known_length":
        start_response("200 OK", [("Content-Length", str(512 << 16))])
        return Pieces([b"x" * 65536] * 512)
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    match environ["PATH_INFO"]:
        case "/ticks":
            return ticks()
        case "/silent":
            return silent(environ["unicoro.client_disconnected"])
        case "/short":
            return short()
        case "/whole":
            # More than the client's kernel takes.
            return [b"x" * 65536] * 512
