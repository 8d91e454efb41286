"""What Starlette's and Litestar's have in common: httpx, with the application in a thread of anyio's."""

from in_process import Closed, Unsayable


class HttpxClient:
    def __init__(self, client, websocket):
        self.client, self.websocket = client, websocket
        client.headers.clear()

    def __enter__(self):
        self.client.__enter__()
        return self

    def __exit__(self, *raised):
        self.client.__exit__(*raised)

    def ask(self, method, target, fields, body):
        self.look_at(target, fields)
        with self.client.stream(method, target, headers=fields, content=body, follow_redirects=False) as answer:
            content = []
            try:
                content.extend(answer.iter_raw())
            except ValueError:
                pass  # the application's, in the midst of its answer
            return answer.status_code, answer.headers.multi_items(), b"".join(content)

    def connect(self, target, fields):
        self.look_at(target, fields)
        named = {name.lower(): value for name, value in fields}
        websocket = self.websocket(self.client.websocket_connect(target, headers=named))
        return websocket, websocket.opened()

    def look_at(self, target, fields):
        """Whether httpx sends them as they are."""
        self.client.cookies.clear()
        if self.client.build_request("GET", target).url.raw_path != target.encode():
            raise Unsayable("httpx writes the target in another way")
        if not all(value.isascii() for _, value in fields):
            raise Unsayable("its fields are ASCII")


class HttpxWebSocket:
    """A session of either; ``disconnected`` is what it raises when the application closes."""

    disconnected = None

    def __init__(self, session):
        self.session = session

    def opened(self):
        try:
            self.session.__enter__()
        except self.disconnected as end:
            return self.refused(end)
        except Exception:
            return 500, [], b""  # the application's own
        named = {"sec-websocket-protocol": self.session.accepted_subprotocol}
        fields = [(name.decode(), value.decode()) for name, value in self.session.extra_headers or []]
        return 101, fields + [(name, value) for name, value in named.items() if value], b""

    def refused(self, end):
        return 403, [], b""

    def send(self, said):
        (self.session.send_text if isinstance(said, str) else self.session.send_bytes)(said)

    def receive(self):
        try:
            message = self.session.receive()
        except self.disconnected as end:
            raise Closed(end.code, end.detail) from None
        except Exception:
            raise Closed(1011, "") from None  # the application's own
        return message["bytes"] if message.get("text") is None else message["text"]

    def leave(self, code, reason):
        try:
            self.close(code, reason)
            self.session.__exit__(None, None, None)
        except Exception:
            pass  # the application's own, which has been heard
