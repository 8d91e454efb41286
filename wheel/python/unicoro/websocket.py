"""WebSocket connections: what `environ["unicoro.websocket"]` raises, and messages for many."""

import collections
import sys


class ConnectionClosed(Exception):
    """The connection is closed: nothing more can be sent, and all messages that came were received.

    `code` is the number of the close frame (RFC 6455, 7.4): the client's, or the one that it was sent;
    1005 where it had none, 1006 where the connection broke without one.
    """

    def __init__(self, code=1006, reason=""):
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self):
        return f"{self.code} {self.reason}".rstrip()


class HandshakeError(ConnectionClosed):
    """The request breaks a rule of the handshake: the client is answered 400 or 426, whatever the
    application returns."""


def prepare(data):
    """A message that many clients are sent, as `ws.send` takes it: it is framed and compressed once.

    Within a server it is this; elsewhere the message itself.
    """
    return data



class WebSocketError(Exception):
    """What a `wsgi.websocket` raises that nothing can be sent on: geventwebsocket's own, if the
    application has imported that."""


class GeventWebSocket:
    """`environ["wsgi.websocket"]`: a WebSocket with gevent-websocket's methods."""

    def __init__(self, websocket, environ):
        self._websocket = websocket
        self._rest = collections.deque()
        self.version = environ.get("HTTP_SEC_WEBSOCKET_VERSION")
        self.path = environ.get("PATH_INFO")
        self.origin = environ.get("HTTP_ORIGIN")

    @property
    def closed(self):
        """Whether it is closed, and all that came before was received."""
        if not self._websocket.closed:
            return False
        # None of it is waited for.
        self._rest.extend(self._websocket)
        return not self._rest

    @property
    def protocol(self):
        return self._websocket.subprotocol

    def receive(self):
        """The next message; None once it is closed."""
        return self._rest.popleft() if self._rest else next(self._websocket, None)

    def send(self, message, binary=None):
        if binary is None:
            binary = not isinstance(message, str)
        if binary and isinstance(message, str):
            message = message.encode()
        elif not binary and not isinstance(message, str):
            message = bytes(message).decode()
        try:
            self._websocket.send(message)
        except ConnectionClosed as error:
            theirs = sys.modules.get("geventwebsocket.exceptions")
            kind = theirs.WebSocketError if theirs else WebSocketError
            raise kind(f"Socket is dead: {error}") from error

    def close(self, code=1000, message=b""):
        reason = message if isinstance(message, str) else bytes(message).decode()
        self._websocket.close(code, reason)


for _class in ConnectionClosed, HandshakeError, WebSocketError, GeventWebSocket:
    _class.__module__ = "unicoro.websocket"
del _class
