"""A view that forks, and is overdue while a library gets ready for the fork."""

import os
import time

from notes import note


def wait():
    time.sleep(1.5)
    note("waited")


def compute():
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        pass
    note("computed")


os.register_at_fork(before=wait)
os.register_at_fork(before=compute)


def application(environ, start_response):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    try:
        time.sleep(60)
    except BaseException as error:
        note(type(error).__name__)
        raise
