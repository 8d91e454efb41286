"""Sends a body in the way that the path names."""

import os
import time


def wait_for_file(name):
    path = os.path.join(os.environ["SCRATCH"], name)
    while not os.path.exists(path):
        time.sleep(0.005)


def with_length(start_response):
    start_response("200 OK", [("Content-Length", "6")])
    return [b"abc", b"def"]


def without_length(start_response):
    start_response("200 OK", [])
    return iter([b"abc", b"", b"def", b""])


def empty(start_response):
    start_response("200 OK", [])
    return []


def stream(start_response):
    start_response("200 OK", [])
    yield b"first"
    wait_for_file("go-on")
    yield b"second"


def no_content(start_response):
    start_response("204 No Content", [])
    return []


def not_modified(start_response):
    start_response("304 Not Modified", [("ETag", '"x"'), ("Content-Length", "6")])
    return []


def write(start_response):
    send = start_response("200 OK", [("Content-Length", "9")])
    send(b"one")
    send(b"two")
    return [b"six"]


def write_at_once(start_response):
    send = start_response("200 OK", [])
    send(b"first")
    wait_for_file("go-on")
    return [b"second"]


def late_start(start_response):
    # A generator runs nothing, start_response neither, before its first item is asked for.
    start_response("201 Created", [("X-Late", "yes"), ("Content-Length", "4")])
    yield b"late"


def late_start_after_empty(start_response):
    # PEP 3333: an empty string may come before start_response has been called.
    yield b""
    start_response("201 Created", [("Content-Length", "4")])
    yield b"late"


def large(start_response):
    piece = bytes(range(256)) * 256
    start_response("200 OK", [("Content-Length", str(len(piece) * 128))])
    return (piece for _ in range(128))


def large_without_length(start_response):
    piece = bytes(range(256)) * 256
    start_response("200 OK", [])
    return (piece for _ in range(128))


def headers(start_response):
    start_response("299 Very Well", [
        ("X-Second", "2"), ("x-first", "1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"),
        ("X-Latin", "caf\xe9"), ("Content-Length", "0"),
    ])
    return []


WAYS = {f.__name__: f for f in (
    with_length, without_length, empty, stream, no_content, not_modified, write, write_at_once,
    late_start, late_start_after_empty, large, large_without_length, headers,
)}


def application(environ, start_response):
    return WAYS[environ["PATH_INFO"].lstrip("/")](start_response)
