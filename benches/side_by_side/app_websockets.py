"""The WebSockets of app_asgi.py by the package websockets, which is a server itself."""

import asyncio

import uvloop
from websockets.asyncio.server import broadcast
from websockets.asyncio.server import serve as server
from websockets.datastructures import Headers
from websockets.http11 import Response

from app_asgi import HELLO, TO_ALL

# As the other servers are told it (servers.py).
NO_PING = 600

open_ones = set()


async def talk(connection):
    open_ones.add(connection)
    try:
        async for message in connection:
            if message == TO_ALL:
                broadcast(open_ones, message)
            else:
                await connection.send(message)
    finally:
        open_ones.discard(connection)


def answer(connection, request):
    """A request that asks for no WebSocket."""
    if "Upgrade" not in request.headers:
        return Response(200, "OK", Headers({"Content-Length": str(len(HELLO))}), HELLO)


async def forever(host, port):
    async with server(talk, host, port, process_request=answer, ping_interval=NO_PING):
        await asyncio.get_running_loop().create_future()


def serve(host, port):
    uvloop.run(forever(host, port))
