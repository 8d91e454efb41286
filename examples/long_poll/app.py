"""A long poll: many clients wait for one event, each in plain blocking code."""

import threading

happened = threading.Event()


def app(environ, start_response):
    if environ["PATH_INFO"] == "/wait":
        text = "It happened.\n" if happened.wait(30) else "Nothing yet, ask again.\n"
    elif environ["PATH_INFO"] == "/set":
        happened.set()
        text = "Everybody has been told.\n"
    elif environ["PATH_INFO"] == "/clear":
        happened.clear()
        text = "Forgotten.\n"
    else:
        text = "/wait waits up to 30 seconds, /set ends the wait, /clear starts anew.\n"
    body = text.encode()
    start_response("200 OK", [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
    ])
    return [body]
