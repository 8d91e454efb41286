"""Prints each line of Python that a thread runs. Run by spew.rs."""

import linecache
import sys
import threading


def trace(frame, event, argument):
    # Code without a file has no lines to show: exec'd strings, the import system, ours.
    if frame.f_code.co_filename.startswith("<"):
        return None
    if event == "line":
        name = frame.f_globals.get("__name__", "[unknown]")
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).rstrip()
        # Whole and at once, since the next line may be the last: that of a crash, say.
        print(f"{name}:{frame.f_lineno}: {line}\n", end="", flush=True)
    return trace


# Those that the application starts.
threading.settrace(trace)
