"""ASGI's extensions of HTTP: files sent by their path, trailers, early hints."""

import asyncio
import os
import threading

from asynchronous import answer
from fastapi import FastAPI
from fastapi.responses import FileResponse
from notes import note
from starlette.middleware.base import BaseHTTPMiddleware

DIRECTORY = os.environ["SCRATCH"]
FILE = os.path.join(DIRECTORY, "file")


async def show(scope, receive, send):
    await answer(send, " ".join(scope["extensions"]))


async def mark(scope, receive, send):
    """What one request writes into its scope, no other sees."""
    marks = [len(value) for value in scope["extensions"].values()]
    for value in scope["extensions"].values():
        value["mark"] = True
    await answer(send, str(marks))


async def send_file(scope, receive, send, headers=(), path=FILE):
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.pathsend", "path": path})
    note("sent")


async def with_length(scope, receive, send):
    await send_file(scope, receive, send, [(b"content-length", b"%d" % os.stat(FILE).st_size)])


async def of_length(scope, receive, send):
    await send_file(scope, receive, send, [(b"content-length", scope["query_string"])])


async def refused(scope, receive, send):
    """What cannot be sent raises before anything has left, and a body may be sent in its place."""
    os.mkfifo(os.path.join(DIRECTORY, "fifo"))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    said = []
    for path in (os.path.join(DIRECTORY, "absent"), DIRECTORY, os.path.join(DIRECTORY, "fifo"), "file"):
        try:
            await send({"type": "http.response.pathsend", "path": path})
        except Exception as error:
            said.append(type(error).__name__)
            assert getattr(error, "filename", path) == path
    await send({"type": "http.response.body", "body": " ".join(said).encode()})


async def missing(scope, receive, send):
    await send_file(scope, receive, send, path=os.path.join(DIRECTORY, "absent"))


async def file_beside_receive(scope, receive, send):
    await receive()
    gone = asyncio.ensure_future(receive())
    await asyncio.sleep(0)
    await send_file(scope, receive, send)
    gone.cancel()


async def file_and_turns(scope, receive, send):
    """Others have their turns while a long file leaves."""
    turns = 0

    async def turn():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(turn())
    await with_length(scope, receive, send)
    task.cancel()
    note(f"many turns: {turns > 20}")


async def file_beside_threads(scope, receive, send):
    """Threads of the application take the interpreter's lock in turns with a file that leaves."""
    has_left = threading.Event()

    def compute():
        while not has_left.is_set():
            sum(range(1000))

    threads = [threading.Thread(target=compute) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        await with_length(scope, receive, send)
    finally:
        has_left.set()
    for thread in threads:
        thread.join()


async def trailers(scope, receive, send):
    start = [(b"trailer", b"digest, x-more"), (b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": start, "trailers": True})
    await send({"type": "http.response.body", "body": b"abc", "more_body": True})
    await send({"type": "http.response.body", "body": b"def"})
    try:
        await send({"type": "http.response.body", "body": b"too late"})
    except RuntimeError:
        note("no body behind the body")
    first = {"type": "http.response.trailers", "headers": [(b"digest", b"one")], "more_trailers": True}
    await send(first)
    await send({"type": "http.response.trailers", "headers": [[b"x-more", b"two"], (b"content-length", b"1")]})


async def file_and_trailers(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": True})
    await send({"type": "http.response.pathsend", "path": FILE})
    await send({"type": "http.response.trailers", "headers": [(b"digest", b"one")]})


async def trailers_misused(scope, receive, send):
    said = []
    for message in (
        {"type": "http.response.trailers", "headers": []},
        {"type": "http.response.pathsend", "path": FILE},
        {"type": "http.response.start", "status": 200, "headers": []},
        {"type": "http.response.trailers", "headers": []},
        {"type": "http.response.early_hint", "links": [b"a\r\nb: c"]},
    ):
        try:
            await send(message)
            said.append("well")
        except Exception as error:
            said.append(type(error).__name__)
    await send({"type": "http.response.body", "body": " ".join(said).encode()})


async def no_trailers(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": True})
    await send({"type": "http.response.body", "body": b"abc"})


async def hints(scope, receive, send):
    await send({"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload", b"</b.js>; rel=preload"]})
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.early_hint", "links": [b"</c.css>; rel=preload"]})
    await send({"type": "http.response.body", "body": b"do", "more_body": True})
    # Too late: ignored.
    await send({"type": "http.response.early_hint", "links": [b"</d.css>; rel=preload"]})
    await send({"type": "http.response.body", "body": b"ne"})


PATHS = {
    "/": show, "/mark": mark, "/file": with_length, "/chunked": send_file, "/of_length": of_length, "/refused": refused,
    "/missing": missing, "/file_and_turns": file_and_turns, "/trailers": trailers,
    "/file_beside_threads": file_beside_threads,
    "/file_and_trailers": file_and_trailers, "/trailers_misused": trailers_misused,
    "/no_trailers": no_trailers, "/hints": hints, "/file_beside_receive": file_beside_receive,
}


async def application(scope, receive, send):
    assert scope["type"] == "http"
    await PATHS[scope["path"]](scope, receive, send)


app = FastAPI()


class Passing(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        response = await call_next(request)
        response.headers["x-middleware"] = "passed"
        return response


app.add_middleware(Passing)


@app.api_route("/file", methods=["GET", "HEAD"])
async def fastapis_file():
    return FileResponse(FILE)
