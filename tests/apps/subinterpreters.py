"""Requests that wait inside an interpreter of their own."""

import sys
import time

from notes import plain

if sys.version_info >= (3, 13):
    import _interpreters

    def make():
        return _interpreters.create("legacy")

    def run(interpreter, code):
        _interpreters.exec(interpreter, code)

    destroy = _interpreters.destroy
else:
    import _xxsubinterpreters as _interpreters

    def make():
        if sys.version_info >= (3, 12):
            return _interpreters.create(isolated=False)
        return _interpreters.create(isolated=False)

    def run(interpreter, code):
        _interpreters.run_string(interpreter, code)

    destroy = _interpreters.destroy

# Gives the lock back while it waits.
SLEEP = "import time; time.sleep(0.3)"
# Keeps it.
HOLD = "import ctypes; ctypes.PyDLL(None).usleep(200000)"


def inside(code):
    interpreter = make()
    try:
        run(interpreter, code)
    finally:
        destroy(interpreter)
    return "waited"


def sleep(environ):
    return inside(SLEEP)


def hold(environ):
    return inside(HOLD)


def plain_sleep(environ):
    time.sleep(0.1)
    return "waited"


views = {view.__name__: view for view in (sleep, hold, plain_sleep)}


def application(environ, start_response):
    return plain(start_response, views[environ["PATH_INFO"].lstrip("/")](environ))
