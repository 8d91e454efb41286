"""FastAPI and Starlette as applications use them."""

from contextlib import asynccontextmanager

from fastapi import BackgroundTasks, FastAPI, HTTPException, Request, UploadFile
from fastapi.responses import JSONResponse, StreamingResponse
from notes import note
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route


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


starlette = Starlette(routes=[Route("/plain", plain, methods=["GET", "POST"])])
starlette.add_middleware(Passing)
