"""An app that no Python can compile."""


def application(environ start_response):
    pass
