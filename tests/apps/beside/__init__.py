"""Not an app: what the applications share that are compared under unicoro and uvicorn. Each has the same paths,
made as its framework's users make them."""

import asyncio
import contextvars
import hashlib
import os

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
ORIGIN = "https://example.org"
LARGE = b"0123456789abcdef" * 200_000
ZIPPED = "the same again and again " * 400
FILE = os.environ.get("SAME_FILE", "")
current = contextvars.ContextVar("current", default="nothing")
noted = {}


class Fault(Exception):
    """What an application has a handler for."""


def note(key, text):
    """For the driver, which asks for /seen/KEY."""
    noted.setdefault(key, []).append(text)


def seen(key):
    return " ".join(noted.pop(key, []))


def text(value):
    return value.decode("latin-1")


def described(scope, body=b""):
    """A scope without what differs between two connections, or two versions of the specification."""
    client, server = scope["client"], scope["server"]
    return {
        "type": scope["type"],
        "asgi": scope.get("asgi", {}).get("version"),
        "http_version": scope.get("http_version"),
        "method": scope["method"],
        "scheme": scope["scheme"],
        "path": scope["path"],
        "raw_path": text(scope["raw_path"]),
        "subprotocols": scope.get("subprotocols"),
        "query_string": text(scope["query_string"]),
        "root_path": scope["root_path"],
        "headers": [[text(name), text(value)] for name, value in scope["headers"]],
        "client": [client[0], client[1] if client[1] < 100 else "a port"],
        "server": [server[0], type(server[1]).__name__],
        "body": text(body),
    }


def measured(name, content, field):
    """An upload."""
    return {"name": name, "size": len(content), "hash": hashlib.sha256(content).hexdigest(), "field": field}


async def pieces(count=3):
    for number in range(count):
        await asyncio.sleep(0)
        yield b"piece %d\n" % number


async def nothing():
    return
    yield b""


async def long_pieces():
    for number in range(64):
        yield bytes([65 + number % 26]) * 20_000


async def events():
    for number in range(3):
        await asyncio.sleep(0)
        yield b"id: %d\ndata: event\n\n" % number


async def endless():
    try:
        while True:
            yield b"x" * 1000
            await asyncio.sleep(0.005)
    finally:
        note("endless", "ended")


async def failing_first():
    raise ValueError("on purpose")
    yield b""


async def failing_late():
    yield b"begun "
    yield b"and "
    await asyncio.sleep(0)
    raise ValueError("on purpose")


async def background():
    await asyncio.sleep(0.02)
    note("background", "done")


async def failing_background():
    note("failing_background", "begun")
    raise ValueError("on purpose")


async def in_context(query):
    before = current.get()
    current.set(query)
    await asyncio.sleep(0.02)
    return f"{before} then {current.get()}"


async def task():
    before = asyncio.current_task()
    await asyncio.sleep(0)
    return f"{before is not None} {asyncio.current_task() is before}"


async def timeout():
    try:
        await asyncio.wait_for(asyncio.sleep(10), 0.02)
    except asyncio.TimeoutError:
        return "timed out"


async def until_cancelled():
    """For frameworks that cancel the handler when the client has left."""
    note("waiting", "begun")
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        note("disconnect", "cancelled")
        raise


async def until_disconnected(is_disconnected):
    note("waiting", "begun")
    while not await is_disconnected():
        await asyncio.sleep(0.005)
    note("disconnect", "seen")


async def cut_off(read):
    """A body that never comes whole."""
    note("receiving", "begun")
    try:
        await read()
    except BaseException as error:
        note("cut_off", type(error).__name__)
        raise


async def received_behind(receive):
    message = await receive()
    note("received_behind", message["type"])


def websocket_described(scope):
    """The scope of a WebSocket, likewise."""
    return {key: value for key, value in described({**scope, "method": ""}).items() if key not in ("method", "body")}
