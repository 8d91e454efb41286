"""Views that never return; / answers with the worker's pid."""

import ctypes
import os
import time

from notes import note, plain


def application(environ, start_response):
    if environ["PATH_INFO"] == "/stuck":
        note("stuck")
        while True:
            time.sleep(3600)
    if environ["PATH_INFO"] == "/stuck_with_the_gil":
        note("stuck")
        while True:
            ctypes.PyDLL(None).sleep(3600)
    return plain(start_response, str(os.getpid()))
