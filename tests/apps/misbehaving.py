"""Apps that break the rules, each in the way that the path names; / behaves."""

from notes import plain


def ok(start_response):
    return plain(start_response, "well")


def raises(start_response):
    raise ValueError("raised by the app")


def raises_after_start(start_response):
    start_response("200 OK", [("Content-Length", "4")])
    raise ValueError("raised by the app")


def raises_midway(start_response):
    start_response("200 OK", [])
    yield b"the start"
    raise ValueError("raised by the app")


def exits(start_response):
    raise SystemExit("the app wants to leave")


def returns_none(start_response):
    start_response("200 OK", [])


def returns_number(start_response):
    start_response("200 OK", [])
    return 7


def returns_text(start_response):
    start_response("200 OK", [])
    return "text, not bytes"


def yields_text(start_response):
    start_response("200 OK", [])
    return ["text, not bytes"]


def starts_twice(start_response):
    start_response("200 OK", [])
    start_response("201 Created", [])
    return [b"twice"]


def never_starts(start_response):
    return [b"no status"]


def never_starts_and_is_empty(start_response):
    return []


def too_long(start_response):
    start_response("200 OK", [("Content-Length", "4")])
    return [b"four", b" and more"]


def too_short(start_response):
    start_response("200 OK", [("Content-Length", "100")])
    return [b"much less"]


def bad_status(start_response):
    start_response(200, [])
    return [b"a number for a status"]


def newline_in_header(start_response):
    start_response("200 OK", [("X-Split", "a\r\nX-Injected: b")])
    return [b"split"]


def number_in_header(start_response):
    start_response("200 OK", [("X-Number", 7)])
    return [b"number"]


WAYS = {f.__name__: f for f in (
    ok, raises, raises_after_start, raises_midway, exits, returns_none, returns_number,
    returns_text, yields_text, starts_twice, never_starts, never_starts_and_is_empty, too_long,
    too_short, bad_status, newline_in_header, number_in_header,
)}


def application(environ, start_response):
    return WAYS[environ["PATH_INFO"].lstrip("/") or "ok"](start_response)
