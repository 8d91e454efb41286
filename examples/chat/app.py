"""A chat by WebSocket, as a plain WSGI application: each connection is a loop in blocking code."""

import pathlib

from rooms import ROOMS

PAGE = pathlib.Path(__file__).with_name("page.html").read_bytes()


def app(environ, start_response):
    room = ROOMS.get(environ["PATH_INFO"].removeprefix("/rooms/"))
    socket = environ.get("unicoro.websocket")
    if room and socket:
        room.talk(socket)
        return []
    start_response("200 OK", [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(PAGE))),
    ])
    return [PAGE]
