"""The signals that a worker hears itself, as the application's `signal` has them. Run once in a worker, by
shared_signals.rs, which provides ``SHARED``, their numbers; ``hear``, by which the worker hears one that
somebody has just handled; and ``pass_on``, which is what was there before.
"""

import functools
import signal

handle = signal.signal


@functools.wraps(handle)
def handle_as_well(signalnum, handler):
    before = handle(signalnum, handler)
    if signalnum in SHARED:  # noqa: F821
        hear(signalnum)  # noqa: F821
    return before


def begin():
    """`getsignal` knows a function from here on, as gunicorn's worker has set one: what a library calls that
    takes a signal and passes it on."""
    for number in SHARED:  # noqa: F821
        handle(number, pass_on)  # noqa: F821
    signal.signal = handle_as_well
