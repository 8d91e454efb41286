"""FastAPI: JSON, and an endpoint that blocks."""

import time

from fastapi import FastAPI

app = FastAPI()
blocking = FastAPI()


@app.get("/")
async def hello():
    return {"message": "Hello, world!"}


@blocking.get("/")
def sleep():
    time.sleep(0.05)
    return {"message": "Hello, world!"}
