"""The smallest WSGI application."""


def app(environ, start_response):
    body = b"Hello from unicoro.\n"
    start_response("200 OK", [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
    ])
    return [body]
