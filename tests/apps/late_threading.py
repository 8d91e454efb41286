"""`threading` is imported by a request and by nothing before: the main thread is not the request's."""

from notes import plain


def application(environ, start_response):
    import threading

    is_main = threading.current_thread() is threading.main_thread()
    return plain(start_response, "main" if is_main else "right")
