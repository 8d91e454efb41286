"""WebSocket views that run greenlets of gevent's beside what they wait for."""

import gevent
from notes import note
from unicoro.websocket import ConnectionClosed


def ticks(ws):
    """One greenlet sends while another waits for a message."""

    def tick():
        for number in range(3):
            gevent.sleep(0.01)
            ws.send(str(number))

    gevent.spawn(tick)
    ws.send(ws.receive())


def floods(ws):
    """Another greenlet runs while one waits for a client that does not read."""

    def beat():
        for _ in range(3):
            gevent.sleep(0.01)
        note("three beats")

    beats = gevent.spawn(beat)
    ws.send(b"x" * (32 << 20))
    note("sent")
    beats.join()


def timed(ws):
    """Waits that end without a message take none."""
    seen = []
    for wait in (lambda: ws.receive(timeout=0.02), lambda: limited(ws), lambda: killed(ws)):
        try:
            wait()
        except (TimeoutError, gevent.Timeout, gevent.GreenletExit) as error:
            seen.append(type(error).__name__)
    ws.send(" ".join(seen))
    for message in ws:
        ws.send(message)


def limited(ws):
    with gevent.Timeout(0.02):
        ws.receive()


def killed(ws):
    waits = gevent.spawn(ws.receive)
    gevent.sleep(0.02)
    waits.kill()
    raise waits.value


def leaves_one_waiting(ws):
    """A greenlet waits still when the view returns."""

    def wait():
        try:
            ws.receive()
        except ConnectionClosed as error:
            note(f"closed {error.code}")

    ws.accept()
    gevent.spawn(wait)
    gevent.sleep(0)


VIEWS = {
    f"/{view.__name__}": view for view in (ticks, floods, timed, leaves_one_waiting)
}


def application(environ, start_response):
    key = "wsgi.websocket" if environ["QUERY_STRING"] == "gevents" else "unicoro.websocket"
    VIEWS[environ["PATH_INFO"]](environ[key])
    return []
