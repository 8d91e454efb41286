"""blacksheep.testing.TestClient."""

import asyncio

from blacksheep import StreamedContent
from blacksheep.testing import TestClient
from in_process import Closed, Unsayable
from own_clients.on_a_loop import ClientOnALoop


class Client(ClientOnALoop):
    async def start(self):
        await self.app.start()
        self.client = TestClient(self.app)

    async def stop(self):
        await self.app.stop()

    async def answer(self, method, target, fields, body):
        more = {}
        if body:
            kind = next((value for name, value in fields if name == "Content-Type"), "application/octet-stream")
            more["content"] = content_of(body, kind)
        if "%" in target.partition("?")[0] or target.count("?") > 1:
            raise Unsayable("it does not decode its paths, and knows one question mark")
        if not hasattr(self.client, method.lower()) or (body and method not in ("POST", "PUT", "PATCH", "DELETE")):
            raise Unsayable("it has functions for the usual methods, and bodies for those that have one")
        response = await getattr(self.client, method.lower())(target, headers=raw(fields), **more)
        try:
            content = await response.read() or b""
        except ValueError:
            content = b""  # the application's, in the midst of its answer
        return response.status, text(response.headers.items()), content

    def connect(self, target, fields):
        return self.run(self.opened(target, fields))

    async def opened(self, target, fields):
        websocket = WebSocket(self, self.client.websocket_connect(target, headers=raw(fields)))
        await websocket.session.send({"type": "websocket.connect"})
        message = await websocket.session.receive()
        if message["type"] != "websocket.accept":
            return websocket, (403, [], b"")
        answered = text(message.get("headers") or [])
        if message.get("subprotocol"):
            answered.append(("sec-websocket-protocol", message["subprotocol"]))
        return websocket, (101, answered, b"")


def content_of(body, kind):
    async def whole():
        yield body

    return StreamedContent(kind.encode(), whole, len(body))


def raw(fields):
    """In the place of its own Accept-Encoding, if none is given, one that changes no answer."""
    fields = [(name.lower(), value) for name, value in fields]
    if not any(name == "accept-encoding" for name, _ in fields):
        fields.append(("accept-encoding", "identity"))
    return [(name.encode(), value.encode("latin-1")) for name, value in fields]


def text(fields):
    return [(name.decode(), value.decode("latin-1")) for name, value in fields]


class WebSocket:
    def __init__(self, client, session):
        self.client, self.session = client, session

    def send(self, said):
        kind = "text" if isinstance(said, str) else "bytes"
        self.client.run(self.session.send({"type": "websocket.receive", kind: said}))

    def receive(self):
        message = self.client.run(self.session.receive())
        if message["type"] == "websocket.close":
            raise Closed(message.get("code", 1000), message.get("reason") or "")
        return message["bytes"] if message.get("text") is None else message["text"]

    def leave(self, code, reason):
        self.client.run(self.session.send({"type": "websocket.disconnect", "code": code, "reason": reason}))
        self.client.run(asyncio.sleep(0))
