"""WSGI applications within an ASGI application."""

import asyncio
import json
import os
import sys
import threading
import time
from wsgiref.validate import validator

from fastapi import FastAPI
from flask import Flask, request
from notes import Pieces, note, plain

import unicoro

meeting = threading.Barrier(int(os.environ.get("TOGETHER", "1")))
flask = Flask("old")


@flask.get("/meet")
def meet():
    time.sleep(0.05)
    meeting.wait(30)
    return "together"


@flask.post("/upload")
def upload():
    return f"{len(request.get_data())} of {request.content_type} at {request.script_root}"


@flask.get("/fail")
def fail():
    raise ValueError("on purpose")


def until_file():
    while not os.path.exists(os.path.join(os.environ["SCRATCH"], "go-on")):
        time.sleep(0.01)


def stream(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])

    def pieces():
        yield b"first"
        until_file()
        yield b" second"

    return Pieces(pieces())


def without_end(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Pieces(iter(lambda: bytes(100_000), None))


def read_lazily(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Pieces(environ["wsgi.input"])


def show(environ, start_response):
    shown = {key: value for key, value in environ.items() if isinstance(value, str)}
    return plain(start_response, json.dumps(shown))


def by_write(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    write(b"written ")
    return [b"returned"]


def second_head(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    try:
        raise ValueError("on purpose")
    except ValueError:
        return plain_with(start_response, "500 Oops", b"in its place", sys.exc_info())


def plain_with(start_response, status, body, exc_info):
    start_response(status, [("Content-Type", "text/plain")], exc_info)
    return [body]


def too_late(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "9")])
    write(b"abc")
    try:
        raise ValueError("too late")
    except ValueError:
        return plain_with(start_response, "500 Oops", b"in its place", sys.exc_info())


def no_head(environ, start_response):
    return [b"abc"]


def slowly_read(environ, start_response):
    lines = []
    for line in environ["wsgi.input"]:
        note(f"read {line.decode().strip()}")
        lines.append(line)
    return plain(start_response, f"{len(lines)} lines")


def half_read(environ, start_response):
    try:
        environ["wsgi.input"].read(10)
    except OSError as error:
        note(f"OSError: {error}")
        raise


def overdue(environ, start_response):
    until_file()
    try:
        start_response("200 OK", [("Content-Type", "text/plain")])(b"late")
    except OSError as error:
        note(f"OSError: {error}")
        raise


def closed_late(environ, start_response):
    """Its client need not wait for `close`."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])

    class Late(Pieces):
        def close(self):
            until_file()
            note("closed")

    return Late([b"done"])


PATHS = {
    "/show": show, "/stream": stream, "/without_end": without_end, "/by_write": by_write,
    "/second_head": second_head, "/too_late": too_late, "/no_head": no_head, "/slowly_read": slowly_read,
    "/half_read": half_read, "/read_lazily": read_lazily, "/overdue": overdue, "/closed_late": closed_late,
}


def wsgi(environ, start_response):
    return PATHS.get(environ["PATH_INFO"], show)(environ, start_response)


@validator
def valid(environ, start_response):
    body = environ["wsgi.input"].read(-1) if environ["REQUEST_METHOD"] == "POST" else b""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


app = FastAPI()


@app.get("/")
async def index():
    return "new"


app.mount("/old", unicoro.wsgi_to_asgi(flask))
app.mount("/wsgi", unicoro.wsgi_to_asgi(wsgi))
app.mount("/valid", unicoro.wsgi_to_asgi(valid))
alone = unicoro.wsgi_to_asgi(wsgi)


async def renamed(scope, receive, send):
    """As middleware does it that gives a request another path."""
    await alone({**scope, "path": scope["root_path"] + "/show/new \u00e9"}, receive, send)


app.mount("/renamed", renamed)


async def cancelled(scope, receive, send):
    """The application's thread is about to wait for its client just as its request is cancelled."""
    wait, is_about_to, is_cancelled = asyncio.run_coroutine_threadsafe, threading.Event(), threading.Event()

    def wait_late(coroutine, loop):
        is_about_to.set()
        is_cancelled.wait(60)
        return wait(coroutine, loop)

    async def for_good(*messages):
        note("after the end")
        await asyncio.Event().wait()

    asyncio.run_coroutine_threadsafe = wait_late
    request = asyncio.ensure_future(alone(scope, for_good, for_good))
    await asyncio.to_thread(is_about_to.wait, 60)
    asyncio.run_coroutine_threadsafe = wait
    request.cancel()
    await asyncio.wait({request})
    is_cancelled.set()
    await plain_asgi(send)


async def plain_asgi(send):
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


app.mount("/cancelled", cancelled)
