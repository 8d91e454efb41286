"""A counter that everybody watches and anybody raises: FastAPI, with its own WebSocket class."""

import pathlib

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse

PAGE = pathlib.Path(__file__).with_name("page.html")

app = FastAPI(title="A counter")
watchers: set[WebSocket] = set()
count = 0


@app.get("/", response_class=FileResponse, include_in_schema=False)
async def page():
    return FileResponse(PAGE)


@app.get("/count")
async def read() -> dict[str, int]:
    return {"count": count, "watchers": len(watchers)}


@app.post("/count/{step}")
async def add(step: int) -> dict[str, int]:
    global count
    count += step
    await tell()
    return await read()


@app.websocket("/live")
async def live(socket: WebSocket):
    await socket.accept()
    watchers.add(socket)
    try:
        await tell()
        while True:
            message = await socket.receive_json()
            await add(int(message["step"]))
    except WebSocketDisconnect:
        pass
    finally:
        watchers.discard(socket)
        await tell()


async def tell():
    """Everybody who watches hears how it stands."""
    news = await read()
    for socket in list(watchers):
        try:
            await socket.send_json(news)
        except (WebSocketDisconnect, RuntimeError):
            pass  # it has gone: its own loop ends too, and takes it out
