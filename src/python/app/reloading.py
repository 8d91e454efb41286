"""What a reload in development needs of Python. Run by reloading.rs."""

import glob
import os
import sys
from importlib.machinery import SourceFileLoader

# How a file looks: its time in nanoseconds, its length. That of one that was not there before.
ABSENT = (0, 0)

# How each module's file looked when it was loaded.
loaded = {}
# By folder or pattern, what has been found there: all else that is found later is new.
listed = {}


def begin(folders, patterns):
    """Before the application is loaded, from these folders besides others: from now on it is known
    what each module was loaded from, and what is new."""
    add_all({}, {os.path.abspath(folder) for folder in (*folders, *sys.path)}, patterns)
    path_stats = SourceFileLoader.path_stats

    # Called before the file is read.
    def recording(loader, path):
        try:
            stat = os.stat(path)
            loaded[path] = stat.st_mtime_ns, stat.st_size
        except OSError:
            pass
        return path_stats(loader, path)

    SourceFileLoader.path_stats = recording


def files(patterns):
    """The files of all modules, those of modules to be, and those that the patterns stand for: each
    with its look when it was loaded, ABSENT if it has come since the last call, or None."""
    found = {}
    folders = {os.path.abspath(folder) for folder in sys.path}
    for module in tuple(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str):
            path = path[:-1] if path.endswith((".pyc", ".pyo")) else path
            found[path] = loaded.get(path)
            folders.add(os.path.dirname(os.path.abspath(path)))
    add_all(found, folders, patterns)
    return list(found.items())


def add_all(found, folders, patterns):
    for folder in folders:
        if not is_library(folder):
            add(found, folder, set(sources(folder)))
    for pattern in patterns:
        add(found, pattern, set(glob.glob(pattern, recursive=True)))


def add(found, place, paths):
    old = listed.setdefault(place, paths)
    for path in paths:
        found.setdefault(path, loaded.get(path) if path in old else ABSENT)
    old.update(paths)


def sources(folder):
    """What may be imported from a folder: modules, and packages."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    yield entry.path
                elif entry.is_dir():
                    path = os.path.join(entry.path, "__init__.py")
                    if os.path.exists(path):
                        yield path
    except OSError:
        pass  # no folder, such as a zip file in sys.path, or one that may not be read


def is_library(folder):
    parts = folder.split(os.sep)
    standard = os.path.dirname(os.path.abspath(os.__file__))
    return (
        "site-packages" in parts
        or "dist-packages" in parts
        or folder == standard
        or folder.startswith(standard + os.sep)
    )


def files_of_traceback(text):
    """A module that failed is in no list: its file is in the traceback. With looks, as above."""
    lines = (line.strip() for line in text.splitlines())
    quoted = (line.split('"') for line in lines if line.startswith('File "'))
    return [(parts[1], loaded.get(parts[1])) for parts in quoted if len(parts) > 2]


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
