"""WebSockets in a WSGI application: each message goes back, or to all of them."""

from app import hello

# What one of them sends to have it sent to all of them.
TO_ALL = "*"

open_ones = set()


def sockets(environ, start_response):
    if "HTTP_UPGRADE" not in environ:
        return hello(environ, start_response)
    if "unicoro.websocket" in environ:
        socket, gone = environ["unicoro.websocket"], ()
        socket.accept()
    else:
        from simple_websocket import ConnectionClosed, Server

        socket, gone = Server.accept(environ), ConnectionClosed
    open_ones.add(socket)
    try:
        for message in received(socket, gone):
            for each in list(open_ones) if message == TO_ALL else [socket]:
                each.send(message)
    finally:
        open_ones.discard(socket)
    return []


def received(socket, gone):
    """Until the client leaves."""
    if not gone:
        yield from socket
        return
    try:
        while True:
            yield socket.receive()
    except gone:
        pass
