"""WebSocket connections: what `environ["unicoro.websocket"]` raises, and messages for many."""


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


for _class in ConnectionClosed, HandshakeError:
    _class.__module__ = "unicoro.websocket"
del _class
