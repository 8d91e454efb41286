"""A long poll: many clients wait for one event, each in plain blocking code."""

import pathlib
import threading

PAGE = pathlib.Path(__file__).with_name("page.html").read_bytes()

happened = threading.Event()


def app(environ, start_response):
    kind = "plain"
    if environ["PATH_INFO"] == "/wait":
        body = b"It happened.\n" if happened.wait(30) else b"Nothing yet, ask again.\n"
    elif environ["PATH_INFO"] == "/set":
        happened.set()
        body = b"Everybody has been told.\n"
    elif environ["PATH_INFO"] == "/clear":
        happened.clear()
        body = b"Forgotten.\n"
    else:
        kind, body = "html", PAGE
    start_response("200 OK", [
        ("Content-Type", f"text/{kind}; charset=utf-8"),
        ("Content-Length", str(len(body))),
    ])
    return [body]
