"""Litestar."""

import time
from contextlib import asynccontextmanager
from typing import Annotated, Any

import beside
from litestar import Litestar, MediaType, Request, Response, WebSocket, asgi, get, post, route, websocket
from litestar.background_tasks import BackgroundTask
from litestar.config.compression import CompressionConfig
from litestar.config.cors import CORSConfig
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.exceptions import HTTPException, WebSocketDisconnect
from litestar.middleware.session.client_side import CookieBackendConfig
from litestar.params import Body
from litestar.response import File, Redirect, ServerSentEvent, Stream
from litestar.types import Receive, Scope, Send

PLAIN = {"media_type": MediaType.TEXT}


@get("/hello", **PLAIN)
async def hello() -> str:
    return "Hello, world!"


@post("/hello_by_post", status_code=200, **PLAIN)
async def hello_by_post() -> str:
    return "Hello, world!"


@route(["/echo", "/echo/{rest:path}"], http_method=beside.METHODS, status_code=200)
async def echo(request: Request) -> dict[str, Any]:
    return beside.described(request.scope, await request.body())


@get("/args")
async def args(request: Request) -> list[Any]:
    return list(request.query_params.multi_items())


@get("/items/{number:int}")
async def item(number: int) -> dict[str, int]:
    return {"number": number}


@route("/count", http_method=["GET", "POST"], status_code=200, **PLAIN)
async def count(request: Request) -> str:
    length = 0
    async for piece in request.stream():
        length += len(piece)
    return str(length)


@get("/json")
async def json() -> dict[str, Any]:
    return {"message": "Hello, world!", "\u00e9": [1, None, 2.5]}


@post("/json", status_code=200)
async def json_taken(data: dict[str, Any]) -> dict[str, Any]:
    return data


@post("/form", status_code=200)
async def form(request: Request) -> list[Any]:
    return list((await request.form()).multi_items())


@post("/upload", status_code=200)
async def upload(
    data: Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)],
) -> dict[str, Any]:
    file = data["file"]
    return beside.measured(file.filename, await file.read(), data["field"])


@get("/cookies")
async def cookies(request: Request) -> dict[str, str]:
    return request.cookies


@get("/set_cookies", **PLAIN)
async def set_cookies() -> Response[str]:
    response = Response("set")
    response.set_cookie(Cookie("a", "1; 2"))
    response.set_cookie("b", "2", httponly=True, samesite="lax", max_age=60)
    response.delete_cookie("c")
    return response


@get("/fields", **PLAIN)
async def fields() -> Response[str]:
    return Response("fields", headers={"X-One": "1", "x-empty": "", "X-Latin": "caf\u00e9"})


@get("/empty")
async def empty() -> Response[bytes]:
    return Response(b"")


@get("/large")
async def large() -> Response[bytes]:
    return Response(beside.LARGE)


@get("/status/{status:int}")
async def status(status: int) -> Response[None]:
    return Response(None, status_code=status)


@get("/redirect", status_code=302)
async def redirect() -> Redirect:
    return Redirect("/hello?from=\u00e9")


@get("/stream")
async def stream() -> Stream:
    return Stream(beside.pieces(), media_type=MediaType.TEXT)


@get("/stream_with_length")
async def stream_with_length() -> Stream:
    return Stream(beside.pieces(), headers={"content-length": "24"})


@get("/long_stream")
async def long_stream() -> Stream:
    return Stream(beside.long_pieces(), media_type=MediaType.TEXT)


@get("/empty_stream")
async def empty_stream() -> Stream:
    return Stream(beside.nothing())


@get("/events")
async def events() -> ServerSentEvent:
    async def numbers():
        for number in range(3):
            yield str(number)

    return ServerSentEvent(numbers(), event_type="count")


@get("/file")
async def file() -> File:
    return File(beside.FILE, filename="same", media_type=MediaType.TEXT)


@get("/zipped", **PLAIN)
async def zipped() -> str:
    return beside.ZIPPED


@get("/refuse")
async def refuse() -> None:
    raise HTTPException("a teapot", status_code=418, headers={"x-why": "tea"})


@get("/fail")
async def fail() -> None:
    raise ValueError("on purpose")


@get("/fault")
async def fault() -> None:
    raise beside.Fault


