"""ASGI applications whose lifespans go otherwise than they should."""

import asyncio
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


async def slow_at_both_ends(scope, receive, send):
    """For longer than a worker may be silent."""
    if scope["type"] != "lifespan":
        return await hello(scope, receive, send)
    for step in ("startup", "shutdown"):
        await receive()
        await asyncio.sleep(8)
        note(step)
        await send({"type": f"lifespan.{step}.complete"})


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
