"""The side of ASGI that asyncio needs in Python. Run by module.rs, once in a process."""

import asyncio
import contextlib
import http
import math
import traceback
import types

# As other ASGI servers have them.
PHRASES = {status.value: status.phrase for status in http.HTTPStatus}


def new_loop(name):
    """A loop of this kind: ``auto``, ``asyncio`` or ``uvloop``."""
    if name != "asyncio":
        try:
            import uvloop
        except ImportError:
            if name == "uvloop":
                raise
        else:
            return uvloop.new_event_loop()
    return asyncio.new_event_loop()


@types.coroutine
def pause():
    yield


async def serve(application, scope, exchange, pauses=True):
    """The life of a request, as a task. What it raises is the exchange's business; nobody waits for it. It has
    come as far as the pause before it becomes one: what cancels a task before its first step is raised there, and
    otherwise would be raised before the first line."""
    try:
        if pauses:
            await pause()
        await application(scope, exchange.receive, exchange.send)
    except BaseException as error:
        exchange.over(error)
    else:
        exchange.over(None)


def serve_by_factory(create_task, application, scope, exchange):
    """The same where a factory makes the loop's tasks. It may wrap the coroutine, which nobody can await then if it
    pauses; so it is the task that says whether it came to its first line."""
    task = create_task(serve(application, scope, exchange, pauses=False))

    def has_ended(task):
        if not exchange.has_ended():
            exchange.over(asyncio.CancelledError() if task.cancelled() else task.exception())

    task.add_done_callback(has_ended)
    return task


async def receive(exchange):
    """The next message, when it has come. It is looked for after each wait, so that whoever is cancelled
    meanwhile has lost none."""
    while (message := exchange.look()) is None:
        await exchange.something_to_receive()
    return message


async def receive_behind_others(exchange):
    """The next message, when all that could run has had its turn."""
    await asyncio.sleep(0)
    return await receive(exchange)


async def drain_behind_others(exchange):
    """Ends when all that could run has had its turn, and the client has taken all that was sent."""
    await asyncio.sleep(0)
    await drain(exchange)


# First come, first served, and whoever is cancelled has no place any more.
new_line = asyncio.Lock


async def send_in_line(exchange, message):
    """Sends a message once the client has taken all that was sent before, and ends when it has taken that too.
    Whoever is cancelled before has not sent it."""
    line = exchange.join_line()
    try:
        async with line:
            await drain(exchange)
            exchange.send_behind_others(message)
    finally:
        exchange.leave_line()
    await drain(exchange)


async def drain(exchange):
    """Ends when the client has taken all that was sent."""
    while not exchange.has_drained():
        await exchange.room_to_send()


def run(loop, bell, turn):
    """The life of the loop, until it is stopped."""
    asyncio.set_event_loop(loop)
    loop.add_reader(bell, turn)
    life = loop.create_task(live())
    try:
        loop.run_until_complete(life)
    except RuntimeError:
        # It was stopped.
        if life.done():
            raise
    finally:
        loop.remove_reader(bell)
    life.cancel()
    loop.run_until_complete(asyncio.sleep(0))


async def live():
    """A task that lives as long as the loop. To it others tie what is to last, as anyio its threads; without
    it, that would end with each request."""
    await asyncio.get_running_loop().create_future()


