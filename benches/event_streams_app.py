"""What benches/event_streams serves: an event a second to each client, stamped with when it was due.

/each: each stream sleeps until its own next event. /all: one thread has an event for all of them.
"""

import threading
import time


def event(due):
    return f"data: {due}\n\n".encode()


def each():
    due = time.monotonic()
    while True:
        yield event(due)
        due += 1
        time.sleep(max(0, due - time.monotonic()))


class Ticker:
    def __init__(self):
        self.number = 0
        self.data = b": no event yet\n\n"
        self.has_news = threading.Condition()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        due = time.monotonic()
        while True:
            due += 1
            time.sleep(max(0, due - time.monotonic()))
            with self.has_news:
                self.number += 1
                self.data = event(due)
                self.has_news.notify_all()

    def stream(self):
        number = self.number
        yield b": welcome\n\n"
        while True:
            with self.has_news:
                self.has_news.wait_for(lambda: self.number > number)
                number, data = self.number, self.data
            yield data


ticker = Ticker()


def application(environ, start_response):
    streams = {"/each": each, "/all": ticker.stream}
    stream = streams.get(environ["PATH_INFO"], lambda: [b"there is /each and /all\n"])
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    return stream()
