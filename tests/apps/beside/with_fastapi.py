"""FastAPI."""

import time
from contextlib import asynccontextmanager
from typing import Annotated, Any

import beside
from fastapi import (
    BackgroundTasks,
    Cookie,
    Depends,
    FastAPI,
    File,
    Form,
    HTTPException,
    Request,
    Response,
    UploadFile,
    WebSocket,
    WebSocketDisconnect,
    WebSocketException,
)
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from pydantic import BaseModel
from starlette.middleware.sessions import SessionMiddleware


@asynccontextmanager
async def lifespan(app):
    yield {"word": "of the start"}


app = FastAPI(lifespan=lifespan)
mounted = FastAPI()


class Item(BaseModel):
    a: list[Any]


@app.middleware("http")
async def passing(request, call_next):
    response = await call_next(request)
    if "x-ask-middleware" in request.headers:
        response.headers["x-middleware"] = "passed"
    return response


@app.exception_handler(beside.Fault)
async def handle(request, fault):
    return JSONResponse({"fault": "handled"}, status_code=409)


async def word(request: Request):
    yield request.state.word


async def word_of_websocket(websocket: WebSocket):
    yield websocket.state.word


@mounted.get("/")
@app.get("/hello")
@app.post("/hello_by_post")
async def hello():
    return "Hello, world!"


@app.api_route("/purge", methods=["PURGE"])
@app.api_route("/echo/{rest:path}", methods=beside.METHODS)
@app.api_route("/echo", methods=beside.METHODS)
@mounted.get("/echo")
async def echo(request: Request):
    return beside.described(request.scope, await request.body())


@app.get("/args")
async def args(request: Request, c: str, a: list[int] | None = None):
    return [c, a, request.query_params.multi_items()]


@app.get("/items/{number}")
async def item(number: int):
    return {"number": number}


@app.post("/count")
@app.get("/count")
async def count(request: Request):
    return len(await request.body())


@app.get("/json")
async def json():
    return {"message": "Hello, world!", "\u00e9": [1, None, 2.5]}


@app.post("/json")
async def json_taken(item: Item):
    return item


@app.post("/form")
async def form(field: Annotated[list[str], Form()], other: Annotated[str, Form()] = ""):
    return [field, other]


@app.post("/upload")
async def upload(file: Annotated[UploadFile, File()], field: Annotated[str, Form()]):
    return beside.measured(file.filename, await file.read(), field)


@app.get("/cookies")
async def cookies(request: Request, a: Annotated[str, Cookie()]):
    return [a, request.cookies]


@app.get("/set_cookies")
async def set_cookies(response: Response):
    response.set_cookie("a", "1; 2")
    response.set_cookie("b", "2", httponly=True, samesite="lax", max_age=60)
    response.delete_cookie("c")
    return "set"


@app.get("/fields")
async def fields(response: Response):
    response.headers["X-One"] = "1"
    response.headers["X-Latin"] = "caf\u00e9"
    response.headers.append("x-one", "2")
    return "fields"


@app.get("/empty")
async def empty():
    return Response()


@app.get("/large")
async def large():
    return Response(beside.LARGE)


@app.get("/status/{status}")
async def status(status: int):
    return Response(status_code=status)


@app.get("/redirect")
async def redirect():
    return RedirectResponse("/hello?from=\u00e9")


@app.get("/stream")
async def stream():
    return StreamingResponse(beside.pieces(), media_type="text/plain")


@app.get("/stream_with_length")
async def stream_with_length():
    return StreamingResponse(beside.pieces(), headers={"content-length": "24"})


@app.get("/long_stream")
async def long_stream():
    return StreamingResponse(beside.long_pieces(), media_type="text/plain")


@app.get("/empty_stream")
async def empty_stream():
    return StreamingResponse(beside.nothing())


@app.get("/events")
async def events():
    return StreamingResponse(beside.events(), media_type="text/event-stream")


@app.get("/file")
async def file():
    return FileResponse(beside.FILE, media_type="text/plain")


