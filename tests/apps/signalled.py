"""Sets handlers for the signals that a worker hears itself, and notes what they are called with."""

import multiprocessing
import os
import signal
import threading

from notes import note, plain


def chained(number, frame):
    where = "main" if threading.current_thread() is threading.main_thread() else "other"
    note(f"{signal.Signals(number).name} on the {where} thread")
    before[number](number, frame)


# As libraries do that must not take a signal away from who had it.
before = {
    number: signal.getsignal(number)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1)
}
for number in before:
    if before[number] != signal.SIG_IGN:
        signal.signal(number, chained)


def only_notes(number, frame):
    note("its own")


def known(query):
    """What was there is called, and puts itself back."""
    kinds = [handler == signal.SIG_IGN or callable(handler) for handler in before.values()]
    return repr(all(kinds))


def child(query):
    """A child has the application's handlers, and nothing of the worker's."""
    process = multiprocessing.get_context("fork").Process(target=signalled_child)
    process.start()
    process.join()
    return str(process.exitcode)


def signalled_child():
    signal.signal(signal.SIGTERM, only_notes)
    os.kill(os.getpid(), signal.SIGTERM)
    signal.signal(signal.SIGTERM, chained)
    os.kill(os.getpid(), signal.SIGTERM)
    note("has outlived the worker's handler")


def later(query):
    """In a request, which only `sync` runs on the main thread."""
    try:
        note(repr(signal.signal(signal.SIGTERM, only_notes) is chained))
    except ValueError:
        return "not here"
    return "set"


def for_now(query):
    """A time-out's way: set, and put back what was there."""
    was = signal.signal(signal.SIGTERM, only_notes)
    signal.signal(signal.SIGTERM, was)
    return "put back"


def application(environ, start_response):
    view = globals()[environ["PATH_INFO"].lstrip("/") or "known"]
    return plain(start_response, view(environ["QUERY_STRING"]))
