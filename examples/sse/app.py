"""A live ticker by server-sent events: each client is a generator that waits and yields."""

import collections
import itertools
import json
import pathlib
import random
import threading
import time

INTERVAL = 0.5  # seconds from one event to the next
KEPT = 10_000  # events for clients that come back
HEARTBEAT = 15  # seconds without an event, after which a comment says that the stream lives

PAGE = pathlib.Path(__file__).with_name("page.html").read_bytes()


class Ticker:
    """Numbered events, the last of which are kept."""

    def __init__(self):
        self.number = 0  # of the latest event
        self.events = collections.deque(maxlen=KEPT)
        self.has_news = threading.Condition()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        price = 100.0
        while True:
            time.sleep(INTERVAL)
            price *= random.uniform(0.99, 1.0102)
            with self.has_news:
                self.number += 1
                data = json.dumps({"price": round(price, 2)})
                self.events.append(f"id: {self.number}\ndata: {data}\n\n".encode())
                self.has_news.notify_all()

    def after(self, number, patience):
        """The latest number, and the events behind `number`: none if none comes in time."""
        with self.has_news:
            self.has_news.wait_for(lambda: self.number > number, patience)
            missed = min(self.number - number, len(self.events))
            known = len(self.events) - missed
            return self.number, list(itertools.islice(self.events, known, None))


ticker = Ticker()


def stream(number):
    # The answer begins at once; who loses the connection tries again after a second.
    yield b"retry: 1000\n\n"
    while True:
        number, events = ticker.after(number, HEARTBEAT)
        # When the client has left, this raises GeneratorExit.
        yield b"".join(events) or b": nothing new\n\n"


def first_number(environ):
    """The event that the client had last. A higher number than ours is from before a restart."""
    last = environ.get("HTTP_LAST_EVENT_ID", "")
    return min(int(last), ticker.number) if last.isdecimal() else ticker.number


def app(environ, start_response):
    if environ["PATH_INFO"] == "/events":
        start_response("200 OK", [
            ("Content-Type", "text/event-stream"),
            ("Cache-Control", "no-store"),
        ])
        return stream(first_number(environ))
    start_response("200 OK", [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(PAGE))),
    ])
    return [PAGE]
