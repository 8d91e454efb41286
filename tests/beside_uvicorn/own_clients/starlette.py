"""starlette.testclient.TestClient."""

import warnings

import httpx
from in_process import Closed
from own_clients.of_httpx import HttpxClient, HttpxWebSocket
from starlette.websockets import WebSocketDisconnect

with warnings.catch_warnings():
    # It would rather have httpx2.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient


class WebSocket(HttpxWebSocket):
    disconnected = WebSocketDisconnect

    def refused(self, end):
        if isinstance(end, httpx.Response):
            return end.status_code, end.headers.multi_items(), end.content
        return super().refused(end)

    def receive(self):
        try:
            message = self.session.receive()
        except Exception:
            raise Closed(1011, "") from None
        if message["type"] == "websocket.close":
            raise Closed(message.get("code", 1000), message.get("reason") or "")
        return message["bytes"] if message.get("text") is None else message["text"]

    def close(self, code, reason):
        self.session.close(code, reason)


class Client(HttpxClient):
    def __init__(self, app):
        client = TestClient(app, "http://test", raise_server_exceptions=False, client=("127.0.0.1", 50000))
        super().__init__(client, WebSocket)
