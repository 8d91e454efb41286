"""Answers with what Python believes about its environment."""

import os
import sys

from notes import plain


def application(environ, start_response):
    try:
        import only_in_this_environment

        marker = only_in_this_environment.MARKER
    except ImportError:
        marker = "none"
    facts = {
        "prefix": sys.prefix, "executable": sys.executable, "marker": marker,
        "cwd": os.getcwd(), "cwd_on_path": os.getcwd() in sys.path or "" in sys.path,
        "first_on_path": sys.path[0], "color": os.environ.get("COLOR", ""),
        "argv0": bool(sys.argv),
    }
    return plain(start_response, "".join(f"{key}={value}\n" for key, value in facts.items()))
