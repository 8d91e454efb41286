"""A WSGI application within an ASGI application."""

import asyncio
import concurrent.futures
import contextvars
import io
import sys
import urllib.parse


class Mounted:
    """An ASGI application that calls a WSGI application, each request of it in a thread of the loop's default
    executor: under unicoro a green thread."""

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        if scope["type"] == "websocket":
            await receive()
            return await send({"type": "websocket.close"})
        if scope["type"] != "http":
            raise ValueError(f"a WSGI application knows no {scope['type']!r}")
        loop = asyncio.get_running_loop()
        call = Call(loop, receive, send)
        body = io.BufferedReader(Body(call), 65536)
        serve = contextvars.copy_context().run, call.serve, self.application, environ(scope, body)
        try:
            await loop.run_in_executor(None, *serve)
        finally:
            # If it was cancelled, the application goes on, and hears of it when it sends or receives.
            call.is_over = True
            # The call's thread may take it away meanwhile.
            if (waits := call.waits) is not None:
                waits.cancel()


class Call:
    """One call of the application; all but the making in its thread."""

    def __init__(self, loop, receive, send):
        self.loop = loop
        self.receive = receive
        self.send = send
        self.head = None
        self.has_begun = False
        self.has_ended = False
        # Bytes of the body that are to come, if their number was promised.
        self.missing = None
        # The request has nobody who waits for it any more.
        self.is_over = False
        self.waits = None

    def serve(self, application, environ):
        result = application(environ, self.start_response)
        try:
            if type(result) in (list, tuple):
                return self.give(b"".join(result), is_last=True)
            for piece in result:
                if piece:
                    self.write(piece)
            self.give(b"", is_last=True)
        finally:
            if hasattr(result, "close"):
                result.close()

    def start_response(self, status, headers, exc_info=None):
        if exc_info:
            try:
                if self.has_begun:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self.head is not None:
            raise RuntimeError("start_response was called twice, the second time without exc_info")
        fields = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        lengths = [int(value) for name, value in fields if name == b"content-length"]
        self.missing = lengths[0] if lengths else None
        self.head = {"type": "http.response.start", "status": int(status[:3]), "headers": fields}
        return self.write

    def write(self, piece):
        # The client need not wait for the iterable's end, nor for what `close` does.
        self.give(piece, is_last=self.missing is not None and self.missing <= len(piece))

    def give(self, piece, is_last):
        if self.head is None:
            raise RuntimeError("the application did not call start_response")
        if self.has_ended:
            return
        if self.missing is not None:
            self.missing -= len(piece)
        messages = [] if self.has_begun else [self.head]
        messages.append({"type": "http.response.body", "body": piece, "more_body": not is_last})
        self.has_begun, self.has_ended = True, is_last
        self.wait_for(self.send_all(messages))

    async def send_all(self, messages):
        for message in messages:
            self.look_whether_cancelled()
            await self.send(message)

    async def receive_next(self):
        self.look_whether_cancelled()
        return await self.receive()

    def look_whether_cancelled(self):
        # On the loop: who cancels may have come before there was anything to cancel.
        if self.is_over:
            raise cancelled()

    def wait_for(self, coroutine):
        """Waits, in the application's thread, for what runs on the loop."""
        if self.is_over:
            coroutine.close()
            raise cancelled()
        self.waits = waits = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        # Who has cancelled the request since it was looked has seen nothing to cancel here.
        if self.is_over:
            waits.cancel()
        try:
            return waits.result()
        except concurrent.futures.CancelledError:
            raise cancelled() from None
        finally:
            self.waits = None


def cancelled():
    return BrokenPipeError("the request has been cancelled")


class Body(io.RawIOBase):
    """The body of a request, as it comes."""

    def __init__(self, call):
        self.call = call
        self.piece = b""
        self.goes_on = True

    def readable(self):
        return True

    def readinto(self, buffer):
        while not self.piece and self.goes_on:
            message = self.call.wait_for(self.call.receive_next())
            if message["type"] != "http.request":
                raise ConnectionResetError("the client has left before the end of its body")
            self.piece, self.goes_on = message.get("body", b""), message.get("more_body", False)
        count = min(len(buffer), len(self.piece))
        buffer[:count], self.piece = self.piece[:count], self.piece[count:]
        return count


def environ(scope, body):
    """PEP 3333's of an ASGI scope."""
    root = scope.get("root_path", "")
    server = scope.get("server") or ("localhost", None)
    # A unix socket's path is no name.
    server = ("localhost", 80) if server[1] is None else server
    made = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": native(root),
        "PATH_INFO": path_info(scope, root),
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_SOFTWARE": "unicoro",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if scope.get("client"):
        made["REMOTE_ADDR"], made["REMOTE_PORT"] = scope["client"][0], str(scope["client"][1])
    for name, value in scope["headers"]:
        # Of `a_b` and `a-b`, which nobody could tell apart, the second is known.
        if b"_" not in name:
            key = name.decode("latin-1").upper().replace("-", "_")
            key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
            separator = "; " if key == "HTTP_COOKIE" else ","
            value = value.decode("latin-1")
            made[key] = f"{made[key]}{separator}{value}" if key in made else value
    return made


def path_info(scope, root):
    """What follows ``root``, its bytes as they came, one character each. A path that is no UTF-8 is whole in
    ``raw_path`` alone; that does not count if somebody has given the scope another path since."""
    # Since ASGI's HTTP 2.4 both begin with where the application is mounted.
    path = scope["path"].removeprefix(root)
    raw = urllib.parse.unquote_to_bytes(scope.get("raw_path") or b"")
    raw = raw.removeprefix(root.encode("utf-8", "surrogateescape"))
    return raw.decode("latin-1") if raw.decode("utf-8", "replace") == path else native(path)


def native(text):
    """Text as WSGI has it: its bytes, one character each."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")
