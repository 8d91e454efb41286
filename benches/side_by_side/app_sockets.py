"""WebSockets in a WSGI application: each message goes back, or to all of them."""

from app import hello

# What one of them sends to have it sent to all of them.
TO_ALL = "*"

open_ones = set()


def sockets(environ, start_response):
    """A green thread waits for each one's next message."""
    if "HTTP_UPGRADE" not in environ:
        return hello(environ, start_response)
    socket = environ["unicoro.websocket"]
    socket.accept()
    open_ones.add(socket)
    try:
        for message in socket:
            answer(socket, message)
    finally:
        open_ones.discard(socket)
    return []


def callbacks(environ, start_response):
    """Nothing waits; each message is a call."""
    if "HTTP_UPGRADE" not in environ:
        return hello(environ, start_response)
    socket = environ["unicoro.websocket"]
    open_ones.add(socket)
    socket.serve(answer, open_ones.discard)
    return []


def answer(socket, message):
    if message == TO_ALL:
        from unicoro.websocket import prepare

        prepared = prepare(message)
        for each in list(open_ones):
            each.send(prepared)
    else:
        socket.send(message)


def simple(environ, start_response):
    """By simple-websocket, which needs a thread or greenlet beside the one that waits."""
    if "HTTP_UPGRADE" not in environ:
        return hello(environ, start_response)
    from simple_websocket import ConnectionClosed, Server

    socket = Server.accept(environ)
    open_ones.add(socket)
    try:
        while True:
            message = socket.receive()
            for each in list(open_ones) if message == TO_ALL else [socket]:
                each.send(message)
    except ConnectionClosed:
        # As flask-sock says to gunicorn that no answer follows.
        raise StopIteration from None
    finally:
        open_ones.discard(socket)
