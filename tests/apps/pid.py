"""Answers with the worker's pid."""

import os

from notes import plain


def application(environ, start_response):
    return plain(start_response, str(os.getpid()))
