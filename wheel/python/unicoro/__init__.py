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


RequestTimeout.__module__ = "unicoro"
