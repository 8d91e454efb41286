"""django.test.AsyncClient."""

from urllib.parse import unquote

from django.test.client import AsyncClient, FakePayload
from own_clients.on_a_loop import ClientOnALoop


class Client(ClientOnALoop):
    async def start(self):
        self.client = AsyncClient(raise_request_exception=False)

    async def answer(self, method, target, fields, body):
        self.client.cookies.clear()
        for name, value in fields:
            if name == "Cookie":
                self.client.cookies.load(value)
        path, _, query = target.partition("?")
        scope = {"method": method, "path": unquote(path), "raw_path": path.encode(), "query_string": query.encode()}
        fields = [(name.lower(), value) for name, value in fields if name != "Cookie"]
        scope["headers"] = [(name.encode(), value.encode("latin-1")) for name, value in fields]
        response = await self.client.request(**scope, root_path="", _body_file=FakePayload(body))
        cookies = [("Set-Cookie", cookie.OutputString()) for cookie in response.cookies.values()]
        return response.status_code, [*response.headers.items(), *cookies], await content_of(response)


async def content_of(response):
    if not response.streaming:
        return response.content
    if not response.is_async:
        return b"".join(response.streaming_content)
    content = b""
    try:
        async for piece in response.streaming_content:
            content += piece
    except ValueError:
        pass  # the application's, in the midst of its answer
    return content
