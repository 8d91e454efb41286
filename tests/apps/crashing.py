"""Requests that end the whole process, and others beside them; / behaves."""

import ctypes
import os
import resource
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


def write_too_much():
    longest = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, longest[1]))
    try:
        with open(os.path.join(os.environ["SCRATCH"], "long"), "wb", buffering=0) as file:
            while True:
                file.write(bytes(700))
    except OSError as error:
        return error.strerror
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, longest)


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
        case "/write_too_much":
            return plain(start_response, write_too_much())
    return plain(start_response, "well")
