"""The signals that a worker hears itself, as the application's `signal` has them. Run once in a worker, by
shared_signals.rs, which provides ``SHARED``, their numbers; ``handle_and_hear``, which calls the function that it is
given, and has the worker hear the signal too; ``pass_on``, which is what was there before; and ``warn``, a line for
the log.
"""

import functools
import signal

handle = signal.signal


@functools.wraps(handle)
def handle_as_well(signalnum, handler):
    if signalnum in SHARED:  # noqa: F821
        before = handle_and_hear(handle, signalnum, handler)  # noqa: F821
    else:
        before = handle(signalnum, handler)
    if signalnum == signal.SIGABRT and callable(handler):
        warn(NOT_ABORT)  # noqa: F821
    if type(getattr(handler, "__self__", None)).__module__.partition(".")[0] == "uvloop":
        warn(NOT_UVLOOP.format(name=signal.Signals(signalnum).name))  # noqa: F821
    return before


NOT_ABORT = (
    "the application's handler for SIGABRT is not called: the master ends a worker by it that hangs; use the hook "
    "worker_abort"
)
NOT_UVLOOP = (
    "the handler for {name} that loop.add_signal_handler has set is not called: uvloop hears signals in a loop on the "
    'main thread only; use signal.signal, or asgi_loop = "asyncio"'
)


def begin():
    """`getsignal` knows a function from here on, as gunicorn's worker has set one: what a library calls that
    takes a signal and passes it on."""
    for number in SHARED:  # noqa: F821
        handle(number, pass_on)  # noqa: F821
    signal.signal = handle_as_well