@app.get("/zipped")
async def zipped():
    return PlainTextResponse(beside.ZIPPED)


@app.get("/refuse")
async def refuse():
    raise HTTPException(418, "a teapot", headers={"x-why": "tea"})


@app.get("/fail")
async def fail():
    raise ValueError("on purpose")


@app.get("/fault")
async def fault():
    raise beside.Fault


@app.get("/fail_in_first_piece")
async def fail_in_first_piece():
    return StreamingResponse(beside.failing_first())


@app.get("/fail_late")
async def fail_late():
    return StreamingResponse(beside.failing_late())


@app.get("/longer")
async def longer():
    return Response(b"abcdef", headers={"content-length": "3"})


@app.get("/shorter")
async def shorter():
    return Response(b"abcdef", headers={"content-length": "9"})


@app.get("/synchronous")
def synchronous():
    time.sleep(0.01)
    return "synchronous"


@app.get("/background")
async def background(tasks: BackgroundTasks):
    tasks.add_task(beside.background)
    return "later"


@app.get("/failing_background")
async def failing_background(tasks: BackgroundTasks):
    tasks.add_task(beside.failing_background)
    return "later"


@app.get("/endless")
async def endless():
    return StreamingResponse(beside.endless())


@app.get("/wait_for_disconnect")
async def wait_for_disconnect(request: Request):
    await beside.until_disconnected(request.is_disconnected)


@app.post("/cut_off")
async def cut_off(request: Request):
    await beside.cut_off(request.body)


@app.get("/receive_behind")
async def receive_behind(request: Request, tasks: BackgroundTasks):
    tasks.add_task(beside.received_behind, request.receive)
    return "received"


@app.get("/state")
async def state(request: Request, word: Annotated[str, Depends(word)]):
    answer = f"{word} {getattr(request.state, 'more', 'no more')}"
    if request.url.query:
        request.state.more = "more"
    return answer


@app.get("/session")
async def session(request: Request, set: int | None = None):
    if set is not None:
        request.session["number"] = set
    return request.session.get("number")


@app.get("/context")
async def context(request: Request):
    return await beside.in_context(request.url.query)


@app.get("/task")
async def task():
    return await beside.task()


@app.get("/timeout")
async def timeout():
    return await beside.timeout()


@app.get("/seen/{key}")
async def seen(key: str):
    return PlainTextResponse(beside.seen(key))


@app.websocket("/ws/echo")
async def websocket_echo(websocket: WebSocket, word: Annotated[str, Depends(word_of_websocket)]):
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
        beside.note(f"websocket_{websocket.url.query}", f"{word} {end.code} {end.reason!r}")


@app.websocket("/ws/chat")
async def websocket_chat(websocket: WebSocket):
    await websocket.accept("chat", headers=[(b"x-one", b"1")])
    await websocket.receive()


@app.websocket("/ws/scope")
async def websocket_scope(websocket: WebSocket):
    await websocket.accept()
    await websocket.send_json(beside.websocket_described(websocket.scope))
    await websocket.close()


@app.websocket("/ws/refuse")
async def websocket_refuse(websocket: WebSocket):
    raise WebSocketException(4001, "no")


@app.websocket("/ws/deny")
async def websocket_deny(websocket: WebSocket):
    await websocket.send_denial_response(PlainTextResponse("denied", status_code=418))


@app.websocket("/ws/close")
async def websocket_close(websocket: WebSocket):
    await websocket.accept()
    await websocket.close(4002, "enough")


@app.websocket("/ws/fail")
async def websocket_fail(websocket: WebSocket):
    raise ValueError("on purpose")


@app.websocket("/ws/fail_late")
async def websocket_fail_late(websocket: WebSocket):
    await websocket.accept()
    raise ValueError("on purpose")


app.mount("/mounted", mounted)
app.add_middleware(SessionMiddleware, secret_key="for tests only")
app.add_middleware(GZipMiddleware)
app.add_middleware(CORSMiddleware, allow_origins=[beside.ORIGIN])
