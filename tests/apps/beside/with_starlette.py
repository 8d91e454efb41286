"""Starlette."""

import time
from contextlib import asynccontextmanager

import beside
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

ROUTES = []


def route(path, methods=("GET",)):
    def put_down(function):
        ROUTES.append(Route(path, function, methods=list(methods)))
        return function

    return put_down


@route("/hello")
async def hello(request):
    return PlainTextResponse("Hello, world!")


@route("/hello_by_post", ["POST"])
async def hello_by_post(request):
    return PlainTextResponse("Hello, world!")


@route("/purge", ["PURGE"])
@route("/echo/{rest:path}", beside.METHODS)
@route("/echo", beside.METHODS)
async def echo(request):
    return JSONResponse(beside.described(request.scope, await request.body()))


@route("/args")
async def args(request):
    return JSONResponse(request.query_params.multi_items())


@route("/items/{number:int}")
async def item(request):
    return JSONResponse(request.path_params)


@route("/count", ["GET", "POST"])
async def count(request):
    length = 0
    async for piece in request.stream():
        length += len(piece)
    return PlainTextResponse(str(length))


@route("/json", ["GET", "POST"])
async def json(request):
    if request.method == "GET":
        return JSONResponse({"message": "Hello, world!", "\u00e9": [1, None, 2.5]})
    try:
        return JSONResponse(await request.json())
    except ValueError:
        raise HTTPException(400, "no JSON") from None


@route("/form", ["POST"])
async def form(request):
    async with request.form() as form:
        return JSONResponse(form.multi_items())


@route("/upload", ["POST"])
async def upload(request):
    async with request.form() as form:
        file = form["file"]
        return JSONResponse(beside.measured(file.filename, await file.read(), form["field"]))


@route("/cookies")
async def cookies(request):
    return JSONResponse(request.cookies)


@route("/set_cookies")
async def set_cookies(request):
    response = PlainTextResponse("set")
    response.set_cookie("a", "1; 2")
    response.set_cookie("b", "2", httponly=True, samesite="lax", max_age=60)
    response.delete_cookie("c")
    return response


@route("/fields")
async def fields(request):
    response = PlainTextResponse("fields", headers={"X-One": "1", "x-empty": "", "X-Latin": "caf\u00e9"})
    response.headers.append("x-one", "2")
    return response


@route("/empty")
async def empty(request):
    return Response()


@route("/large")
async def large(request):
    return Response(beside.LARGE)


@route("/status/{status:int}")
async def status(request):
    return Response(status_code=request.path_params["status"])


@route("/redirect")
async def redirect(request):
    return RedirectResponse("/hello?from=\u00e9")


@route("/stream")
async def stream(request):
    return StreamingResponse(beside.pieces(), media_type="text/plain")


@route("/stream_with_length")
async def stream_with_length(request):
    return StreamingResponse(beside.pieces(), headers={"content-length": "24"})


@route("/long_stream")
async def long_stream(request):
    return StreamingResponse(beside.long_pieces(), media_type="text/plain")


@route("/empty_stream")
async def empty_stream(request):
    return StreamingResponse(beside.nothing())


@route("/events")
async def events(request):
    return StreamingResponse(beside.events(), media_type="text/event-stream")


@route("/file")
async def file(request):
    return FileResponse(beside.FILE, media_type="text/plain")


@route("/zipped")
async def zipped(request):
    return PlainTextResponse(beside.ZIPPED)


@route("/refuse")
async def refuse(request):
    raise HTTPException(418, "a teapot", headers={"x-why": "tea"})


@route("/fail")
async def fail(request):
    raise ValueError("on purpose")


@route("/fault")
async def fault(request):
    raise beside.Fault


async def handle(request, fault):
    return JSONResponse({"fault": "handled"}, status_code=409)


@route("/fail_in_first_piece")
async def fail_in_first_piece(request):
    return StreamingResponse(beside.failing_first())


@route("/fail_late")
async def fail_late(request):
    return StreamingResponse(beside.failing_late())


@route("/longer")
async def longer(request):
    return Response(b"abcdef", headers={"content-length": "3"})


@route("/shorter")
async def shorter(request):
    return Response(b"abcdef", headers={"content-length": "9"})


