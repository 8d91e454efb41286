"""Views that end their worker: by a crash, or by leaving."""

import ctypes
import os

from notes import plain


def crash():
    ctypes.string_at(8)


def leave():
    os._exit(7)


def application(environ, start_response):
    view = environ["PATH_INFO"].lstrip("/")
    if view in ("crash", "leave"):
        globals()[view]()
    return plain(start_response, str(os.getpid()))
