"""Pools of connections as applications have them, with questions that outlast a deadline.

DRIVER names the driver whose pools are made, while the application is loaded: an import must not
count as a request's time. The views:

    /ways                      name and size of each pool, a line each
    /NAME/ask?token=T          T, from the other end of the connection, at once
    /NAME/before?token=T&for=S T, S seconds later, and not a byte earlier
    /NAME/within?token=T&for=S T, in an answer that has begun and is whole S seconds later
    /NAME/state                places at rest, and connections that the other end has

What a driver raises is answered with 500 and its text. No view knows that it may be overdue.
"""

import gc
import os
from urllib.parse import parse_qsl

from notes import plain

from .others import GRPC, SQLITE
from .rediss import REDIS
from .sql import SQL
from .web import WEB

WAYS = {way.name: way for way in ({**SQL, **REDIS, **WEB, **SQLITE, **GRPC})[os.environ["DRIVER"]]()}


def answer(way, question, token=None, **wanted):
    if question == "state":
        # A connection whose making an exception has ended may still stand in that one's traceback.
        gc.collect()
        return f"{way.idle()} {way.at_server()}"
    if question == "ask":
        return way.ask(token)
    return getattr(way, question)(token, float(wanted["for"]))


def application(environ, start_response):
    _, name, *question = environ["PATH_INFO"].split("/")
    if name == "ways":
        return plain(start_response, "\n".join(f"{way.name} {way.size}" for way in WAYS.values()))
    try:
        text = answer(WAYS[name], *question, **dict(parse_qsl(environ["QUERY_STRING"])))
    except Exception as error:
        text = f"{type(error).__module__}.{type(error).__name__}: {error}"
        return plain(start_response, text, "500 The driver raised")
    return plain(start_response, text)
