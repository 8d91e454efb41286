"""Files sent by wsgi.file_wrapper: $SCRATCH/file, and objects that only look like files."""

import gzip
import io
import os
import tempfile

from notes import note


class Noting:
    """Like a file, without a descriptor."""

    def __init__(self, data):
        self.data = io.BytesIO(data)

    def read(self, size=-1):
        return self.data.read(size)

    def close(self):
        note("closed")


class NotingFile(io.FileIO):
    def close(self):
        if not self.closed:
            note("closed")
        super().close()


def application(environ, start_response):
    way = environ["PATH_INFO"].lstrip("/")
    path = os.path.join(os.environ["SCRATCH"], "file")
    size = os.path.getsize(path) if os.path.exists(path) else 0
    headers = []
    if way == "file_like":
        body = Noting(b"looks like a file")
    elif way == "offset":
        body = NotingFile(path)
        body.seek(1000)
        headers = [("Content-Length", str(size - 1000))]
    elif way == "part":
        body = NotingFile(path)
        headers = [("Content-Length", "1000")]
    elif way == "compressed":
        with gzip.open(path + ".gz", "wb") as file:
            file.write(b"what was compressed")
        body = gzip.open(path + ".gz")
    elif way == "temporary":
        body = tempfile.NamedTemporaryFile()
        body.write(b"what was written")
        body.seek(5)
    elif way == "without_length":
        body = NotingFile(path)
    else:
        body = NotingFile(path)
        headers = [("Content-Length", str(size))]
    start_response("200 OK", headers)
    return environ["wsgi.file_wrapper"](body, 8192)
