"""An ASGI 3 application without a framework: each path is a thing that one may do, or that may happen."""

import asyncio
import contextvars
import functools
import json
import os
import sys

from notes import note

seen = contextvars.ContextVar("seen", default="nothing")


async def answer(send, text, status=200, headers=()):
    body = text if isinstance(text, bytes) else text.encode()
    fields = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def until_file(name):
    while not os.path.exists(os.path.join(os.environ["SCRATCH"], name)):
        await asyncio.sleep(0.01)


async def hello(scope, receive, send):
    await answer(send, "Hello, world!")


async def show_scope(scope, receive, send):
    shown = dict(scope, headers=[[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]])
    shown |= {key: scope[key].decode() for key in ("raw_path", "query_string")}
    shown |= {"client": scope["client"] and scope["client"][0], "server": scope["server"][0]}
    await answer(send, json.dumps(shown))


async def count_body(scope, receive, send):
    pieces, total, more = 0, 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            note("left in the body")
            return
        pieces, total, more = pieces + 1, total + len(message["body"]), message["more_body"]
    await answer(send, f"{total} in {'one' if pieces == 1 else 'pieces'}")


async def answer_whatever_comes(scope, receive, send):
    """As frameworks do, which have an answer for each exception."""
    message = {"more_body": True}
    while message["more_body"]:
        message = await receive()
        if message["type"] == "http.disconnect":
            try:
                await answer(send, "an error", 500)
            except OSError:
                note("could not answer")
            raise RuntimeError("on purpose")
    await answer(send, "whole")


async def read_late(scope, receive, send):
    note("not reading")
    await until_file("go-on")
    await count_body(scope, receive, send)


async def stream(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for piece in (b"abc", b"", b"def"):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})


