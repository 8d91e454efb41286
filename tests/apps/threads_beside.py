"""Functions that block, beside an event loop: what asyncio, asgiref and anyio make of them."""

import asyncio
import contextvars
import os
import threading
import time
from contextlib import asynccontextmanager

import anyio.from_thread
import anyio.to_thread
from asgiref.sync import sync_to_async
from fastapi import Depends, FastAPI, Request
from fastapi.responses import PlainTextResponse
from notes import note

seen = contextvars.ContextVar("seen", default="nothing")
# It lets nobody through before so many wait together.
meeting = threading.Barrier(int(os.environ.get("TOGETHER", "1")))


def meet():
    time.sleep(0.05)
    meeting.wait(30)
    threads = len(os.listdir("/proc/self/task"))
    return "on few OS threads" if threads < 30 else "on as many OS threads"


def until_file():
    while not os.path.exists(os.path.join(os.environ["SCRATCH"], "go-on")):
        time.sleep(0.01)
    note("the function has ended")


def fail():
    raise ValueError("on purpose")


def exit_in_child():
    child = os.fork()
    if child == 0:
        raise SystemExit(3)
    return str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


@asynccontextmanager
async def lifespan(app):
    if limit := os.environ.get("LIMIT"):
        anyio.to_thread.current_default_thread_limiter().total_tokens = int(limit)
    note(await asyncio.to_thread(lambda: "before"))
    yield
    note(await asyncio.to_thread(lambda: "behind"))
    note(await anyio.to_thread.run_sync(lambda: "behind, by anyio"))


app = FastAPI(lifespan=lifespan, default_response_class=PlainTextResponse)


@app.get("/to_thread")
async def to_thread():
    return await asyncio.to_thread(meet)


@app.get("/sync_to_async")
async def by_asgiref():
    return await sync_to_async(meet, thread_sensitive=False)()


@app.get("/def")
def endpoint():
    return meet()


@app.get("/context")
async def context(request: Request):
    seen.set(request.url.query)
    run = asyncio.get_running_loop().run_in_executor
    in_executor = await run(None, seen.get)
    await run(None, seen.set, "left behind")
    return f"{await asyncio.to_thread(seen.get)}, {await anyio.to_thread.run_sync(seen.get)}, {in_executor}"


@app.get("/fail")
async def failing():
    try:
        await asyncio.to_thread(fail)
    except ValueError as error:
        steps = error.__traceback__
        while steps.tb_next:
            steps = steps.tb_next
        return f"{error} in {steps.tb_frame.f_code.co_name}"


@app.get("/def_fails")
def def_fails():
    fail()


@app.get("/give_up")
async def give_up():
    task = asyncio.create_task(asyncio.to_thread(until_file))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait({task})
    return f"cancelled: {task.cancelled()}"


@app.get("/overdue")
async def overdue():
    try:
        await asyncio.to_thread(until_file)
    except asyncio.CancelledError:
        note("the request was cancelled")
        raise


@app.get("/def_overdue")
def def_overdue():
    until_file()
    return "late"


@app.get("/leave_behind")
async def leave_behind():
    asyncio.get_running_loop().run_in_executor(None, until_file)
    return "answered"


@app.get("/fork")
async def fork():
    return await asyncio.to_thread(exit_in_child)


def connection():
    note("opened")
    try:
        yield "connection"
    finally:
        note("closed")


@app.get("/dependency")
def dependency(connection: str = Depends(connection)):
    return connection


@app.get("/back_to_loop")
def back_to_loop():
    return anyio.from_thread.run(asynchronous)


async def asynchronous():
    return type(asyncio.get_running_loop()).__name__


@app.get("/name")
def name():
    # Of its kernel thread: an ended thread's `get_ident` is given to the next.
    return str(threading.get_native_id())
