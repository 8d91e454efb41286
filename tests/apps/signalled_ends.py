"""Handlers that leave, that ignore what a worker must hear, or that hand it on to the one before."""

import atexit
import faulthandler
import os
import signal
import time

from notes import note, plain


def leave(number, frame):
    note("leaves")
    raise SystemExit(0)


def wait(name):
    """Until the test makes a file of this name."""
    while not os.path.exists(os.path.join(os.path.dirname(os.environ["NOTES"]), name)):
        time.sleep(0.01)


def end():
    note("the end begins")
    wait("may_end")
    note("the end")


if os.environ["HANDLED"] == "leaves":
    signal.signal(signal.SIGTERM, leave)
elif os.environ["HANDLED"] == "abort":
    signal.signal(signal.SIGABRT, leave)
elif os.environ["HANDLED"] == "at the end":
    signal.signal(signal.SIGTERM, leave)
    atexit.register(end)
elif os.environ["HANDLED"] == "another":
    signal.signal(signal.SIGUSR2, leave)
elif os.environ["HANDLED"] == "handed on":
    faulthandler.register(signal.SIGTERM, chain=True)
    faulthandler.register(signal.SIGUSR1, chain=True)
elif os.environ["HANDLED"] == "handed on to another":
    signal.signal(signal.SIGTERM, lambda *_: note("the first"))
    faulthandler.register(signal.SIGTERM, chain=True)
elif os.environ["HANDLED"] == "handed on later":
    pass
else:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def application(environ, start_response):
    if environ["PATH_INFO"] == "/held":
        note("held")
        wait("may_answer")
    return plain(start_response, "served")
