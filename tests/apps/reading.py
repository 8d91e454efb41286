"""Reads wsgi.input in the way that the path names and answers with a repr of each result."""

import hashlib

from notes import note, plain


def read_all(source):
    return [source.read()]


def read_twice(source):
    return [source.read(), source.read(), source.read(1), source.readline()]


def read_in_fives(source):
    parts = []
    while part := source.read(5):
        parts.append(part)
    return parts


def read_far_past(source):
    return [source.read(1_000_000), source.read(1_000_000)]


def read_nothing(source):
    return [source.read(0), source.readline(0), source.read()]


def readline(source):
    return [source.readline(), source.readline(3), source.readline(), source.readline()]


def readlines(source):
    return source.readlines()


def readlines_with_hint(source):
    # A hint stops after the line that reaches it.
    return [source.readlines(4), source.readlines()]


def iterate(source):
    return list(source)


def mixed(source):
    return [source.read(2), source.readline(), next(iter(source)), source.readlines(), source.read()]


def line_by_line(source):
    lines = []
    while line := source.readline():
        note("read " + line.decode().strip())
        lines.append(line)
    return lines


def digest(source):
    body = source.read()
    return [len(body), hashlib.sha256(body).hexdigest()]


def ignore(source):
    return []


WAYS = {f.__name__: f for f in (
    read_all, read_twice, read_in_fives, read_far_past, read_nothing, readline, readlines,
    readlines_with_hint, iterate, mixed, line_by_line, digest, ignore,
)}


def application(environ, start_response):
    results = WAYS[environ["PATH_INFO"].lstrip("/")](environ["wsgi.input"])
    return plain(start_response, "\n".join(map(repr, results)))