@route("/synchronous")
def synchronous(request):
    time.sleep(0.01)
    return PlainTextResponse("synchronous")


@route("/background")
async def background(request):
    return PlainTextResponse("later", background=BackgroundTask(beside.background))


@route("/failing_background")
async def failing_background(request):
    return PlainTextResponse("later", background=BackgroundTask(beside.failing_background))


@route("/endless")
async def endless(request):
    return StreamingResponse(beside.endless())


@route("/wait_for_disconnect")
async def wait_for_disconnect(request):
    await beside.until_disconnected(request.is_disconnected)
    return Response()


@route("/cut_off", ["POST"])
async def cut_off(request):
    await beside.cut_off(request.body)
    return Response()


@route("/receive_behind")
async def receive_behind(request):
    return PlainTextResponse("received", background=BackgroundTask(beside.received_behind, request.receive))


@route("/state")
async def state(request):
    answer = PlainTextResponse(f"{request.state.word} {getattr(request.state, 'more', 'no more')}")
    if request.url.query:
        request.state.more = "more"
    return answer


@route("/session")
async def session(request):
    if "set" in request.query_params:
        request.session["number"] = request.query_params["set"]
    return PlainTextResponse(str(request.session.get("number")))


@route("/context")
async def context(request):
    return PlainTextResponse(await beside.in_context(request.url.query))


@route("/task")
async def task(request):
    return PlainTextResponse(await beside.task())


@route("/timeout")
async def timeout(request):
    return PlainTextResponse(await beside.timeout())


@route("/seen/{key}")
async def seen(request):
    return PlainTextResponse(beside.seen(request.path_params["key"]))


async def websocket_echo(websocket):
    await websocket.accept()
    try:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message["code"], message.get("reason"))
            if message.get("text") is not None:
                await websocket.send_text(message["text"])
            else:
                await websocket.send_bytes(message["bytes"])
    except WebSocketDisconnect as end:
        beside.note(f"websocket_{websocket.url.query}", f"{end.code} {end.reason!r}")


async def websocket_chat(websocket):
    await websocket.accept("chat", headers=[(b"x-one", b"1")])
    await websocket.receive()


async def websocket_scope(websocket):
    await websocket.accept()
    await websocket.send_json(beside.websocket_described(websocket.scope))
    await websocket.close()


async def websocket_refuse(websocket):
    await websocket.close(4001, "no")


async def websocket_deny(websocket):
    await websocket.send_denial_response(PlainTextResponse("denied", status_code=418))


async def websocket_close(websocket):
    await websocket.accept()
    await websocket.close(4002, "enough")


async def websocket_fail(websocket):
    raise ValueError("on purpose")


async def websocket_fail_late(websocket):
    await websocket.accept()
    raise ValueError("on purpose")


@asynccontextmanager
async def lifespan(app):
    yield {"word": "of the start"}


class Passing:
    """Of plain ASGI."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or not any(name == b"x-ask-middleware" for name, _ in scope["headers"]):
            return await self.app(scope, receive, send)

        async def passing(message):
            if message["type"] == "http.response.start":
                message["headers"].append((b"x-middleware", b"passed"))
            await send(message)

        await self.app(scope, receive, passing)


WEBSOCKETS = {
    "echo": websocket_echo,
    "chat": websocket_chat,
    "scope": websocket_scope,
    "refuse": websocket_refuse,
    "deny": websocket_deny,
    "close": websocket_close,
    "fail": websocket_fail,
    "fail_late": websocket_fail_late,
}
mounted = Starlette(routes=[Route("/echo", echo), Route("/", hello)])
app = Starlette(
    routes=[
        *ROUTES,
        *(WebSocketRoute(f"/ws/{name}", function) for name, function in WEBSOCKETS.items()),
        Mount("/mounted", mounted),
    ],
    lifespan=lifespan,
    exception_handlers={beside.Fault: handle},
    middleware=[
        Middleware(Passing),
        Middleware(CORSMiddleware, allow_origins=[beside.ORIGIN]),
        Middleware(GZipMiddleware),
        Middleware(SessionMiddleware, secret_key="for tests only"),
    ],
)
