"""Tests that nobody here wrote, each module in a request: CPython's own `test` package.

`GET /MODULE` runs that module in its request and answers when it has ended. What came out stands in
the file `MODULE.outcomes` of the directory `FOREIGN_OUTCOMES`, so that nothing is lost of a worker
that dies. `python3 -m foreign MODULE...` is the reference: the same, each in a plain thread of an
ordinary process. tests/foreign runs both and compares.
"""


def application(environ, start_response):
    from foreign.running import run

    run(environ["PATH_INFO"].strip("/"))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"has run\n"]
