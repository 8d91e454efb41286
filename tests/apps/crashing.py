"""Requests that end the whole process, and others beside them; / behaves."""

import ctypes
import os
import signal
import time

from notes import note, plain


def crash(how):
    match how:
        case "exit":
            os._exit(7)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "fault":
            ctypes.string_at(0)


def wait():
    note("waiting")
    time.sleep(60)


def application(environ, start_response):
    query = environ["QUERY_STRING"]
    match environ["PATH_INFO"]:
        case "/crash":
            crash(query)
        case "/wait":
            wait()
    return plain(start_response, "well")
