"""Answers with the method and path that were asked for, and never reads the body."""

from notes import plain


def application(environ, start_response):
    return plain(start_response, environ["REQUEST_METHOD"] + " " + environ["PATH_INFO"])
