"""ASGI applications whose lifespans go otherwise than they should."""

import asyncio
import functools
import os
import time

from asynchronous import answer, until_file
from notes import note


async def hello(scope, receive, send):
    await answer(send, "Hello, world!")


async def dies_while_serving(scope, receive, send):
    if scope["type"] != "lifespan":
        return await hello(scope, receive, send)
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await until_file("die")
    raise ValueError("while it served")


async def dies_behind_its_end(scope, receive, send):
    if scope["type"] != "lifespan":
        return await hello(scope, receive, send)
    for step in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{step}.complete"})
    raise ValueError("behind the end")


async def slow_at_both_ends(scope, receive, send):
    """For longer than a worker may be silent."""
    if scope["type"] != "lifespan":
        return await hello(scope, receive, send)
    for step in ("startup", "shutdown"):
        await receive()
        await asyncio.sleep(8)
        note(step)
        await send({"type": f"lifespan.{step}.complete"})


async def sets_task_factory(scope, receive, send):
    """One that wraps each coroutine, as sentry's does."""
    if scope["type"] != "lifespan":
        return await FACTORY_PATHS[scope["path"]](scope, receive, send)

    def make(loop, coroutine, **named):
        if "fails" in state:
            state.clear()
            coroutine.close()
            raise ValueError("the factory's own")

        async def wrap():
            return await coroutine

        task = asyncio.Task(wrap(), loop=loop, **named)
        if "cancels" in state:
            state.clear()
            task.cancel()
        return task

    state = set()
    FACTORY_PATHS["/fails_next"] = FACTORY_PATHS["/cancels_next"] = functools.partial(have_next, state)
    await receive()
    asyncio.get_running_loop().set_task_factory(make)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def have_next(state, scope, receive, send):
    """Something befall the next request's task."""
    state.add(scope["path"].removeprefix("/").removesuffix("_next"))
    await answer(send, "the next")


FACTORY_PATHS = {"/": hello}


async def never_ends(scope, receive, send):
    """Its shutdown, whose loop turns."""
    if scope["type"] != "lifespan":
        return await hello(scope, receive, send)
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    note("shutdown")
    await asyncio.sleep(600)


async def blocks(scope, receive, send):
    """The loop, where it starts."""
    await receive()
    time.sleep(600)


async def start_fails_unless_mended(scope, receive, send):
    if scope["type"] != "lifespan":
        return await hello(scope, receive, send)
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup" and not os.path.exists(os.path.join(os.environ["SCRATCH"], "mended")):
            return await send({"type": "lifespan.startup.failed", "message": "no database"})
        await send({"type": f"{message['type']}.complete"})
