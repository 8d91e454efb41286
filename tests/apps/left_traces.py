"""A request that goes away with a trace and a profile function set, and one that looks for such."""

import sys

from notes import plain


def traced(frame, event, argument):
    return traced


def left(query):
    sys.settrace(traced)
    sys.setprofile(traced)
    return "set"


def found(query):
    return f"{sys.gettrace()} {sys.getprofile()}"


def application(environ, start_response):
    view = globals()[environ["PATH_INFO"].lstrip("/")]
    return plain(start_response, view(environ["QUERY_STRING"]))
