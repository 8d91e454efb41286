"""quart.testing: app.test_client()."""

import asyncio

from in_process import Closed
from own_clients.on_a_loop import ClientOnALoop
from quart.testing.connections import WebsocketDisconnectError, WebsocketResponseError
from werkzeug.datastructures import Headers


class Client(ClientOnALoop):
    async def start(self):
        self.test_app = self.app.test_app()
        await self.test_app.startup()
        self.client = self.app.test_client(use_cookies=False)

    async def stop(self):
        await self.test_app.shutdown()

    async def answer(self, method, target, fields, body):
        more = {"headers": Headers(fields), "scope_base": scope(target)}
        connection = self.client.request(target, method=method, **more)
        try:
            async with connection:
                await connection.send(body)
                await connection.send_complete()
        except ValueError:
            pass  # the application's, in the midst of its answer
        await connection.as_response()
        return connection.status_code, list(connection.headers), bytes(connection.response_data)

    def connect(self, target, fields):
        asked = [value.split(", ") for name, value in fields if name == "Sec-WebSocket-Protocol"]
        base = scope(target, subprotocols=asked[0] if asked else [])
        websocket = WebSocket(self, self.client.websocket(target, headers=Headers(fields), scope_base=base))
        return websocket, self.run(websocket.opened())


def scope(target, **more):
    """What it leaves out."""
    client, server = ("127.0.0.1", 50000), ("127.0.0.1", 80)
    raw_path = target.partition("?")[0].encode()
    return {"client": client, "server": server, "raw_path": raw_path, "state": {}, **more}


class WebSocket:
    def __init__(self, client, connection):
        self.client, self.connection = client, connection

    async def opened(self):
        await self.connection.__aenter__()
        # Something is said first, or it has been accepted.
        self.next = asyncio.ensure_future(self.connection.receive())
        while not self.connection.accepted and not self.next.done():
            await asyncio.sleep(0)
        if self.connection.accepted:
            return 101, [], b""
        try:
            await self.next
        except WebsocketResponseError as refused:
            response = refused.response
            return response.status_code, list(response.headers), await response.get_data(as_text=False)
        except WebsocketDisconnectError:
            return 403, [], b""

    def send(self, said):
        self.client.run(self.connection.send(said))

    def receive(self):
        return self.client.run(self.heard())

    async def heard(self):
        try:
            said = await self.next
        except WebsocketDisconnectError as end:
            raise Closed(end.args[0], "") from None
        self.next = asyncio.ensure_future(self.connection.receive())
        return said

    def leave(self, code, reason):
        self.client.run(self.left())

    async def left(self):
        self.next.cancel()
        try:
            await self.connection.__aexit__(None, None, None)
        except asyncio.CancelledError:
            pass  # how the application hears of it
