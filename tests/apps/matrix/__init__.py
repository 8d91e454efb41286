"""One view for each way to wait: plain blocking code as applications have it.

A request says its token and how long to wait: /time_sleep?token=17&for=1. The answer is the token,
and wherever it can it went the way that was waited for (through the pipe, the database, the other
server), so that an answer that was mixed up with another request's is seen.
"""

from urllib.parse import parse_qsl

from notes import plain

from . import databases, files, locks, processes, readiness, sockets, threads
from .view import VIEWS

__all__ = ["application", "databases", "files", "locks", "processes", "readiness", "sockets",
           "threads"]


def application(environ, start_response):
    wanted = dict(parse_qsl(environ["QUERY_STRING"]))
    answer = VIEWS[environ["PATH_INFO"].lstrip("/")](wanted["token"], float(wanted["for"]))
    return plain(start_response, answer)
