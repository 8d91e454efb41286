"""One request reads another's body, and is still at it when that one is over."""

import threading

from notes import note, plain

lent = []
is_lent = threading.Event()
reads = threading.Event()


def lend(environ):
    lent.append(environ["wsgi.input"])
    is_lent.set()
    reads.wait(20)
    # Now the other one waits in read.
    return "lent"


def read_lent(environ):
    is_lent.wait(20)
    note("reads")
    reads.set()
    try:
        return f"read {len(lent.pop().read())}"
    except OSError as error:
        return f"failed: {type(error).__name__}"


def body(environ):
    note("waits")
    return f"read {len(environ['wsgi.input'].read())}"


views = {view.__name__: view for view in (lend, read_lent, body)}


def application(environ, start_response):
    return plain(start_response, views[environ["PATH_INFO"].lstrip("/")](environ))
