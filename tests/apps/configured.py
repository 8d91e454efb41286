"""Tells what a config file has made of the process and the request."""

import os

from notes import plain

NAMES = (
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "PATH_INFO",
    "QUERY_STRING",
    "REMOTE_ADDR",
    "HTTP_X_TELL",
    "HTTP_X_UNDER_SCORE",
    "wsgi.url_scheme",
    "wsgi.multithread",
    "wsgi.multiprocess",
)


def app(environ, start_response):
    if environ["PATH_INFO"].endswith("/print"):
        print("printed by the application", flush=True)
    told = {name: environ.get(name) for name in NAMES}
    told |= {name: os.environ[name] for name in sorted(os.environ) if name.startswith("APP_")}
    told["cwd"] = os.path.realpath(os.getcwd()) == os.path.realpath(os.environ["SCRATCH"])
    return plain(start_response, "".join(f"{name}={value}\n" for name, value in told.items()))