async def flood(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for number in range(1000):
        await send({"type": "http.response.body", "body": bytes(100_000), "more_body": True})
        note(f"sent {number}.")
    await send({"type": "http.response.body", "body": b""})


def resident_kib():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


async def flood_at_once(scope, receive, send):
    """Tasks that all send at once, to a client that does not read yet."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    before = resident_kib()
    pieces = [b"%d" % (number % 10) * 1_000_000 for number in range(10)]

    async def say(number):
        await send({"type": "http.response.body", "body": pieces[number % 10], "more_body": True})

    sending = [asyncio.create_task(say(number)) for number in range(100)]
    for _ in range(20):
        await asyncio.sleep(0)
    note(f"grown {resident_kib() - before}")
    await asyncio.gather(*sending)
    await send({"type": "http.response.body", "body": b"end"})


async def give_up_sending(scope, receive, send):
    """Sends that are given up while their client takes nothing."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    piece, before, given_up = bytes(1_000_000), resident_kib(), 0
    while given_up < 100:
        try:
            await asyncio.wait_for(send({"type": "http.response.body", "body": piece, "more_body": True}), 0.001)
        except asyncio.TimeoutError:
            given_up += 1
    note(f"grown {resident_kib() - before}")
    await send({"type": "http.response.body", "body": b"end"})


async def cancel_unbegun_send(scope, receive, send):
    """What sends is cancelled before it begins to wait, and nobody else waits for a client that takes nothing."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    more = {"type": "http.response.body", "body": bytes(50_000_000), "more_body": True}
    asyncio.create_task(send(more)).cancel()
    # Clients are looked after once a second meanwhile.
    await asyncio.sleep(2.5)
    try:
        await send(more)
    except OSError:
        note("it was given up")


async def start_in_others_turn(scope, receive, send):
    """The head is the message behind which others have their turn."""
    for _ in range(15):
        await send({"type": "http.response.early_hint", "links": [b"</a>"]})
    await answer(send, "begun")


async def wait_for_end(scope, receive, send):
    await receive()
    note("waiting")
    note((await receive())["type"])


async def send_again_and_again(send, body=b"again "):
    """Until its client has left."""
    while True:
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await asyncio.sleep(0.01)


async def send_for_ever(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    try:
        await send_again_and_again(send)
    except OSError as error:
        note(f"OSError: {type(error).__name__}")
        raise


async def show_server(scope, receive, send):
    await answer(send, repr((scope["server"], scope["client"])))


async def no_content(scope, receive, send):
    await send({"type": "http.response.start", "status": 204})
    await send({"type": "http.response.body"})


async def fail(scope, receive, send):
    raise ValueError("on purpose")


async def fail_begun(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
    await send({"type": "http.response.body", "body": b"abc", "more_body": True})
    raise ValueError("on purpose")


async def fail_before_body(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise ValueError("on purpose")


async def longer(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]})
    if scope["query_string"]:
        await send({"type": "http.response.body", "body": b"ab", "more_body": True})
    await send({"type": "http.response.body", "body": b"cd" if scope["query_string"] else b"abcd"})


async def answer_nothing(scope, receive, send):
    pass


async def misuse(scope, receive, send):
    said = []
    for message in (
        {"type": "http.response.body", "body": b"too early"},
        {"type": "http.response.end"},
        {"type": "http.response.start", "status": "200"},
        {"type": "http.response.start", "status": 200, "headers": [(b"a", b"b\r\nc: d")]},
        {"type": "http.response.start", "status": 200, "headers": [("a", "b")]},
    ):
        try:
            await send(message)
        except Exception as error:
            said.append(type(error).__name__)
    await answer(send, " ".join(said))
    try:
        await answer(send, "twice")
    except RuntimeError as error:
        note(str(error))
    note((await receive())["type"])


async def misuse_in_words(scope, receive, send):
    """What is said of each, raised where it is awaited."""
    said = []
    for message in (
        {"type": "http.response.start", "status": 200, "headers": {b"a": b"b"}},
        {"type": "http.response.start", "status": 200, "headers": [(b"a", b"b", b"c")]},
        {"type": "http.response.start", "status": 200, "headers": [("x-name", b"b")]},
        {"type": "http.response.start", "status": 200, "headers": [(b"x-value", None)]},
        {"type": "http.response.start", "status": 200, "headers": [(b"x-value", 7)]},
        {"type": "http.response.start", "status": 70000},
        {"type": 7},
        [1],
    ):
        awaitable = send(message)
        try:
            await awaitable
        except Exception as error:
            said.append(f"{type(error).__name__}: {error}")
    gathered = await asyncio.gather(send({"type": "bogus"}), return_exceptions=True)
    await answer(send, "\n".join([*said, *map(repr, gathered)]))


async def own_context(scope, receive, send):
    before = seen.get()
    seen.set(scope["query_string"].decode())
    await asyncio.sleep(0.05)
    await answer(send, f"{before} then {seen.get()}")


async def sleep(scope, receive, send):
    await asyncio.sleep(0.3)
    await answer(send, "slept")


async def go_on_behind(scope, receive, send):
    await answer(send, "answered")
    await until_file("go-on")
    note("background work is done")


async def overdue(scope, receive, send):
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        note("cancelled")
        raise


async def facilities(scope, receive, send):
    loop = asyncio.get_running_loop()
    in_thread = await asyncio.to_thread(lambda: "thread")
    made = await asyncio.create_task(receive())
    process = await asyncio.create_subprocess_exec("echo", "child", stdout=asyncio.subprocess.PIPE)
    said = (await process.communicate())[0].decode().strip()
    await loop.run_in_executor(None, lambda: None)
    task = asyncio.current_task() in asyncio.all_tasks()
    await answer(send, f"{in_thread} {made['type']} {said} {task} {type(loop).__module__.split('.')[0]}")


async def wait_for_receive(scope, receive, send):
    """A wait for the body that is given up, as frameworks do it, loses none of it."""
    note("not yet")
    tries = 0
    while True:
        try:
            message = await asyncio.wait_for(receive(), 0.02)
            break
        except asyncio.TimeoutError:
            tries += 1
            note("gave up")
    await answer(send, f"{message['body'].decode()} {tries > 0}")


async def compute(scope, receive, send):
    note("computing")
    # Not until_file(), and rarely looked at: it must not give others their turns.
    while not os.path.exists(os.path.join(os.environ["SCRATCH"], "go-on")):
        sum(range(1_000_000))
    note("computed")
    await answer(send, "computed")


async def exit_in_task(scope, receive, send):
    asyncio.create_task(exit_later())
    await asyncio.sleep(60)


async def exit_later():
    raise SystemExit(3)


async def stop_loop(scope, receive, send):
    asyncio.get_running_loop().stop()
    await asyncio.sleep(60)


async def fork_and_return(scope, receive, send):
    """The child comes back out of the application, by an exit and by a return."""
    codes = []
    for leave in (True, False):
        child = os.fork()
        if child == 0:
            if leave:
                sys.exit(3)
            return
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    await answer(send, str(codes))


async def read_behind_start(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"begun ", "more_body": True})
    body = (await receive())["body"]
    await send({"type": "http.response.body", "body": body})


async def give_others_turns(scope, receive, send):
    """Sends what its client takes at once, while another task wants to run."""
    turned = []
    task = asyncio.create_task(asyncio.sleep(0))
    task.add_done_callback(turned.append)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(100):
        await send({"type": "http.response.body", "body": b"-", "more_body": True})
    await send({"type": "http.response.body", "body": b" it ran" if turned else b" it waits"})


async def turn_until_file(scope, receive, send):
    note("turning")
    while not os.path.exists(os.path.join(os.environ["SCRATCH"], "go-on")):
        await asyncio.sleep(0)
    await answer(send, "turned")


async def large(scope, receive, send):
    await answer(send, b"".join(b"%08d" % number for number in range(2_500_000)))


async def cancel_receive(scope, receive, send):
    task = asyncio.create_task(receive())
    task.cancel()
    await asyncio.wait({task})
    await answer(send, (await receive())["body"])


PATHS = {
    "/server": show_server,
    "/": hello, "/scope": show_scope, "/count": count_body, "/read_late": read_late, "/stream": stream,
    "/flood": flood, "/flood_at_once": flood_at_once, "/give_up_sending": give_up_sending,
    "/start_in_others_turn": start_in_others_turn, "/wait_for_end": wait_for_end, "/send_for_ever": send_for_ever, "/no_content": no_content,
    "/answer_whatever_comes": answer_whatever_comes, "/cancel_unbegun_send": cancel_unbegun_send,
    "/fail": fail, "/fail_begun": fail_begun, "/fail_before_body": fail_before_body,
    "/answer_nothing": answer_nothing, "/longer": longer, "/misuse": misuse, "/misuse_in_words": misuse_in_words, "/own_context": own_context, "/sleep": sleep,
    "/go_on_behind": go_on_behind, "/overdue": overdue, "/facilities": facilities,
    "/wait_for_receive": wait_for_receive, "/compute": compute, "/exit_in_task": exit_in_task,
    "/large": large, "/turn_until_file": turn_until_file,
    "/give_others_turns": give_others_turns, "/read_behind_start": read_behind_start,
    "/cancel_receive": cancel_receive, "/stop_loop": stop_loop, "/fork_and_return": fork_and_return,
}


async def application(scope, receive, send):
    if scope["type"] != "http":
        raise ValueError("only http")
    path = scope["path"].removeprefix(scope["root_path"])
    await PATHS.get(path, show_scope)(scope, receive, send)


# In other forms -----------------------------------------------------------------------------------


class Application:
    async def __call__(self, scope, receive, send):
        await application(scope, receive, send)


instance = Application()
method = instance.__call__
partial = functools.partial(application)


class Slotted:
    """As sentry's middleware: each instance has its own."""

    __slots__ = ("__call__", "app")

    def __init__(self, app):
        self.app = app
        self.__call__ = self.run

    async def run(self, scope, receive, send):
        await self.app(scope, receive, send)


slotted = Slotted(application)


def plain_function(scope, receive, send):
    return application(scope, receive, send)


# With a lifespan ----------------------------------------------------------------------------------


async def with_lifespan(scope, receive, send):
    if scope["type"] == "http":
        if scope["path"] == "/until_file":
            note("waiting")
            await until_file("go-on")
        note(f"answered {scope['path']}")
        return await answer(send, scope["state"].get("word", "no state"))
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            # What it starts goes on while requests are served.
            scope["state"]["word"] = "of the start"
            task = asyncio.create_task(asyncio.sleep(0.01))
            await task
            note("startup")
            await send({"type": "lifespan.startup.complete"})
        else:
            note("shutdown")
            return await send({"type": "lifespan.shutdown.complete"})


async def start_fails(scope, receive, send):
    assert scope["type"] == "lifespan"
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})


async def start_raises(scope, receive, send):
    if scope["type"] == "lifespan":
        raise ValueError("at the start")
    await answer(send, "well")
