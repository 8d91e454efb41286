"""Handlers that an asyncio loop calls, set when the lifespan begins."""

import asyncio
import signal

from notes import note


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGUSR1):
            loop.add_signal_handler(number, note, f"{number.name} on the loop")
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"served"})
