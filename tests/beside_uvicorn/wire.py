"""A client that keeps every byte of an answer, and what may differ in answers that are the same."""

import re
import socket

# The first answer waits for the server's start.
PATIENCE = 60
# Of the answer: made by the server, so that each server has its own place for them among the fields.
FRAMING = ("connection", "transfer-encoding", "content-length")


class Connection:
    """A connection; what it hears goes into ``heard``."""

    def __init__(self, address, heard):
        self.socket = socket.create_connection(address, timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.bytes = b""
        self.heard = heard
        self.fields = []

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        """Sends all of it, unless the server has closed: what it said before can still be read."""
        try:
            self.socket.sendall(data)
        except ConnectionError:
            pass

    def finish_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def answer(self, method="GET"):
        """The next answer: its status, and as it is compared into ``heard``."""
        head = self.until(b"\r\n\r\n")
        if head is None:
            self.heard.append(f"no answer, but {shown(self.bytes)}" if self.bytes else "no answer")
            return None
        status_line, *lines = head.decode("latin-1").split("\r\n")
        fields = self.fields = [field(line) for line in lines]
        named = {name.lower(): value for name, value in fields}
        status = int(status_line.split(" ")[1])
        if method == "HEAD" or status < 200 or status in (204, 304):
            body = b""
        elif named.get("transfer-encoding") == "chunked":
            body = self.chunks()
        elif "content-length" in named:
            body = self.exactly(int(named["content-length"]))
        else:
            body = self.to_the_end()
        self.heard.append((status_line, comparable(fields), unmasked(body, named)))
        return status

    def is_closed(self):
        """Waits for the end of the connection."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def more(self):
        try:
            some = self.socket.recv(65536)
        except ConnectionError:
            some = b""
        self.bytes += some
        return bool(some)

    def take(self, length):
        taken, self.bytes = self.bytes[:length], self.bytes[length:]
        return taken

    def until(self, end):
        """What comes before these bytes, which are taken too; ``None`` if they never come."""
        while end not in self.bytes:
            if not self.more():
                return None
        return self.take(self.bytes.index(end) + len(end))[: -len(end)]

    def exactly(self, length):
        while len(self.bytes) < length:
            if not self.more():
                return self.take(length) + b"(cut off)"
        return self.take(length)

    def to_the_end(self):
        while self.more():
            pass
        return self.take(len(self.bytes)) + b"(to the end)"

    def chunks(self):
        """As they came: how an answer is cut into chunks can be seen."""
        whole = b""
        while True:
            size = self.until(b"\r\n")
            if size is None:
                return whole + b"(cut off)"
            chunk = self.exactly(int(size, 16) + 2)
            whole += size + b"\r\n" + chunk
            if chunk == b"\r\n" or chunk.endswith(b"(cut off)"):
                return whole


def field(line):
    name, _, value = line.partition(":")
    return name, value.removeprefix(" ")


def comparable(fields):
    """Names in lower case (RFC 9110, 5.1), but for Server and Date; those of the framing stand at the end."""
    fields = [(name.lower(), masked(value)) for name, value in fields]
    fields = [(name, "*" if name == "expires" else value) for name, value in fields]
    # Its options have no case (RFC 9110, 7.6.1).
    fields = [(name, value.lower() if name == "connection" else value) for name, value in fields]
    fields = [field for field in fields if field[0] not in ("server", "date")]
    return [field for field in fields if field[0] not in FRAMING] + sorted(
        field for field in fields if field[0] in FRAMING
    )


def masked(value):
    """Without what is drawn by lot or tells the time."""
    for pattern, instead in MASKS:
        value = re.sub(pattern, instead, value)
    return value


MASKS = (
    (r"\b(session\w*)=[^;]+", r"\1=*"),
    (r"(?i)\b(expires)=[^;]+", r"\1=*"),
    (r"\b(boundary)=[^;]+", r"\1=*"),
)


def unmasked(body, named):
    """A body without what is drawn by lot: the time in gzip's head, the boundary of byte ranges."""
    if named.get("content-encoding") == "gzip":
        body = re.sub(rb"\x1f\x8b\x08.{6}", b"(gz head)", body, count=1, flags=re.DOTALL)
    boundary = re.search(r"boundary=([^;]+)", named.get("content-type", ""))
    if boundary:
        body = body.replace(boundary[1].strip('"').encode(), b"(boundary)")
    return body


def shown(data):
    """Bytes for a reader."""
    text = repr(data)
    return text if len(text) <= 400 else f"{text[:300]} ... {len(data)} bytes ... {text[-60:]}"


def pairs(ours, theirs, who):
    """What was heard of both, one below the other where it is not the same."""
    lines = []
    for index in range(max(len(ours), len(theirs))):
        pair = [heard[index] if index < len(heard) else "nothing" for heard in (ours, theirs)]
        if pair[0] == pair[1]:
            lines.append(f"  both      {said(pair[0])}")
        else:
            lines += [f"  unicoro   {said(pair[0])}", f"  {who:9} {said(pair[1])}"]
    return lines


def said(what):
    if isinstance(what, str):
        return what
    status_line, fields, body = what
    return f"{status_line} {fields} {shown(body)}"
