"""Not an app: what the applications of this folder are made of."""

import traceback

from notes import plain


class Views:
    """A WSGI application of functions that take a number and return what is wrong, or nothing."""

    def __init__(self):
        self.views = {}

    def __call__(self, environ, start_response):
        number = int(environ["QUERY_STRING"])
        try:
            wrong = self.find(environ["PATH_INFO"].strip("/"))(number)
        except Exception:
            wrong = traceback.format_exc()
        return plain(start_response, str(wrong or "right"))

    def find(self, name):
        return self.views[name]

    def view(self, function):
        self.views[function.__name__] = function
        return function


def unless_equal(found, wanted):
    return None if found == wanted else f"found {found!r}, not {wanted!r}"
