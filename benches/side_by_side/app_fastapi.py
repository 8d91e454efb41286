"""FastAPI: JSON, and an endpoint that blocks."""

import contextlib
import time

from anyio import to_thread
from fastapi import FastAPI


@contextlib.asynccontextmanager
async def many_threads(app):
    """As anyio's documentation has it: else blocking endpoints share 40 threads."""
    to_thread.current_default_thread_limiter().total_tokens = 504
    yield


app = FastAPI()
blocking = FastAPI()
blocking_more = FastAPI(lifespan=many_threads)


@app.get("/")
async def hello():
    return {"message": "Hello, world!"}


@blocking.get("/")
@blocking_more.get("/")
def sleep():
    time.sleep(0.05)
    return {"message": "Hello, world!"}
