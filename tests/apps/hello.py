"""The smallest app."""


def application(environ, start_response):
    body = b"Hello, world!"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


app = application


def factory(word, times=1):
    """An app made by a call in the app's name: `hello:factory("word", times=2)`."""

    def made(environ, start_response):
        body = (word * times).encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    return made