class Lifespan:
    """The lifespan of one application (ASGI's lifespan protocol 2.0), which lasts as long as its worker."""

    def __init__(self, application, mode, minder):
        self.application = application
        self.mode = mode
        self.minder = minder
        self.state = {}
        self.task = None
        self.told = None
        self.answer = None

    async def startup(self):
        """``None``, or why the application does not start."""
        if self.mode == "off":
            return None
        self.told = asyncio.Queue()
        self.task = asyncio.ensure_future(self.live())
        self.task.add_done_callback(self.has_ended)
        failure = await self.tell("startup")
        if failure is not None:
            return failure
        if self.answer.done():
            return None
        # It has ended without an answer: it knows no lifespan.
        raised = None if self.task.cancelled() else self.task.exception()
        if raised is not None and self.mode == "on":
            return "".join(traceback.format_exception(type(raised), raised, skip_own(raised))).rstrip()
        if raised is not None:
            self.minder.is_unknown(raised)
        return None

    def has_ended(self, task):
        """Where nothing was asked of it, nobody else says what it has raised. What it has told as its failure is
        said (Starlette raises it behind that)."""
        if task.cancelled() or task.exception() is None or not self.answer.done():
            return
        answer = self.answer.result()
        if answer["type"].endswith(".failed") and answer.get("message"):
            return
        when = "before its worker" if answer["type"] == "lifespan.startup.complete" else f"behind {answer['type']}"
        self.minder.has_failed(task.exception().with_traceback(skip_own(task.exception())), when)

    async def shutdown(self):
        """``None``, or what went wrong."""
        if self.task is None or self.task.done():
            return None
        failure = await self.tell("shutdown")
        if failure is None and not self.answer.done() and not self.task.cancelled():
            raised = self.task.exception()
            if raised is not None:
                failure = "".join(traceback.format_exception(type(raised), raised, skip_own(raised))).rstrip()
        return failure

    async def tell(self, what):
        """Sends an event, and waits for its answer or the application's end; the text of a failure."""
        self.answer = asyncio.get_running_loop().create_future()
        self.told.put_nowait({"type": f"lifespan.{what}"})
        await asyncio.wait({self.answer, self.task}, return_when=asyncio.FIRST_COMPLETED)
        if not self.answer.done():
            return None
        message = self.answer.result()
        if message["type"] == f"lifespan.{what}.failed":
            return message.get("message") or f"the application answered lifespan.{what}.failed without a message"
        return None

    async def live(self):
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        await self.application(scope, self.told.get, self.send)

    async def send(self, message):
        kind = message["type"]
        stage, _, outcome = kind.removeprefix("lifespan.").partition(".")
        if stage not in ("startup", "shutdown") or outcome not in ("complete", "failed"):
            raise RuntimeError(f"{kind!r} is no message of the lifespan protocol")
        if self.answer.done():
            raise RuntimeError(f"{kind!r} was sent although nothing was asked")
        self.answer.set_result(message)


def skip_own(error):
    """The traceback without the frame of ours that it begins with."""
    steps = error.__traceback__
    return steps.tb_next if steps is not None and steps.tb_frame.f_globals is globals() else steps


def begin(loop, lifespan):
    """On the main thread, before anything is served; ``None``, or why the application does not start."""
    asyncio.set_event_loop(loop)
    with watched(loop, lifespan.minder, "lifespan.startup"):
        return loop.run_until_complete(lifespan.startup())


def end(loop, lifespan, quits):
    """On the main thread, when all is served, or was cut off if it ``quits``; ``None``, or what went wrong."""
    asyncio.set_event_loop(loop)
    try:
        with watched(loop, lifespan.minder, "lifespan.shutdown", lifespan.minder.patience):
            try:
                return loop.run_until_complete(wind_up(lifespan, quits))
            finally:
                loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


@contextlib.contextmanager
def watched(loop, minder, what, patience=math.inf):
    """No engine says meanwhile that the worker lives, so a timer does as long as the loop turns: only one that
    stands still is a worker that hangs, and then this is where. What has not come to its end after its ``patience``
    hangs too."""
    until = loop.time() + patience

    def beat():
        nonlocal timer
        minder.beat()
        if loop.time() > until:
            return
        timer = loop.call_later(minder.pause, beat)

    minder.is_at(what)
    timer = loop.call_soon(beat)
    try:
        yield
    finally:
        timer.cancel()
        minder.is_at(None)


async def wind_up(lifespan, quits):
    own = {asyncio.current_task()}
    if quits:
        # Requests are not to see what the lifespan has closed.
        await cancel(asyncio.all_tasks() - own - {lifespan.task})
    failure = await lifespan.shutdown()
    await cancel(asyncio.all_tasks() - own)
    return failure


async def cancel(tasks):
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
