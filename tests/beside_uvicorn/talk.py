"""What behaviours are written with: each is a function that talks to a server, kept by its name."""

import time

from wire import Connection

BEHAVIOURS = {}
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=xyz"


class Talk:
    """What is said to a server and heard of it."""

    def __init__(self, address):
        self.address = address
        self.sent, self.heard, self.kept, self.wrong = [], [], [], []

    def connect(self):
        return Connection(self.address, self.heard)

    def ask(self, data, status=200):
        """One request on a connection of its own, and whether that is kept."""
        self.sent.append(data)
        with self.connect() as connection:
            connection.send(data)
            self.expect(connection.answer(data.split(b" ", 1)[0].decode()), status)
            self.look_whether_kept(connection)

    def expect(self, found, status):
        if found not in (status if isinstance(status, tuple) else (status,)):
            self.wrong.append(f"status {found} in place of {status}")

    def look_whether_kept(self, connection):
        """A connection is kept if the next request on it is answered."""
        connection.send(request("GET /hello"))
        connection.answer()
        answer = self.heard.pop()
        self.kept.append("closed" if answer == "no answer" else answer)

    def seen(self, key):
        """What the application has noted, once it has."""
        text = wait_for(f"a note of {key}", lambda: self.fetch(f"/seen/{key}"))
        self.heard.append(f"noted: {text}")

    def fetch(self, path):
        with self.connect() as connection:
            connection.send(request(f"GET {path}"))
            connection.answer()
        answer = self.heard.pop()
        return answer[2].decode() if answer != "no answer" else ""


def wait_for(what, look):
    deadline = time.monotonic() + 20
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.01)
    return found


def request(line, *fields, body=None, kind=None):
    """Of ``METHOD /path``, the lines of fields and a body, which gets a Content-Length."""
    lines = [line if " HTTP/" in line else f"{line} HTTP/1.1", "Host: test", *fields]
    if kind is not None:
        lines.append(f"Content-Type: {kind}")
    body = body.encode("latin-1") if isinstance(body, str) else body
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1") + (body or b"")


def chunked(line, *chunks, fields=(), trailer=""):
    head = request(line, "Transfer-Encoding: chunked", *fields)
    body = "".join(f"{len(chunk):x}\r\n{chunk}\r\n" for chunk in chunks)
    return head + f"{body}0\r\n{trailer}\r\n".encode()


def behaviour(function):
    BEHAVIOURS[function.__name__] = function
    return function


def plain(name, data, status=200):
    """One request, one answer."""
    BEHAVIOURS[name] = lambda talk: talk.ask(data, status)


def part(name, content, file=None):
    file_name = "" if file is None else f'; filename="{file}"\r\nContent-Type: text/plain'
    return f'--xyz\r\nContent-Disposition: form-data; name="{name}"{file_name}\r\n\r\n{content}\r\n'
