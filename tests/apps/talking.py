"""WebSocket views, each at its path; plain ones beside them."""

import os
import threading
import time

from unicoro.websocket import ConnectionClosed, prepare

ROOM = set()
GONE = threading.Event()


def note(text):
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(text + "\n")


def echo(ws, environ):
    """All that comes goes back."""
    for message in ws:
        ws.send(message)
    note(f"echo ended with {ws.close_code}")


def accepted(ws, environ):
    """Takes the second subprotocol, with a field of its own, and says what it sees."""
    with ws:
        ws.accept(ws.subprotocols[1], [("X-Room", "7")])
        ws.send(f"{ws.subprotocol} {ws.closed} {ws.close_code}")
        ws.send(bytearray(b"\x00\xff"))


def said(ws, environ):
    """What its calls raise."""
    ws.accept()
    seen = []
    for call in (
        lambda: ws.accept(),
        lambda: ws.send(7),
        lambda: ws.close(1005),
        lambda: ws.receive(timeout=0.05),
        lambda: ws.recv(timeout=-1),
    ):
        try:
            call()
        except Exception as error:
            seen.append(type(error).__name__)
    ws.send(" ".join(seen))
    try:
        while True:
            ws.receive()
    except ConnectionClosed as error:
        note(f"closed: {error.code} {error.reason!r} {ws.closed} {ws.close_code} {error}")
    try:
        ws.send("late")
    except ConnectionClosed as error:
        note(f"late: {error.code}")


def closes(ws, environ):
    """Closes with a code of its own."""
    ws.receive()
    ws.close(4001, "enough")
    ws.close(4002)
    try:
        ws.receive()
    except ConnectionClosed as error:
        note(f"after close: {error.code} {error.reason}")


def fails(ws, environ):
    ws.send("soon")
    raise ValueError("a fault of the view")


def waits(ws, environ):
    """Waits until its client has gone."""
    try:
        ws.receive()
    except ConnectionClosed as error:
        note(f"waits ended with {error.code} {error.reason}".rstrip())


def elsewhere(ws, environ):
    """Does not receive for as long as a file is not there; then says what came."""
    ws.accept()
    note("elsewhere")
    while not os.path.exists("go"):
        time.sleep(0.02)
    ws.send(ws.receive(timeout=10))
    for message in ws:
        ws.send(message)


def many_senders(ws, environ):
    """Threads that send at once, while one receives."""
    ws.accept()

    def send(number):
        for round in range(20):
            ws.send(str(number) * (1000 * (number + 1) + round))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    asked = ws.receive()
    for thread in threads:
        thread.join()
    ws.send(f"all sent, {asked}")


def room(ws, environ):
    """What one says all hear, framed once."""
    ws.accept()
    ROOM.add(ws)
    try:
        for message in ws:
            prepared = prepare(message)
            for member in list(ROOM):
                member.send(prepared)
    finally:
        ROOM.discard(ws)


def floods(ws, environ):
    """Sends more than a client that does not read can take."""
    ws.accept()
    sent = 0
    try:
        while True:
            ws.send(b"x" * 65536)
            sent += 1
    except ConnectionClosed as error:
        note(f"floods ended with {error.code} {error.reason}, {sent > 0}")


def used_at_once(ws, environ):
    """Eight threads use it first."""
    seen, begins = [], threading.Barrier(8)

    def send():
        begins.wait()
        try:
            ws.send("sent")
        except Exception as error:
            seen.append(repr(error))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ws.send(f"raised: {seen}")


def leaves_much(ws, environ):
    """Leaves more unsent than its client takes in time."""
    for _ in range(512):
        ws.send(b"x" * 65536)
    note("much is left")


def send_much(ws):
    """More than its client takes before it is closed: it goes on to be sent."""
    try:
        ws.send(b"x" * (32 << 20))
    except ConnectionClosed as error:
        note(f"sender told {error.code}")


def left_sending(ws, environ):
    """Ends while a thread sends, once its client has said so."""
    ws.accept()
    threading.Thread(target=send_much, args=(ws,)).start()
    ws.receive()


def two_receive(ws, environ):
    """Two threads receive, and say which has received what."""
    ws.accept()

    def receive(name):
        for message in ws:
            ws.send(f"{name} {message}")
        note(f"{name} ended with {ws.close_code}")

    threads = [threading.Thread(target=receive, args=(name,)) for name in ("one", "other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def slow(ws, environ):
    """Takes longer than request_timeout."""
    time.sleep(0.2)
    ws.send("first")
    time.sleep(1.5)
    ws.send("second")


def gevents(ws, environ):
    """As it was written for gevent-websocket."""
    ws = environ["wsgi.websocket"]
    ws.send(f"{ws.version} {ws.path} {ws.origin} {ws.closed}")
    while not ws.closed:
        message = ws.receive()
        if message is not None:
            ws.send(message)
    try:
        ws.send("late")
    except Exception as error:
        note(f"{ws.receive()} {ws.closed} {type(error).__name__}")


VIEWS = {
    f"/{view.__name__}": view
    for view in (
        echo, accepted, said, closes, fails, waits, elsewhere, many_senders, room, floods, slow,
        gevents, used_at_once, leaves_much, left_sending, two_receive,
    )
}


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/plain":
        start_response("200 OK", [("Content-Length", "5")])
        return [b"plain"]
    if path == "/offered":
        answer = str("unicoro.websocket" in environ).encode()
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [answer]
    if path in ("/caught", "/caught_late", "/caught_too_late"):
        return caught(environ["unicoro.websocket"], start_response, path)
    if path in ("/used_within_start_response", "/used_within_early_hints"):
        fields = use_between_fields(environ["unicoro.websocket"])
        if path == "/used_within_early_hints":
            environ["wsgi.early_hints"](fields)
        else:
            start_response("200 OK", fields)
        return []
    if path == "/generator":
        return generator(environ["unicoro.websocket"])
    VIEWS[path](environ["unicoro.websocket"], environ)
    if path == "/accepted":
        start_response("200 OK", [])
        return [b"nobody sees this"]


def use_between_fields(ws):
    """Fields that come from code which speaks."""
    ws.send("between fields")
    yield "X-Field", "behind it"


def generator(ws):
    ws.send(ws.receive())
    yield b"nobody sees this"
    ws.send(ws.receive())


def caught(ws, start_response, path):
    """Has an answer of its own where it cannot be accepted."""
    headers = [("Content-Length", "12")]
    if path != "/caught":
        start_response("200 OK", headers)
    if path == "/caught_too_late":
        yield b"of "
    try:
        ws.accept()
    except ConnectionClosed as error:
        note(f"caught {error}")
    if path == "/caught":
        start_response("200 OK", headers)
    if path != "/caught_too_late":
        yield b"of "
    yield b"the view's"[:9]
