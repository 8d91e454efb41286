"""A view that never returns; / answers with the worker's pid."""

import os
import time

from notes import note, plain


def application(environ, start_response):
    if environ["PATH_INFO"] == "/stuck":
        note("stuck")
        while True:
            time.sleep(3600)
    return plain(start_response, str(os.getpid()))
