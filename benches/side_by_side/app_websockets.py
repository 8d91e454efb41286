"""The WebSockets of app_asgi.py by the package websockets, which is a server itself."""

import asyncio

from websockets.asyncio.server import serve as server
from websockets.http11 import Response
from websockets.datastructures import Headers

from app_asgi import HELLO, TO_ALL

open_ones = set()


async def talk(connection):
    open_ones.add(connection)
    try:
        async for message in connection:
            for each in list(open_ones) if message == TO_ALL else [connection]:
                await each.send(message)
    finally:
        open_ones.discard(connection)


def answer(connection, request):
    """A request that asks for no WebSocket."""
    if "Upgrade" not in request.headers:
        return Response(200, "OK", Headers({"Content-Length": str(len(HELLO))}), HELLO)


async def forever(host, port):
    async with server(talk, host, port, process_request=answer):
        await asyncio.get_running_loop().create_future()


def serve(host, port):
    asyncio.run(forever(host, port))
