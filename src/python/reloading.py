"""What a reload in development needs of Python. Run by reloading.rs."""

import glob
import sys


def files(patterns):
    """The files of all modules, and those that the patterns stand for."""
    found = set()
    for module in tuple(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str):
            found.add(path[:-1] if path.endswith((".pyc", ".pyo")) else path)
    for pattern in patterns:
        found.update(glob.glob(pattern, recursive=True))
    return list(found)


def files_of_traceback(text):
    """A module that failed is in no list: its file is in the traceback."""
    lines = (line.strip() for line in text.splitlines())
    quoted = (line.split('"') for line in lines if line.startswith('File "'))
    return [parts[1] for parts in quoted if len(parts) > 2]


def failed_application(traceback):
    """Answers every request with the traceback."""
    body = traceback.encode("utf-8", "backslashreplace") + b"\n"

    def application(environ, start_response):
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
        ]
        start_response("500 Internal Server Error", headers)
        return [body]

    return application
