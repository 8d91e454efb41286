"""An ASGI application whose requests end otherwise than by themselves: cancelled, cut off, their clients gone."""

import asyncio
import os
import sys
import time

from asynchronous import answer, send_again_and_again, until_file
from notes import note

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup


async def hello(scope, receive, send):
    await answer(send, "Hello, world!")


async def long_head(scope, receive, send):
    """More of a head than is held back, and then a stream."""
    fields = [(b"x-%d" % number, b"y" * 1000) for number in range(17)]
    await send({"type": "http.response.start", "status": 200, "headers": fields, "trailers": bool(scope["query_string"])})
    await send({"type": "http.response.body", "body": b"first ", "more_body": True})
    await send({"type": "http.response.body", "body": b"second"})
    if scope["query_string"]:
        await send({"type": "http.response.trailers", "headers": []})


async def long_denial(scope, receive, send):
    fields = [(b"x-%d" % number, b"y" * 1000) for number in range(17)]
    await send({"type": "websocket.http.response.start", "status": 403, "headers": fields})
    await send({"type": "websocket.http.response.body", "body": b"first ", "more_body": True})
    await send({"type": "websocket.http.response.body", "body": b"second"})


async def hold_up(scope, receive, send):
    """The loop, until a file is there."""
    note("held up")
    while not os.path.exists(os.path.join(os.environ["SCRATCH"], "go-on")):
        time.sleep(0.01)
    await answer(send, "held up")


async def cancel_next(scope, receive, send):
    """The next request, before its first step."""
    loop, factory = asyncio.get_running_loop(), asyncio.get_running_loop().get_task_factory()

    def make(loop, coro, **named):
        task = asyncio.Task(coro, loop=loop, **named)
        task.cancel()
        loop.set_task_factory(factory)
        return task

    loop.set_task_factory(make)
    await answer(send, "the next")


async def say_whole_and_wait(scope, receive, send):
    """Goes on behind an answer that its client does not take."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    try:
        await send({"type": "http.response.body", "body": bytes(40_000_000), "more_body": bool(scope["query_string"])})
    except OSError as error:
        note(f"told: {type(error).__name__}")
    note(f"then {(await receive())['type']}")
    await until_file("go-on")
    note("over")


async def ignore_and_fail(scope, receive, send):
    """Lets pass that its client has left, and has a fault of its own then."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    try:
        await send_again_and_again(send)
    except OSError:
        pass
    raise KeyError("a fault of its own")


async def fail_by_upstream(scope, receive, send):
    """Another connection's end, which is not its client's."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    try:
        await send_again_and_again(send)
    except OSError:
        pass
    raise BrokenPipeError(32, "the upstream's")


async def fail_of_it(scope, receive, send):
    """As frameworks do, which have an exception of their own for it."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    try:
        await send_again_and_again(send)
    except OSError:
        note("left")
        raise RuntimeError("the client is gone")


async def fail_in_group(scope, receive, send):
    """One task of a group hears that the client has left, and another has a fault of its own."""
    try:
        await fail_of_it(scope, receive, send)
    except RuntimeError as gone:
        failures = [gone] if scope["query_string"] else [gone, KeyError("a fault in the group")]
        raise BaseExceptionGroup("", failures)


async def swallow(scope, receive, send):
    """The end of its time, and goes on."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        note("swallowed")
    await until_file("go-on")
    note("over")


async def fail_in_cleaning_up(scope, receive, send):
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        pass
    raise KeyError("in what cleans up")


async def ticks(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    try:
        await send_again_and_again(send, b"data: \n\n")
    except OSError as error:
        note(f"ticks ended: {error}")
        raise


async def silent(scope, receive, send):
    """Says something once, and listens."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"data: \n\n", "more_body": True})
    await receive()
    note(f"silent ended: {(await receive())['type']}")


async def deaf(scope, receive, send):
    """Says something once, and listens to nobody."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"data: \n\n", "more_body": True})
    try:
        await asyncio.sleep(600)
    finally:
        note("deaf ended")


async def swallow_nothing(scope, receive, send):
    """Has not answered, and listens to nobody."""
    note("begun")
    try:
        await asyncio.sleep(600)
    finally:
        note("swallow_nothing ended")


async def finish_when_cancelled(scope, receive, send):
    """An answer whose head was sent before its worker was asked to end."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
    await send({"type": "http.response.body", "body": b"data: ", "more_body": True})
    try:
        await asyncio.sleep(600)
    finally:
        await send({"type": "http.response.body", "body": b"end"})
        note("finish_when_cancelled ended")


async def flood(scope, receive, send):
    """Waits for a client that takes nothing."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    note("flood begun")
    try:
        while True:
            await send({"type": "http.response.body", "body": b"data: " * 100_000, "more_body": True})
    except OSError:
        note("flood ended")
        raise


async def whole_at_once(scope, receive, send):
    """Waits for a client that takes nothing of an answer in one message."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    note("begun")
    try:
        await send({"type": "http.response.body", "body": b"data: " * 10_000_000})
    except OSError:
        note("told")


async def whole_by_another(scope, receive, send):
    """The same, and does not wait itself."""
    asyncio.create_task(whole_at_once(scope, receive, send))
    await until_file("go-on")


async def short(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"data: ", "more_body": True})
    await until_file("go-on")
    await send({"type": "http.response.body", "body": b"end"})


async def live(receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    note("shutdown")
    await send({"type": "lifespan.shutdown.complete"})


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        return await live(receive, send)
    await globals().get(scope["path"].removeprefix("/"), hello)(scope, receive, send)
