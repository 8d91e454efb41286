"""An app behind the standard library's referee: it raises at whatever PEP 3333 forbids."""

from wsgiref.validate import validator


def careful(environ, start_response):
    body = b"read %d" % len(environ["wsgi.input"].read(1000))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


application = validator(careful)
