"""BlackSheep."""

import time
from collections.abc import AsyncIterable

import beside
from blacksheep import (
    Application,
    Content,
    Cookie,
    FromJSON,
    Request,
    Response,
    Router,
    StreamedContent,
    WebSocket,
    WebSocketDisconnectError,
    json as json_response,
    redirect,
    text,
)
from blacksheep.exceptions import HTTPException
from blacksheep.server.compression import use_gzip_compression
from blacksheep.server.responses import file as file_response
from blacksheep.server.sse import ServerSentEvent

app = Application()
app.use_sessions("for tests only")
app.use_cors(allow_methods="GET POST", allow_origins=beside.ORIGIN)
get, post = app.router.get, app.router.post


@app.on_start
async def start(app):
    app.word = "of the start"


async def passing(request, handler):
    response = await handler(request)
    if request.headers.contains(b"x-ask-middleware"):
        response.headers.add(b"x-middleware", b"passed")
    return response


app.middlewares.append(passing)


@app.exception_handler(beside.Fault)
async def handle(self, request, fault):
    return json_response({"fault": "handled"}, status=409)


@get("/hello")
@post("/hello_by_post")
async def hello() -> Response:
    return text("Hello, world!")


async def echo(request: Request) -> Response:
    return json_response(beside.described(request.scope, await request.read() or b""))


for method in beside.METHODS:
    app.router.add(method, "/echo", echo)
    app.router.add(method, "/echo/*", echo)
app.router.add("PURGE", "/purge", echo)


@get("/args")
async def args(request: Request) -> Response:
    return json_response(request.query)


@get("/items/{number}")
async def item(number: int) -> Response:
    return json_response({"number": number})


@get("/count")
@post("/count")
async def count(request: Request) -> Response:
    length = 0
    async for piece in request.stream():
        length += len(piece)
    return text(str(length))


@get("/json")
async def json() -> Response:
    return json_response({"message": "Hello, world!", "\u00e9": [1, None, 2.5]})


@post("/json")
async def json_taken(data: FromJSON[dict]) -> Response:
    return json_response(data.value)


@post("/form")
async def form(request: Request) -> Response:
    return json_response(await request.form())


@post("/upload")
async def upload(request: Request) -> Response:
    files, fields = await request.files(), await request.form()
    file = files[0]
    return json_response(beside.measured(file.file_name.decode(), file.data, str(fields["field"])))


@get("/cookies")
async def cookies(request: Request) -> Response:
    return json_response(request.cookies)


@get("/set_cookies")
async def set_cookies() -> Response:
    response = text("set")
    response.set_cookie(Cookie("a", "1; 2"))
    response.set_cookie(Cookie("b", "2", http_only=True, max_age=60))
    response.unset_cookie("c")
    return response


@get("/fields")
async def fields() -> Response:
    response = text("fields")
    for name, value in ((b"X-One", b"1"), (b"x-empty", b""), (b"X-Latin", b"caf\xe9"), (b"x-one", b"2")):
        response.headers.add(name, value)
    return response


@get("/empty")
async def empty() -> Response:
    return Response(200)


@get("/large")
async def large() -> Response:
    return Response(200, content=Content(b"application/octet-stream", beside.LARGE))


@get("/status/{status}")
async def status(status: int) -> Response:
    return Response(status)


@get("/redirect")
async def away() -> Response:
    return redirect("/hello?from=%C3%A9")


def streamed(pieces, kind=b"text/plain"):
    async def stream() -> Response:
        return Response(200, content=StreamedContent(kind, pieces))

    return stream


for path, pieces in {
    "/stream": beside.pieces,
    "/long_stream": beside.long_pieces,
    "/empty_stream": beside.nothing,
    "/endless": beside.endless,
    "/fail_in_first_piece": beside.failing_first,
    "/fail_late": beside.failing_late,
}.items():
    app.router.add("GET", path, streamed(pieces))


@get("/stream_with_length")
async def stream_with_length() -> Response:
    return Response(200, content=StreamedContent(b"text/plain", beside.pieces, data_length=24))


@get("/events")
async def events() -> AsyncIterable[ServerSentEvent]:
    for number in range(3):
        yield ServerSentEvent({"number": number}, id=str(number))


@get("/file")
async def file() -> Response:
    return file_response(beside.FILE, "text/plain")


@get("/zipped")
async def zipped() -> Response:
    return text(beside.ZIPPED)


@get("/refuse")
async def refuse() -> Response:
    raise HTTPException(418, "a teapot")


@get("/fail")
async def fail() -> Response:
    raise ValueError("on purpose")


@get("/fault")
async def fault() -> Response:
    raise beside.Fault


@get("/synchronous")
def synchronous() -> Response:
    time.sleep(0.01)
    return text("synchronous")


@get("/wait_for_disconnect")
async def wait_for_disconnect(request: Request) -> Response:
    await beside.until_disconnected(request.is_disconnected)
    return Response(200)


@post("/cut_off")
async def cut_off(request: Request) -> Response:
    await beside.cut_off(request.read)
    return Response(200)


@get("/state")
async def state() -> Response:
    return text(app.word)


@get("/session")
async def session(request: Request) -> Response:
    if "set" in request.query:
        request.session["number"] = request.query["set"][0]
    return text(str(request.session.get("number")))


@get("/context")
async def context(request: Request) -> Response:
    return text(await beside.in_context(request.url.query.decode()))


@get("/task")
async def task() -> Response:
    return text(await beside.task())


@get("/timeout")
async def timeout() -> Response:
    return text(await beside.timeout())


@get("/seen/{key}")
async def seen(key: str) -> Response:
    return text(beside.seen(key))


@app.router.ws("/ws/echo")
async def websocket_echo(websocket: WebSocket):
    await websocket.accept()
    try:
        while True:
            message = await websocket.receive()
            if message.get("text") is not None:
                await websocket.send_text(message["text"])
            else:
                await websocket.send_bytes(message["bytes"])
    except WebSocketDisconnectError as end:
        beside.note(f"websocket_{websocket.url.query.decode()}", str(int(end.code)))


@app.router.ws("/ws/chat")
async def websocket_chat(websocket: WebSocket):
    await websocket.accept(headers=[(b"x-one", b"1")], subprotocol="chat")
    await websocket.receive()


@app.router.ws("/ws/scope")
async def websocket_scope(websocket: WebSocket):
    await websocket.accept()
    await websocket.send_json(beside.websocket_described(websocket.scope))
    await websocket.close()


@app.router.ws("/ws/refuse")
async def websocket_refuse(websocket: WebSocket):
    await websocket.close(4001, "no")


@app.router.ws("/ws/close")
async def websocket_close(websocket: WebSocket):
    await websocket.accept()
    await websocket.close(4002, "enough")


@app.router.ws("/ws/fail")
async def websocket_fail(websocket: WebSocket):
    raise ValueError("on purpose")


@app.router.ws("/ws/fail_late")
async def websocket_fail_late(websocket: WebSocket):
    await websocket.accept()
    raise ValueError("on purpose")


mounted = Application(router=Router())


@mounted.router.get("/echo")
async def mounted_echo(request: Request) -> Response:
    return json_response(beside.described(request.scope))


@mounted.router.get("/")
async def mounted_root() -> Response:
    return text("mounted")


app.mount_registry.auto_events = True
app.mount("/mounted", mounted)
use_gzip_compression(app)
