"""Handlers that leave, or that ignore what a worker must hear."""

import os
import signal

from notes import note, plain


def leave(number, frame):
    note("leaves")
    raise SystemExit(0)


if os.environ["HANDLED"] == "leaves":
    signal.signal(signal.SIGTERM, leave)
elif os.environ["HANDLED"] == "abort":
    signal.signal(signal.SIGABRT, leave)
else:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def application(environ, start_response):
    return plain(start_response, "served")
