"""The workloads for ASGI servers, the same code for each."""

import asyncio

HELLO = b"Hello, world!"
START = {"type": "http.response.start", "status": 200,
         "headers": [(b"content-type", b"text/plain"), (b"content-length", b"13")]}
BODY = {"type": "http.response.body", "body": HELLO}
# What one of them sends to have it sent to all of them.
TO_ALL = "*"


async def hello(scope, receive, send):
    if scope["type"] == "http":
        await send(START)
        await send(BODY)
    else:
        await live(receive, send)


async def sleep(scope, receive, send):
    if scope["type"] == "http":
        await asyncio.sleep(0.05)
        await send(START)
        await send(BODY)
    else:
        await live(receive, send)


async def live(receive, send):
    """The lifespan, of which there is nothing to do."""
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


senders = set()


async def sockets(scope, receive, send):
    """WebSockets: each message goes back, or to all of them. A request is answered as by `hello`."""
    if scope["type"] != "websocket":
        return await hello(scope, receive, send)
    await receive()
    await send({"type": "websocket.accept"})
    senders.add(send)
    try:
        while (message := await receive())["type"] == "websocket.receive":
            answer = {"type": "websocket.send", "text": message["text"]}
            for each in list(senders) if message["text"] == TO_ALL else [send]:
                await each(answer)
    finally:
        senders.discard(send)
