class RequestTimeout(BaseException):
    """The request has taken longer than request_timeout; its client was answered 504."""
