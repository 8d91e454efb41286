"""Takes and gives as many bytes as the query says, in pieces of 64 KiB."""

import os

from notes import plain

PIECE = b"x" * 65536


def application(environ, start_response):
    way, size = environ["PATH_INFO"], int(environ["QUERY_STRING"] or 0)
    if way == "/up":
        read = environ["wsgi.input"].read
        return plain(start_response, str(sum(map(len, iter(lambda: read(65536), b"")))))
    start_response("200 OK", [("Content-Length", str(size))])
    if way == "/down":
        return (PIECE for _ in range(size // len(PIECE)))
    file = open(os.path.join(os.environ["SCRATCH"], "file"), "rb")
    return environ["wsgi.file_wrapper"](file)
