"""WebSockets by ASGI without a framework: each path is a thing that one may do, or that may happen."""

import asyncio
import json
import os

from notes import note
from unicoro.websocket import prepare

room = set()


async def until_file(name):
    while not os.path.exists(os.path.join(os.environ["SCRATCH"], name)):
        await asyncio.sleep(0.01)


async def accept(receive, send, **fields):
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept", **fields})


async def messages(receive):
    """What comes, to the end; notes how that was."""
    while (message := await receive())["type"] == "websocket.receive":
        yield message
    note(f"{message['type']} {message['code']} {message['reason']}".rstrip())


async def echo(scope, receive, send):
    await accept(receive, send)
    async for message in messages(receive):
        await send({**message, "type": "websocket.send"})


async def show_scope(scope, receive, send):
    shown = dict(scope, headers=[[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]])
    shown |= {key: scope[key].decode() for key in ("raw_path", "query_string")}
    shown |= {"client": scope["client"][0], "server": scope["server"][0]}
    await accept(receive, send, subprotocol=scope["subprotocols"][1], headers=[(b"x-room", b"7")])
    await send({"type": "websocket.send", "text": json.dumps(shown)})
    await send({"type": "websocket.send", "bytes": b"\x00\xff", "text": None})


async def refuse(scope, receive, send):
    await receive()
    await send({"type": "websocket.close", "code": 1008})
    note(f"{(await receive())}")


async def deny(scope, receive, send):
    await receive()
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"12")]
    await send({"type": "websocket.http.response.start", "status": 401, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b"who ", "more_body": True})
    await send({"type": "websocket.http.response.body", "body": b"are you?"})
    note((await receive())["type"])


async def say_nothing(scope, receive, send):
    await receive()


async def fail_early(scope, receive, send):
    raise ValueError("before it was accepted")


async def fail(scope, receive, send):
    await accept(receive, send)
    await send({"type": "websocket.send", "text": "soon"})
    raise ValueError("a fault of the application")


async def leave(scope, receive, send):
    await accept(receive, send)
    await send({"type": "websocket.send", "text": "bye"})


async def close(scope, receive, send):
    await accept(receive, send)
    await receive()
    await send({"type": "websocket.close", "code": 4001, "reason": "enough"})
    note(str(await receive()))
    try:
        await send({"type": "websocket.send", "text": "late"})
    except RuntimeError as error:
        note(str(error))
    await until_file("go-on")
    note("goes on")


async def wait(scope, receive, send):
    await accept(receive, send)
    async for message in messages(receive):
        pass
    try:
        await send({"type": "websocket.send", "text": "late"})
    except OSError as error:
        note(f"OSError: {error}")
        raise


async def misuse(scope, receive, send):
    said = []

    async def attempt(**message):
        try:
            await send(message)
        except Exception as error:
            said.append(f"{type(error).__name__}: {error}")

    await receive()
    await attempt(type="websocket.send", text="too early")
    await attempt(type="websocket.accept", subprotocol="unheard-of")
    await attempt(type="websocket.accept", headers=[("x", "text")])
    await send({"type": "websocket.accept"})
    await attempt(type="websocket.accept")
    await attempt(type="websocket.send")
    await attempt(type="websocket.send", text=7)
    await attempt(type="websocket.close", code=1005)
    await attempt(type="websocket.close", code=70000)
    await attempt(type="websocket.close", code=1000, reason=7)
    await send({"type": "websocket.send", "text": "\n".join(said)})


async def hear_before_accept(scope, receive, send):
    await receive()
    note("offered")
    note(str(await receive()))


async def accept_while_receiving(scope, receive, send):
    """A task receives before the handshake is answered."""
    await receive()
    task = asyncio.ensure_future(receive())
    await asyncio.sleep(0)
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": (await task)["text"]})
    await receive()


