"""WebSocket views that leave their connection to callbacks; plain ones beside them."""

import os
import sys
import threading
import time

from notes import note, plain
from unicoro.websocket import ConnectionClosed

ROOM = set()
AT_ONCE = []


def ended(ws):
    ROOM.discard(ws)
    note(f"ended with {ws.close_code} {ws.close_reason}".rstrip())


def answer(ws, message):
    """All that comes goes back, but for what is asked for."""
    if message == "close":
        ws.close(4001, "enough")
    elif message == "fail":
        raise ValueError("a fault of the callback")
    elif message == "late":
        ws.close()
        ws.send("late")
    elif message == "sleep":
        time.sleep(5)
        note("slept to the end")
    elif message == "swallow":
        try:
            time.sleep(5)
        except BaseException:
            note("swallowed")
    else:
        ws.send(message)


def echo(ws):
    ws.serve(answer, ended)


def without_end(ws):
    with ws:
        ws.accept(headers=[("X-Room", "7")])
        ws.send("hello")
        ws.serve(answer)


def slow(ws):
    """Says how many of its socket's callbacks ran at once."""

    def slowly(ws, message):
        AT_ONCE.append(message)
        time.sleep(0.02)
        ws.send(f"{message} {AT_ONCE.count(message)} {len(AT_ONCE) > 1}")
        AT_ONCE.remove(message)

    ws.serve(slowly, ended)


def room(ws):
    """What one says all hear."""

    def said(ws, message):
        for member in list(ROOM):
            member.send(message)

    ws.serve(said, ended)
    ROOM.add(ws)


def flooded(ws):
    """A thread sends more than a client that does not read has room for."""

    def flood():
        sent = 0
        try:
            for _ in range(200):
                ws.send(b"x" * 65536)
                sent += 1
        except ConnectionClosed as error:
            note(f"flood ended with {error.code}")
        note(f"sent {sent}")

    ws.serve(answer, ended)
    threading.Thread(target=flood).start()


def send_much(ws):
    """More than its client takes before it is closed: it goes on to be sent."""
    try:
        ws.send(b"x" * (32 << 20))
    except ConnectionClosed as error:
        note(f"sender told {error.code}")


def left_sending(ws):
    """A thread sends what its client does not take at once."""
    ws.serve(answer, ended)
    threading.Thread(target=send_much, args=(ws,)).start()


def waits(ws):
    """The view itself receives."""
    ws.accept()
    note("waits")
    for message in ws:
        ws.send(message)


def closed_elsewhere(ws):
    """Closed by a thread once a file is there."""

    def close():
        while not os.path.exists("go"):
            time.sleep(0.02)
        ws.close(4002)

    ws.serve(answer, ended)
    threading.Thread(target=close).start()


def view_fails(ws):
    ws.serve(answer, ended)
    raise ValueError("a fault of the view")


def end_fails(ws):
    def ends(ws):
        raise ValueError("a fault of the end")

    ws.serve(answer, ends)


def said(ws):
    """What its calls raise."""
    seen = []
    for call in (
        lambda: ws.serve(7),
        lambda: ws.serve(answer, 7),
        lambda: ws.serve(answer, ended),
        lambda: ws.serve(answer),
        lambda: ws.receive(timeout=0),
        lambda: next(ws),
    ):
        try:
            call()
            seen.append("none")
        except Exception as error:
            seen.append(type(error).__name__)
    ws.send(" ".join(seen))


class Body:
    """Of a view that has left its connection: closed with the view, as any."""

    def __iter__(self):
        return iter(())

    def close(self):
        note("body closed")


VIEWS = {
    f"/{view.__name__}": view
    for view in (
        echo, without_end, slow, room, flooded, closed_elsewhere, view_fails, end_fails, said,
        left_sending, waits,
    )
}


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/threads":
        return plain(start_response, str(len(sys._current_frames())))
    if path == "/plain":
        return plain(start_response, "plain")
    VIEWS[path](environ["unicoro.websocket"])
    return Body()
