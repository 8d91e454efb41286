"""What may be named as the application and is none that WSGI can call; and what looks like it, and is."""

import functools

import falcon
import falcon.asgi
from django.core.asgi import get_asgi_application
from notes import plain


def wsgi(environ, start_response):
    return plain(start_response, "well")


# Not for WSGI -----------------------------------------------------------------------------------

falcon_asgi = falcon.asgi.App()


def django():
    import django
    from django.conf import settings

    settings.configure(SECRET_KEY="x", ROOT_URLCONF="wrongly_named")
    django.setup()
    return get_asgi_application()


async def coroutine_function(scope, receive, send):
    pass


def asgi_in_a_wrapper():
    @functools.wraps(coroutine_function)
    def wrapped(*args, **kwargs):
        return coroutine_function(*args, **kwargs)

    return wrapped


wrapped_asgi = asgi_in_a_wrapper()


def three_arguments(scope, receive, send):
    return coroutine_function(scope, receive, send)


class Asgi2:
    def __init__(self, scope):
        self.scope = scope

    async def __call__(self, receive, send):
        pass


def create_app():
    return wsgi


def create_app_with_a_setting(config=None):
    return wsgi


def create_app_with_two(config=None, debug=False):
    return wsgi


class Application:
    def __call__(self, environ, start_response):
        return wsgi(environ, start_response)


# For WSGI ---------------------------------------------------------------------------------------

falcon_wsgi = falcon.App()
falcon_wsgi.add_sink(lambda request, response: setattr(response, "text", "well"))
instance = Application()
method = instance.__call__
partial = functools.partial(lambda answer, environ, start_response: answer(environ, start_response), wsgi)
partial_by_name = functools.partial(lambda environ, start_response, answer: answer(environ, start_response),
                                    answer=wsgi)


@functools.lru_cache
def make():
    return wsgi


def any_arguments(*args, **kwargs):
    return wsgi(*args, **kwargs)


def optional(environ=None, start_response=None, answer=wsgi):
    return answer(environ, start_response)


def generator(environ, start_response):
    yield from wsgi(environ, start_response)


class AnyArguments:
    def __call__(self, *args):
        return wsgi(*args)


any_instance = AnyArguments()


class Iterated:
    def __init__(self, environ, start_response):
        self.answer = wsgi(environ, start_response)

    def __iter__(self):
        return iter(self.answer)


class WithoutSignature:
    __signature__ = "none"

    def __call__(self, environ, start_response):
        return wsgi(environ, start_response)


without_signature = WithoutSignature()


def decorate(function):
    @functools.wraps(function)
    def decorated(*args):
        return function(*args)

    return decorated


decorated = decorate(wsgi)
