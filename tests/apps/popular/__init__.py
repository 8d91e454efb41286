"""What popular libraries do inside of their C, C++ and Rust, so that every answer can be checked.

    /views                     a line each: the view's name
    /skipped                   a line each: a view that there is not, the module that it misses
    /skipped                   a line each: a view that there is not, and the module it lacks

A view makes something of its token, lets the library wait in the middle of it (in a callback, in a
file that is slow, between two calls), and compares with what is known without the library. What is
wrong is answered with 500 and what was found.
"""

import traceback
from urllib.parse import parse_qsl

from notes import plain

from . import (ciphers, compressed, concurrency, databases, figures, formats, markup, network,
               pictures, texts)
from .view import SKIPPED, VIEWS, Rest

__all__ = ["application", "ciphers", "compressed", "concurrency", "databases", "figures", "formats",
           "markup", "network", "pictures", "texts"]


def application(environ, start_response):
    name = environ["PATH_INFO"].lstrip("/")
    if name == "views":
        return plain(start_response, "\n".join(VIEWS))
    if name == "skipped":
        return plain(start_response, "\n".join(f"{name} {why}" for name, why in SKIPPED.items()))
    wanted = dict(parse_qsl(environ["QUERY_STRING"]))
    token, rest = wanted["token"], Rest(float(wanted["for"]))
    try:
        VIEWS[name](token, rest)
    except BaseException:  # a panic of Rust's is no Exception
        return plain(start_response, traceback.format_exc(), "500 Wrong")
    return plain(start_response, token)
