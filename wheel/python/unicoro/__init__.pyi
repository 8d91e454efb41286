from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from _typeshed.wsgi import WSGIApplication
from typing_extensions import Self

__version__: str
version_info: tuple[int, int, int]

class RequestTimeout(BaseException):
    """The request has taken longer than request_timeout; its client was answered 504."""

    def __new__(cls, *args: object) -> Self: ...

def wsgi_to_asgi(
    application: WSGIApplication,
) -> Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]:
    """An ASGI application that serves this WSGI application, for a place in an ASGI framework's routes."""
