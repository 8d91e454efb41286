"""Answers of which the server holds a few to send them together, and what they may not wait for."""

import ctypes
import os
import time

from notes import note, plain


def gate(_):
    note("shut")
    while not os.path.exists("open"):
        time.sleep(0.01)
    return "open"


def soon(_):
    return "soon"


def numbered(number):
    return f"{number} " * (12_000 // (len(number) + 1))


def numbered_and_noted(number):
    note("numbered")
    return numbered(number)


def ends(how):
    """Ends the process, or puts another program in its place."""
    libc = ctypes.PyDLL(None)
    true = [b"/bin/true", b"true", None]
    arguments = (ctypes.c_char_p * 2)(*true[1:])
    ways = {
        "os._exit": lambda: os._exit(3),
        "os.abort": os.abort,
        "os.execv": lambda: os.execv("/bin/true", ["true"]),
        "os.execve": lambda: os.execve("/bin/true", ["true"], {}),
        "execvp": lambda: libc.execvp(true[0], arguments),
        "execvpe": lambda: libc.execvpe(true[0], arguments, arguments[1:]),
        "fexecve": lambda: os.execve(os.open("/bin/true", os.O_RDONLY), ["true"], {}),
    }
    ways.get(how, lambda: getattr(libc, how)(3))()


def keeps_the_gil(_):
    """Computes in C for a second or so, and says when that was over."""
    sum(range(60_000_000))
    return repr(time.time())


class Slowly(list):
    """A body whose `close` takes a second, and notes that it is over."""

    def close(self):
        time.sleep(1)
        note("closed")


def closes_slowly(_):
    return "soon"


def application(environ, start_response):
    name = environ["PATH_INFO"].lstrip("/")
    body = plain(start_response, globals()[name](environ["QUERY_STRING"]))
    return Slowly(body) if name == "closes_slowly" else body
