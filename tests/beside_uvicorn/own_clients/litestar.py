"""litestar.testing.TestClient."""

from litestar.exceptions import WebSocketDisconnect
from litestar.testing import TestClient
from own_clients.of_httpx import HttpxClient, HttpxWebSocket


class WebSocket(HttpxWebSocket):
    disconnected = WebSocketDisconnect

    def close(self, code, reason):
        self.session.close(code)


class Client(HttpxClient):
    def __init__(self, app):
        super().__init__(TestClient(app, raise_server_exceptions=False), WebSocket)
