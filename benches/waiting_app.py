"""What the benches about many waiting requests serve: a short nap, a long one, and computing."""

import time


def compute(rounds):
    total = 0
    for number in range(rounds):
        total += number * number
    return total


def application(environ, start_response):
    view, argument = environ["PATH_INFO"].lstrip("/"), environ["QUERY_STRING"]
    if view == "sleep":
        time.sleep(float(argument))
    elif view == "compute":
        compute(int(argument))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"done"]
