"""Answers with the environ, a line an item: the key, a space, the repr of its value."""

from notes import plain


def application(environ, start_response):
    assert type(environ) is dict, type(environ)
    return plain(start_response, "".join(f"{key} {environ[key]!r}\n" for key in sorted(environ)))


def check_objects(environ, start_response):
    environ["wsgi.errors"].write("written to wsgi.errors\n")
    environ["wsgi.errors"].writelines(["a line\n", "another line\n"])
    environ["wsgi.errors"].flush()
    text = []
    for name in ("read", "readline", "readlines", "__iter__"):
        text.append(f"input.{name} {hasattr(environ['wsgi.input'], name)}")
    text.append(f"file_wrapper {callable(environ['wsgi.file_wrapper'])}")
    return plain(start_response, "\n".join(text))
