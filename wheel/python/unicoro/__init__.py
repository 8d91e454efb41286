"""What unicoro gives to applications."""


class RequestTimeout(BaseException):
    """The request has taken longer than request_timeout; its client was answered 504.

    A BaseException, so that `except Exception` does not swallow it. Clean-up runs as for any
    other exception.
    """

    def __new__(cls, *args):
        _delivered()
        return super().__new__(cls, *args)


def _delivered():
    """A worker puts its own here, which notes that the exception exists."""


def wsgi_to_asgi(application):
    """An ASGI application that serves this WSGI application: for a place in an ASGI framework's routes, as
    Starlette's ``app.mount("/old", unicoro.wsgi_to_asgi(flask_app))``.

    Each request runs in a thread of the event loop's default executor, which under unicoro is a green thread.
    """
    _prepare_mounting()
    from unicoro._mounted import Mounted

    return Mounted(application)


def _prepare_mounting():
    """A worker puts its own here, which brings the module where there is no package."""


def __getattr__(name):
    """``__version__`` and ``version_info``, as gunicorn has them. A worker puts its own here."""
    if name not in ("__version__", "version_info"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import re
    from importlib.metadata import version

    text = version("unicoro")
    return text if name == "__version__" else tuple(map(int, re.findall(r"\d+", text)[:3]))


RequestTimeout.__module__ = wsgi_to_asgi.__module__ = "unicoro"
