"""Iterables that note when they are closed."""

import time

from notes import note


class Body:
    def __init__(self, items):
        self.items = iter(items)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.items)

    def close(self):
        note("closed")


def fails_at_once():
    raise ValueError("no first item")
    yield


def fails_later():
    yield b"some"
    raise ValueError("no second item")


def endless():
    note("endless started")
    while True:
        yield b"x" * 65536
        time.sleep(0.001)


def application(environ, start_response):
    way = environ["PATH_INFO"].lstrip("/")
    if way == "never_started":
        return Body([b"a body, but nobody called start_response"])
    length = {"whole": "8", "short": "100", "long": "4"}.get(way)
    headers = [("Content-Length", length)] if length else []
    start_response("204 No Content" if way == "no_content" else "200 OK", headers)
    if way == "fails_at_once":
        return Body(fails_at_once())
    if way == "fails_later":
        return Body(fails_later())
    if way == "endless":
        return Body(endless())
    if way == "no_content":
        return Body([])
    return Body([b"some", b"body"])
