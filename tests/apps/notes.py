"""Not an app: what an app uses to leave word for its test in the file $NOTES."""

import os


def note(text):
    # One O_APPEND write per note: notes of several workers never mix.
    fd = os.open(os.environ["NOTES"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(fd, (text + "\n").encode())
    finally:
        os.close(fd)


def plain(start_response, text, status="200 OK"):
    body = text if isinstance(text, bytes) else text.encode()
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]


class Pieces:
    """A body that is its own iterator, as Werkzeug's are; notes when it is closed."""

    def __init__(self, pieces):
        self.pieces = iter(pieces)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.pieces)

    def close(self):
        note("closed")
