"""WebSocket clients that the bench itself holds. They speak as little of the protocol as it takes: one short
text message at a time, one frame each, no extension."""

import select
import socket
import time

PATIENCE = 60  # seconds that all of them may take to connect, or a message to all
AT_ONCE = 50  # handshakes: asyncio's listen queue has room for a hundred
HANDSHAKE = (b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
ACCEPTED = b"HTTP/1.1 101 "
TO_ALL = b"*"
MESSAGE = b"a" * 100


def masked(text):
    """A client's frame. The mask is zero: no server can tell, and no bit changes."""
    return bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text


def unmasked(text):
    """A server's frame."""
    return bytes([0x81, len(text)]) + text


class Talkers:
    """`count` open WebSockets; closed, without a word, at the end of `with`."""

    def __init__(self, address, count):
        host, _, port = address.partition(":")
        self.address = (host, int(port))
        self.count = count
        self.sockets = {}

    def __enter__(self):
        deadline = time.monotonic() + PATIENCE
        while (number := len(self.sockets)) < self.count:
            try:
                for each in self.connected(min(AT_ONCE, self.count - number), deadline):
                    answer = self.head(each)
                    if not answer.startswith(ACCEPTED):
                        raise RuntimeError(f"answered {answer[:40]!r} to WebSocket {number} of {self.count}")
                    number += 1
            except OSError as error:
                raise RuntimeError(f"{error} at WebSocket {number} of {self.count}") from None
        return self

    def connected(self, count, deadline):
        """That many more, which have asked for their handshakes."""
        found = []
        for _ in range(count):
            left = max(deadline - time.monotonic(), 0.001)
            each = socket.create_connection(self.address, timeout=left)
            self.sockets[each.fileno()] = each
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            each.sendall(HANDSHAKE)
            found.append(each)
        return found

    def __exit__(self, *reason):
        for each in self.sockets.values():
            each.close()

    @staticmethod
    def head(connection):
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            piece = connection.recv(4096)
            if not piece:
                break
            answer += piece
        return answer

    def echo(self, seconds, count):
        """`count` of them say something as soon as they have heard their last message. How long each took."""
        frame, answer = masked(MESSAGE), unmasked(MESSAGE)
        chosen = dict(list(self.sockets.items())[:count])
        sent, latencies = {}, []
        with select.epoll() as poll:
            for descriptor, each in chosen.items():
                poll.register(descriptor, select.EPOLLIN)
                sent[descriptor] = time.perf_counter()
                each.send(frame)
            end = time.perf_counter() + seconds
            while sent:
                ready = poll.poll(PATIENCE)
                if not ready:
                    raise RuntimeError(f"{len(sent)} of {count} messages did not come back")
                for descriptor, _ in ready:
                    each = chosen[descriptor]
                    if each.recv(4096) != answer:
                        raise RuntimeError("a message did not come back as it was")
                    now = time.perf_counter()
                    if now < end:
                        latencies.append(now - sent[descriptor])
                        sent[descriptor] = now
                        each.send(frame)
                    else:
                        del sent[descriptor]
        return latencies

    def to_all(self):
        """One of them says something to all: how long it takes until all have heard it."""
        frame, answer = masked(TO_ALL), unmasked(TO_ALL)
        with select.epoll() as poll:
            for descriptor in self.sockets:
                poll.register(descriptor, select.EPOLLIN)
            began = time.perf_counter()
            next(iter(self.sockets.values())).send(frame)
            left = len(self.sockets)
            while left:
                ready = poll.poll(PATIENCE)
                if not ready:
                    raise RuntimeError(f"{left} of {self.count} did not hear a message to all")
                for descriptor, _ in ready:
                    if self.sockets[descriptor].recv(4096) != answer:
                        raise RuntimeError("a message to all did not come as it was")
                    left -= 1
            return time.perf_counter() - began
