"""Behaviours asked of a framework's own test client: no server, no connection. What is said on a connection is read,
asked of the client (clients.py), and what that answers is heard as if it had come by a connection."""

import json

from talk import Talk
from wire import FRAMING, comparable, unmasked

TEXT, BINARY, CLOSE = 1, 2, 8


class Unsayable(Exception):
    """What a test client has no means for, and why."""


class Closed(Exception):
    """The application has closed a WebSocket: code and reason."""


class InProcessTalk(Talk):
    def __init__(self, client):
        super().__init__(None)
        self.client = client

    def connect(self):
        return InProcessConnection(self.client, self.heard)

    def look_whether_kept(self, connection):
        """Not to be seen without a connection."""

    def seen(self, key):
        if not self.heard:
            raise Unsayable("it waits for the answer before it can do anything else")
        super().seen(key)


class InProcessConnection:
    def __init__(self, client, heard):
        self.client, self.heard = client, heard
        self.sent = self.bytes = b""
        self.asked, self.fields, self.websocket = set(), [], None

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        self.close()

    def close(self):
        if self.websocket is not None:
            self.websocket.leave(1006, "")
            self.websocket = None

    def send(self, data):
        self.sent += data
        if self.websocket is not None:
            self.send_frame()

    def finish_sending(self):
        raise Unsayable("it has no sending end to close")

    def until(self, end):
        raise Unsayable("it cannot leave in the midst of an answer")

    def answer(self, method="GET"):
        method, target, fields, body = self.next_request()
        self.asked = {name.lower() for name, _ in fields}
        if ("upgrade", "websocket") in ((name.lower(), value) for name, value in fields):
            self.websocket, (status, fields, content) = self.client.connect(target, fields)
        else:
            status, fields, content = self.client.ask(method, target, fields, body)
        self.fields, named = fields, {name.lower(): value for name, value in fields}
        content = b"" if method == "HEAD" else unmasked(self.without_own_fields(content), named)
        fields = [field for field in comparable(fields) if field[0] not in FRAMING]
        self.heard.append((f"HTTP/1.1 {status} ", fields, content))
        return status

    def next_request(self):
        """Of what was sent: method, target, fields, body."""
        head, ended, rest = self.sent.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        fields = [(name, value.strip(" \t")) for name, colon, value in (line.partition(":") for line in lines) if colon]
        if not ended or len(fields) < len(lines) or line.count(" ") != 2:
            raise Unsayable("it makes whole requests alone")
        method, target, version = line.split(" ")
        if version != "HTTP/1.1" or not target.startswith("/"):
            raise Unsayable("it makes requests of HTTP/1.1 to a path alone")
        named = {name.lower(): value for name, value in fields}
        if "host" not in named or len({*FRAMING[1:]} & {*named}) > 1 or not method.isupper():
            raise Unsayable("it makes no requests that break the rules")
        if named.get("transfer-encoding", "chunked") != "chunked":
            raise Unsayable("it knows no codings")
        if "transfer-encoding" in named:
            if not rest.endswith(b"\r\n\r\n"):
                raise Unsayable("it makes whole requests alone")
            body, self.sent = unchunked(rest)
            # It has no chunks: their sum is sent.
            fields = [field for field in fields if field[0].lower() not in FRAMING]
            fields.append(("Content-Length", str(len(body))))
        else:
            length = named.get("content-length", "0")
            if not length.isdecimal() or len(rest) < int(length):
                raise Unsayable("it makes whole requests alone")
            body, self.sent = rest[: int(length)], rest[int(length) :]
        return method, target, fields, body

    def send_frame(self):
        """What a client's frame says, to the application."""
        opcode, payload, self.sent = frame_of(self.sent)
        if opcode == CLOSE:
            code, reason = int.from_bytes(payload[:2], "big") if payload else 1005, payload[2:].decode()
            self.websocket.leave(code, reason)
            self.websocket = None
            # A server's part: it says the same in return.
            self.bytes += bytes([0x80 | CLOSE, len(payload)]) + payload
        elif opcode == TEXT:
            try:
                self.websocket.send(payload.decode())
            except UnicodeDecodeError:
                raise Unsayable("its texts are strings") from None
        else:
            self.websocket.send(payload)

    def exactly(self, length):
        """The next of what the application says, in a server's frames."""
        while len(self.bytes) < length:
            try:
                said = self.websocket.receive()
                opcode, payload = BINARY, said
                if isinstance(said, str):
                    opcode, payload = TEXT, self.without_own_fields(said.encode())
            except Closed as end:
                code, reason = end.args
                opcode, payload = CLOSE, code.to_bytes(2, "big") + reason.encode()
            self.bytes += bytes([0x80 | opcode, 127]) + len(payload).to_bytes(8, "big") + payload
        taken, self.bytes = self.bytes[:length], self.bytes[length:]
        return taken

    def is_closed(self):
        return True

    def without_own_fields(self, content):
        """A scope that was answered, without fields that the client has sent of its own."""
        scope = scope_in(content)
        if scope is None:
            return content
        scope["headers"] = [field for field in scope["headers"] if field[0] in self.asked]
        return json.dumps(scope).encode()


def frame_of(data):
    """Of a client's whole frame: opcode, payload, what is behind it."""
    if data[0] - 0x80 not in (TEXT, BINARY, CLOSE) or not data[1] & 0x80:
        raise Unsayable("it has whole messages alone, and no pings")
    length, start = data[1] & 0x7F, 2
    if length > 125:
        start = 4 if length == 126 else 10
        length = int.from_bytes(data[2:start], "big")
    mask, start = data[start : start + 4], start + 4
    payload = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data[start : start + length]))
    return data[0] & 0x0F, payload, data[start + length :]


def unchunked(data):
    """The content of a chunked body, and what is behind it: trailers too are lost."""
    content = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        size = int(size.partition(b";")[0] or b"0", 16)
        if size == 0:
            return content, data.partition(b"\r\n")[2] if data.startswith(b"\r\n") else b""
        content, data = content + data[:size], data[size + 2 :]


def scope_in(content):
    """What tests/apps/beside described of a scope, if this is that."""
    try:
        scope = json.loads(content)
    except ValueError:
        return None
    return scope if isinstance(scope, dict) and "raw_path" in scope else None
