"""What a server does to bad clients, seen from inside: bodies read, big answers, who has left."""

import contextlib
import gc
import os
import queue
import threading
import time
import weakref

from notes import note, plain


def application(environ, start_response):
    return globals()[environ["PATH_INFO"].strip("/")](environ, start_response)


def hello(environ, start_response):
    return plain(start_response, "hello")


def read(environ, start_response):
    return plain(start_response, f"read {len(environ['wsgi.input'].read())}")


def read_and_catch(environ, start_response):
    try:
        environ["wsgi.input"].read()
    except OSError as error:
        return plain(start_response, type(error).__name__)
    return plain(start_response, "whole")


def unread(environ, start_response):
    return plain(start_response, "not read")


def big(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return (b"x" * 65536 for _ in range(1600))


def flood(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return iter(lambda: b"x" * 65536, b"")


def until_left(environ, start_response):
    note("began")
    while not environ["unicoro.client_disconnected"]():
        time.sleep(0.01)
    note("left")
    return plain(start_response, "nobody")


def write_on(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    try:
        while True:
            write(b"x" * 65536)
    except OSError:
        note("gave up")
    while not os.path.exists(os.path.join(os.environ["SCRATCH"], "go-on")):
        time.sleep(0.005)
    return []


def have_all_descriptors(environ, start_response):
    threading.Thread(target=hold_all, daemon=True).start()
    return plain(start_response, "has begun")


def hold_all():
    held = []
    while not os.path.exists(os.path.join(os.environ["SCRATCH"], "go-on")):
        try:
            held.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            time.sleep(0.001)
    for descriptor in held:
        os.close(descriptor)


class Endless:
    def __iter__(self):
        return self

    def __next__(self):
        time.sleep(0.01)
        return b"x" * 1000

    def close(self):
        note("closed")


def endless(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Endless()


def events(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    return waiting_for_events(environ["unicoro.client_disconnected"])


def waiting_for_events(has_left):
    try:
        yield b"data: first\n\n"
        none = queue.Queue()
        while not has_left():
            with contextlib.suppress(queue.Empty):
                none.get(timeout=0.05)
        note("noticed while waiting")
        while True:
            yield b": still here\n\n"
            time.sleep(0.01)
    except GeneratorExit:
        note("GeneratorExit")
        raise


def hints(environ, start_response):
    send = environ["wsgi.early_hints"]
    send([("Link", "</a.css>; rel=preload"), ("Content-Length", "3")])
    send([("Link", "</b.css>; rel=preload")])
    send(iter([[b"Link", b"</c.css>"], ("X-Mixed", b"caf\xe9")]))
    write = start_response("200 OK", [("Content-Length", "2"), ("Content-Type", "text/plain")])
    write(b"o")
    send([("Link", "</late.css>")])
    return [b"k"]


def bad_hint(environ, start_response):
    try:
        environ["wsgi.early_hints"]([("Link", "a\r\nSet-Cookie: b")])
    except ValueError:
        return plain(start_response, "refused")
    return plain(start_response, "sent")


def take_socket(environ, start_response):
    sock = environ["gunicorn.socket"]
    sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n")
    while data := sock.recv(100):
        sock.sendall(data.upper())
    sock.close()
    raise StopIteration


def keep_socket(environ, start_response):
    sock = environ["gunicorn.socket"]
    sock.fileno()

    def say_more():
        while not os.path.exists(os.path.join(os.environ["SCRATCH"], "go-on")):
            time.sleep(0.005)
        sock.sendall(b"more")
        sock.close()

    threading.Thread(target=say_more).start()
    return plain(start_response, "kept")


def take_file(environ, start_response):
    with environ["gunicorn.socket"].makefile("rwb") as file:
        while line := file.readline():
            file.write(line.upper())
            file.flush()
    raise StopIteration


KEPT = []


def keep(environ, start_response):
    """Keeps one of the things that lead to its client, or only a weak reference to it."""
    how, name = environ["QUERY_STRING"].split("=")
    write = start_response("200 OK", [("Content-Length", "4"), ("Content-Type", "text/plain")])
    thing = {"start_response": start_response, "write": write, "environ": environ}.get(name)
    if thing is None:
        thing = environ[name]
    KEPT[:] = [name, thing if how == "strongly" else weakref.ref(thing)]
    return [b"kept"]


def said_by(use):
    try:
        return use()
    except OSError as error:
        return str(error)


def use_kept(environ, start_response):
    """What comes of it in a later request."""
    name, thing = KEPT
    if isinstance(thing, weakref.ref):
        thing = thing()
    if thing is None:
        return plain(start_response, "gone")
    uses = {
        "start_response": lambda: thing("200 OK", [("X-Whose", "another's")]),
        "write": lambda: thing(b"another's"),
        "wsgi.early_hints": lambda: thing([("Link", "</anothers.css>")]),
        "unicoro.client_disconnected": lambda: thing(),
        "gunicorn.socket": lambda: thing.sendall(b"another's"),
        "environ": lambda: [
            thing["wsgi.early_hints"]([("Link", "</anothers.css>")]),
            thing["unicoro.client_disconnected"](),
            thing["wsgi.input"].read(),
            said_by(lambda: thing["gunicorn.socket"].fileno()),
        ],
    }
    try:
        outcome = repr(uses[name]())
    except OSError as error:
        outcome = str(error)
    return plain(start_response, outcome)


def is_taken(use):
    """Whether another thread has what `use` needs, and goes on having it."""
    for _ in range(20):
        try:
            use()
        except RuntimeError:
            time.sleep(0.01)
        except AssertionError:
            return False
        else:
            return False
    return True


def in_a_thread(use, probe):
    """Returns as soon as a thread is in the middle of `use`, which waits for the client."""

    def to_its_end():
        with contextlib.suppress(OSError):
            while True:
                use()
        note("ended")

    threading.Thread(target=to_its_end, daemon=True).start()
    while not is_taken(probe):
        time.sleep(0.01)


def written_beyond(environ, start_response):
    length = [("Content-Length", str(1 << 30))]
    write = start_response("200 OK", length)
    in_a_thread(lambda: write(b"x" * (1 << 24)), lambda: start_response("200 OK", length))
    note("left")
    return []


def hinted_beyond(environ, start_response):
    hint = environ["wsgi.early_hints"]
    links = [("Link", "<" + "x" * 4000 + ">")] * 50
    in_a_thread(lambda: hint(links), lambda: hint([]))
    note("left")
    return []


def stop():
    raise OSError


def close_event_polls(environ, start_response):
    """Closes descriptors that are not its own: those of epoll."""
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/self/fd/{descriptor}") == "anon_inode:[eventpoll]":
                os.close(int(descriptor))
    return plain(start_response, "closed")


def read_beyond(environ, start_response):
    KEPT.append(environ)
    read = environ["wsgi.input"].read
    in_a_thread(lambda: read(5) or stop(), lambda: read(0))
    note("left")
    return plain(start_response, "left")


class Buffer(bytearray):
    """A buffer whose length takes its time to say."""

    def __len__(self):
        note("asked")
        while not os.path.exists(os.path.join(os.environ["SCRATCH"], "go-on")):
            time.sleep(0.005)
        return super().__len__()


def read_into(environ, start_response):
    return plain(start_response, f"read {environ['wsgi.input'].readinto(Buffer(10))}")


def wait_for_go_on(environ, start_response):
    note("waits")
    while not os.path.exists(os.path.join(os.environ["SCRATCH"], "go-on")):
        time.sleep(0.02)
    return plain(start_response, "gone on")


def count_hints(environ, start_response):
    """How many functions for early hints there are."""
    gc.collect()
    mine = environ["wsgi.early_hints"]
    alike = [it for it in gc.get_objects() if type(it) is type(mine) and it.__name__ == mine.__name__]
    return plain(start_response, str(len(alike)))
