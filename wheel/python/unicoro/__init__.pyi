from typing_extensions import Self

class RequestTimeout(BaseException):
    """The request has taken longer than request_timeout; its client was answered 504."""

    def __new__(cls, *args: object) -> Self: ...
