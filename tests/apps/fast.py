"""FastAPI and Starlette as applications use them."""

from contextlib import asynccontextmanager

from fastapi import (
    BackgroundTasks,
    Depends,
    FastAPI,
    Header,
    HTTPException,
    Request,
    UploadFile,
    WebSocket,
    WebSocketDisconnect,
    WebSocketException,
)
from fastapi.responses import JSONResponse, StreamingResponse
from notes import note
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.endpoints import WebSocketEndpoint
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute


@asynccontextmanager
async def lifespan(app):
    note("startup")
    yield {"word": "of the start"}
    note("shutdown")


app = FastAPI(lifespan=lifespan)


class Item(BaseModel):
    name: str
    price: float


@app.middleware("http")
async def add_header(request, call_next):
    response = await call_next(request)
    response.headers["x-middleware"] = "passed"
    return response


@app.get("/")
async def index():
    return {"message": "Hello, world!"}


@app.post("/items/{number}")
async def item(number: int, item: Item):
    return {"number": number, "name": item.name}


@app.get("/sync")
def sync(request: Request):
    return {"word": request.state.word}


@app.get("/stream")
async def stream():
    async def pieces():
        for number in range(3):
            yield f"piece {number}\n"

    return StreamingResponse(pieces(), media_type="text/plain")


@app.post("/upload")
async def upload(file: UploadFile):
    return {"name": file.filename, "size": len(await file.read())}


@app.get("/background")
async def background(tasks: BackgroundTasks):
    tasks.add_task(note, "in the background")
    return {}


@app.get("/refused")
async def refused():
    raise HTTPException(418, detail="a teapot")


@app.get("/fail")
async def fail():
    raise ValueError("on purpose")


class Fault(Exception):
    pass


@app.exception_handler(Fault)
async def handle(request, fault):
    return JSONResponse({"fault": "handled"}, status_code=409)


@app.get("/handled")
async def handled():
    raise Fault


async def plain(request):
    return PlainTextResponse(f"{request.method} {request.url.path} {(await request.body()).decode()}")


class Passing(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        return await call_next(request)


# WebSockets ---------------------------------------------------------------------------------------


@app.websocket("/rooms/{room}")
async def room(socket: WebSocket, room: int, name: str = "nobody"):
    await socket.accept()
    await socket.send_json({"room": room, "name": name, "word": socket.state.word, "client": socket.client.host})
    try:
        while True:
            said = await socket.receive_json()
            await socket.send_json({"said": said})
    except WebSocketDisconnect as error:
        note(f"room left: {error.code} {error.reason}".rstrip())


async def known(x_token: str = Header()):
    if x_token == "unknown":
        raise WebSocketException(code=1008, reason="who are you?")
    if x_token == "outdated":
        raise HTTPException(401, detail="an old token")
    return x_token


@app.websocket("/guarded")
async def guarded(socket: WebSocket, token: str = Depends(known)):
    await socket.accept(subprotocol="two", headers=[(b"x-token", token.encode())])
    await socket.send_bytes(b"come in")
    raise WebSocketException(code=4002, reason="that was all")


@app.websocket("/failing")
async def failing(socket: WebSocket):
    await socket.accept()
    await socket.receive_text()
    raise ValueError("in a WebSocket")


@app.websocket("/handled_ws")
async def handled_ws(socket: WebSocket):
    await socket.accept()
    raise Lost


class Lost(Exception):
    pass


@app.exception_handler(Lost)
async def handle_lost(socket, error):
    await socket.close(4003, "handled")


@app.websocket("/denied")
async def denied(socket: WebSocket):
    await socket.send_denial_response(JSONResponse({"detail": "not you"}, status_code=402))


@app.websocket("/words")
async def words(socket: WebSocket):
    await socket.accept()
    async for word in socket.iter_text():
        await socket.send_text(word.upper())
    note("no more words")
    try:
        await socket.send_text("late")
    except WebSocketDisconnect as error:
        note(f"late: {error.code}")


class Endpoint(WebSocketEndpoint):
    encoding = "json"

    async def on_connect(self, websocket):
        await websocket.accept(subprotocol=websocket.scope["subprotocols"][0])

    async def on_receive(self, websocket, data):
        await websocket.send_json({"got": data})

    async def on_disconnect(self, websocket, close_code):
        note(f"endpoint left: {close_code}")


starlette = Starlette(
    routes=[Route("/plain", plain, methods=["GET", "POST"]), WebSocketRoute("/endpoint", Endpoint)]
)
starlette.add_middleware(Passing)


# Lifespans that fail ----------------------------------------------------------------------------------


@asynccontextmanager
async def fails_at_start(app):
    raise ValueError("no database at the start")
    yield


@asynccontextmanager
async def fails_at_end(app):
    yield
    raise ValueError("no database at the end")


start_fails = FastAPI(lifespan=fails_at_start)
end_fails = Starlette(lifespan=fails_at_end)
