"""Views that let no other request run for three seconds, each for another reason."""

import ctypes
import hashlib
import time

from notes import plain

SECONDS = 3.0


def rounds(step):
    """How many steps take SECONDS."""
    count, took = 1, 0.0
    while took < 0.1:
        count *= 2
        began = time.perf_counter()
        step(count)
        took = time.perf_counter() - began
    return int(count * SECONDS / took) + 1


def hash_often(count):
    hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", count)


def add_often(count):
    # One call of C, which never asks whether others want the GIL.
    sum(range(count))


HASHES = rounds(hash_often)
ADDITIONS = rounds(add_often)


def in_c_without_the_gil():
    hash_often(HASHES)


def in_c_with_the_gil():
    add_often(ADDITIONS)


def in_c_without_and_with_the_gil():
    # Others run beside the first part; the second must not go on beside them.
    hash_often(HASHES // 10)
    add_often(ADDITIONS)


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