async def give_up_receiving(scope, receive, send):
    """A message that comes behind a wait that was given up is not lost."""
    await accept(receive, send)
    tries = 0
    while True:
        try:
            message = await asyncio.wait_for(receive(), 0.02)
            break
        except asyncio.TimeoutError:
            tries += 1
            note("gave up")
    await send({"type": "websocket.send", "text": f"{message['text']} {tries > 0}"})


async def give_up_two(scope, receive, send):
    """Messages that tasks were cancelled before they got are not lost, and keep their order."""
    await accept(receive, send)
    await until_file("go-on")
    tasks = [asyncio.create_task(receive()) for _ in range(2)]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    texts = [(await receive())["text"] for _ in range(3)]
    await send({"type": "websocket.send", "text": " ".join(texts)})


async def elsewhere(scope, receive, send):
    await accept(receive, send)
    note("elsewhere")
    await until_file("go-on")
    async for message in messages(receive):
        await send({**message, "type": "websocket.send"})


async def look_later(scope, receive, send):
    """Does something else while messages come, and the end."""
    await accept(receive, send)
    note("elsewhere")
    await until_file("go-on")
    async for message in messages(receive):
        note(message["text"])


async def flood(scope, receive, send):
    """Sends more than a client that does not read can take."""
    await accept(receive, send)
    sent = 0
    try:
        while True:
            await send({"type": "websocket.send", "bytes": b"x" * 65536})
            sent += 1
            note(f"sent {sent}.")
    except OSError as error:
        note(f"flood ended: {error}, {sent > 0}")


def resident_kib():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


async def flood_at_once(scope, receive, send):
    """As many tasks as messages, and then sends that are given up, to a client that does not read yet."""
    await accept(receive, send)
    before, data = resident_kib(), b"x" * 1_000_000
    sending = [asyncio.create_task(send({"type": "websocket.send", "bytes": data})) for _ in range(50)]
    for _ in range(20):
        await asyncio.sleep(0)
    for _ in range(50):
        try:
            await asyncio.wait_for(send({"type": "websocket.send", "bytes": b"given up"}), 0.001)
        except asyncio.TimeoutError:
            pass
    note(f"grown {resident_kib() - before}")
    await asyncio.gather(*sending)
    await send({"type": "websocket.send", "text": "end"})


async def send_from_many(scope, receive, send):
    """Tasks that send at once, while another receives."""
    await accept(receive, send)

    async def say(number):
        for turn in range(20):
            await send({"type": "websocket.send", "text": str(number) * (1000 * (number + 1) + turn)})

    sending = [asyncio.create_task(say(number)) for number in range(8)]
    asked = (await receive())["text"]
    await asyncio.gather(*sending)
    await send({"type": "websocket.send", "text": f"all sent, {asked}"})


async def talk(scope, receive, send):
    """What one says all hear, framed once."""
    await accept(receive, send)
    room.add(send)
    try:
        async for message in messages(receive):
            prepared = prepare(message["text"])
            for tell in list(room):
                await tell({"type": "websocket.send", "text": prepared})
    finally:
        room.discard(send)


async def slow(scope, receive, send):
    await accept(receive, send)
    await send({"type": "websocket.send", "text": "first"})
    await asyncio.sleep(1.5)
    await send({"type": "websocket.send", "text": "second"})


async def never_accept(scope, receive, send):
    await asyncio.sleep(60)


PATHS = {
    f"/{path.__name__}": path
    for path in (
        echo, show_scope, refuse, deny, say_nothing, fail_early, fail, leave, close, wait, misuse,
        hear_before_accept, accept_while_receiving, give_up_receiving, give_up_two, elsewhere, look_later, flood, flood_at_once,
        send_from_many, talk,
        slow, never_accept,
    )
}


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        note("shutdown")
        return await send({"type": "lifespan.shutdown.complete"})
    if scope["type"] == "websocket":
        return await PATHS[scope["path"]](scope, receive, send)
    body = scope["type"].encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