def handle(request: Request, fault: beside.Fault) -> Response[Any]:
    return Response({"fault": "handled"}, status_code=409)


@get("/fail_in_first_piece")
async def fail_in_first_piece() -> Stream:
    return Stream(beside.failing_first())


@get("/fail_late")
async def fail_late() -> Stream:
    return Stream(beside.failing_late())


@get("/longer")
async def longer() -> Response[bytes]:
    return Response(b"abcdef", headers={"content-length": "3"})


@get("/shorter")
async def shorter() -> Response[bytes]:
    return Response(b"abcdef", headers={"content-length": "9"})


@get("/synchronous", sync_to_thread=True, **PLAIN)
def synchronous() -> str:
    time.sleep(0.01)
    return "synchronous"


@get("/background", **PLAIN)
async def background() -> Response[str]:
    return Response("later", background=BackgroundTask(beside.background))


@get("/failing_background", **PLAIN)
async def failing_background() -> Response[str]:
    return Response("later", background=BackgroundTask(beside.failing_background))


@get("/endless")
async def endless() -> Stream:
    return Stream(beside.endless())


@get("/wait_for_disconnect")
async def wait_for_disconnect(request: Request) -> None:
    async def is_disconnected() -> bool:
        return (await request.receive())["type"] == "http.disconnect"

    await beside.until_disconnected(is_disconnected)


@post("/cut_off")
async def cut_off(request: Request) -> None:
    await beside.cut_off(request.body)


@get("/receive_behind", **PLAIN)
async def receive_behind(request: Request) -> Response[str]:
    return Response("received", background=BackgroundTask(beside.received_behind, request.receive))


@get("/state", **PLAIN)
async def state(request: Request) -> str:
    return request.app.state.word


@get("/session", **PLAIN)
async def session(request: Request) -> str:
    if "set" in request.query_params:
        request.set_session({"number": request.query_params["set"]})
    return str(request.session.get("number"))


@get("/context", **PLAIN)
async def context(request: Request) -> str:
    return await beside.in_context(request.url.query)


@get("/task", **PLAIN)
async def task() -> str:
    return await beside.task()


@get("/timeout", **PLAIN)
async def timeout() -> str:
    return await beside.timeout()


@get("/seen/{key:str}", **PLAIN)
async def seen(key: str) -> str:
    return beside.seen(key)


@websocket("/ws/echo")
async def websocket_echo(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(detail="", code=message["code"])
            if message.get("text") is not None:
                await socket.send_text(message["text"])
            else:
                await socket.send_bytes(message["bytes"])
    except WebSocketDisconnect as end:
        beside.note(f"websocket_{socket.url.query}", str(int(end.code)))


@websocket("/ws/chat")
async def websocket_chat(socket: WebSocket) -> None:
    await socket.accept("chat", {"x-one": "1"})
    await socket.receive()


@websocket("/ws/scope")
async def websocket_scope(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_json(beside.websocket_described(socket.scope))
    await socket.close()


@websocket("/ws/refuse")
async def websocket_refuse(socket: WebSocket) -> None:
    await socket.close(4001, "no")


@websocket("/ws/close")
async def websocket_close(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close(4002, "enough")


@websocket("/ws/fail")
async def websocket_fail(socket: WebSocket) -> None:
    raise ValueError("on purpose")


@websocket("/ws/fail_late")
async def websocket_fail_late(socket: WebSocket) -> None:
    await socket.accept()
    raise ValueError("on purpose")


@asgi("/mounted", is_mount=True)
async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
    body = repr([scope["path"], scope["root_path"], scope["raw_path"]]).encode()
    length = b"%d" % len(body)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def lifespan(app: Litestar):
    app.state.word = "of the start"
    yield


async def passing(response: Response) -> Response:
    response.headers["x-middleware"] = "passed"
    return response


app = Litestar(
    [value for value in list(globals().values()) if type(value).__module__.startswith("litestar.handlers")],
    lifespan=[lifespan],
    exception_handlers={beside.Fault: handle},
    after_request=passing,
    cors_config=CORSConfig(allow_origins=[beside.ORIGIN]),
    compression_config=CompressionConfig(backend="gzip"),
    middleware=[CookieBackendConfig(secret=b"for tests only..").middleware],
    openapi_config=None,
    debug=False,
)
