"""What a busy application does at once, so that every answer can be checked by its token.

    /views                     a line each: the view's name, and what it is about
    /NAME?token=T&for=S        T, having held or waited for something for about S seconds
    /ways, /NAME/state         as in pools.app

Of a view that is about a `pool`, each connection is one request's at a time; a `shared` one is
several requests' at once; what is `plain` has no connection that could break.
"""

import gc
from urllib.parse import parse_qsl

from notes import plain

from . import connections, locks, processes, writing
from .view import VIEWS

__all__ = ["application", "locks", "processes", "writing"]


def application(environ, start_response):
    name, _, rest = environ["PATH_INFO"].lstrip("/").partition("/")
    if name == "views":
        return plain(start_response, "\n".join(f"{name} {about}" for name, about in VIEWS))
    if name == "ways":
        return plain(start_response, "\n".join(
            f"{way.name} {way.size}" for way in connections.WAYS.values()))
    if rest == "state":
        way = connections.WAYS[name]
        gc.collect()  # as in pools.app
        return plain(start_response, f"{way.idle()} {way.at_server()}")
    wanted = dict(parse_qsl(environ["QUERY_STRING"]))
    [(about, view)] = [(about, view) for (known, about), view in VIEWS.items() if known == name]
    try:
        answer = view(wanted["token"], float(wanted["for"]))
    except Exception as error:
        if about == "plain":
            raise
        text = f"{type(error).__module__}.{type(error).__name__}: {error}"
        return plain(start_response, text, "500 The driver raised")
    return plain(start_response, answer)
