"""Workers that end as processes mostly do. What counts a build's steps writes them down then; without this
they leave by _exit, which writes nothing."""

import ctypes


def worker_exit(server, worker):
    ctypes.CDLL(None).exit(0)
