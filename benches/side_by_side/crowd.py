"""Many connections that the bench itself holds: to lie there idle, or with a request in progress."""

import socket
import time

PATIENCE = 60  # seconds that all of a crowd may take
REQUEST = b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n"


class Crowd:
    """`count` connections; closed at the end of `with`."""

    def __init__(self, address, count):
        host, _, port = address.partition(":")
        self.address = (host, int(port))
        self.count = count
        self.sockets = []

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        for each in self.sockets:
            each.close()

    def settle(self):
        """Each connects, asks and is answered, one after the other: from then on they are idle."""
        deadline = time.monotonic() + PATIENCE
        for number in range(self.count):
            self.connect(deadline)
            self.sockets[-1].sendall(REQUEST)
            self.must_answer(self.sockets[-1], number, deadline, "kept")
        self.must_be_kept()

    def must_be_kept(self):
        gone = sum(1 for each in self.sockets if is_closed(each))
        if gone:
            raise RuntimeError(f"closed {gone} of {self.count} idle connections")

    def ask(self):
        """All connect, and then all ask."""
        deadline = time.monotonic() + PATIENCE
        for _ in range(self.count):
            self.connect(deadline)
        for each in self.sockets:
            each.sendall(REQUEST)

    def hear(self, seconds):
        """The answers to `ask`, in so many seconds."""
        deadline = time.monotonic() + seconds
        for number, each in enumerate(self.sockets):
            self.must_answer(each, number, deadline, "answered in time")

    def connect(self, deadline):
        left = max(deadline - time.monotonic(), 0.001)
        try:
            self.sockets.append(socket.create_connection(self.address, timeout=left))
        except OSError as error:
            raise RuntimeError(f"{error} at connection {len(self.sockets)} of {self.count}") from None

    def must_answer(self, connection, number, deadline, what):
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        answer = b""
        try:
            while not answer.endswith(b"\r\n\r\nHello, world!"):
                piece = connection.recv(4096)
                if not piece:
                    break
                answer += piece
        except OSError:
            pass
        if not (answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"Hello, world!")):
            raise RuntimeError(f"{number} of {self.count} {what}")


def is_closed(connection):
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
