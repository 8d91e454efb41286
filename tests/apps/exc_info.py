"""start_response with exc_info, before and after the head has been sent."""

import sys


def before_head(start_response):
    start_response("200 OK", [("X-Try", "first")])
    try:
        raise ValueError("found out early")
    except ValueError:
        start_response("503 Service Unavailable", [("X-Try", "second")], sys.exc_info())
    return [b"sorry"]


def after_head(start_response):
    start_response("200 OK", [("Content-Length", "100")])
    yield b"the start"
    try:
        raise ValueError("found out late")
    except ValueError:
        # The head is out: PEP 3333 makes this raise the ValueError again.
        start_response("500 Oops", [], sys.exc_info())
    yield b"never sent"


WAYS = {f.__name__: f for f in (before_head, after_head)}


def application(environ, start_response):
    return WAYS[environ["PATH_INFO"].lstrip("/")](start_response)
