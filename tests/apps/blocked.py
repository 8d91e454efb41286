"""Views that let no other request run for three seconds, each for another reason. Those that compute in
C are in locks.py."""

import ctypes
import time

from notes import plain

SECONDS = 3.0


def waits_unseen():
    time_to_sleep = (ctypes.c_long * 2)(int(SECONDS), 0)
    ctypes.CDLL(None).syscall(35, ctypes.byref(time_to_sleep), None)  # nanosleep


def waits_with_the_gil():
    ctypes.PyDLL(None).sleep(int(SECONDS))


def in_python():
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        pass


def application(environ, start_response):
    globals()[environ["PATH_INFO"].lstrip("/")]()
    return plain(start_response, "done")
