"""What may be named as the application and is none that WSGI can call; and what looks like it, and is."""

import asyncio
import functools
import inspect

import falcon
import falcon.asgi
from django.core.asgi import get_asgi_application
from notes import plain
from werkzeug.local import LocalProxy
from werkzeug.wrappers import Request, Response


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


async def two_arguments(environ, start_response):
    return wsgi(environ, start_response)


async def asynchronous_generator(environ, start_response):
    yield wsgi(environ, start_response)


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


def make_app(config=None, debug=False):
    return wsgi


class Application:
    def __call__(self, environ, start_response):
        return wsgi(environ, start_response)


class ApplicationWithSettings(Application):
    def __init__(self, config=None, debug=False):
        self.config = config


class ApplicationWithAny(Application):
    def __init__(self, *args, **kwargs):
        pass


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


def other_names(req=None, resp=None):
    return wsgi(req, resp)


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


# Decorators that call with other arguments than they are called with, or in another way ----------


@Request.application
def of_werkzeug(request):
    return Response("well")


def calls(function, *args):
    """What is called with WSGI's two arguments, and calls ``function`` with these and those."""

    @functools.wraps(function)
    def wrapper(environ, start_response):
        return function(*args, environ, start_response)

    return wrapper


def answers(function, *args):
    @functools.wraps(function)
    def wrapper(environ, start_response):
        return plain(start_response, function(*args))

    return wrapper


def with_an_argument(database, environ, start_response):
    return database(environ, start_response)


def without_arguments():
    return "well"


def with_optional_arguments(config=None, debug=False):
    return "well"


def with_one(request):
    return "well"


argument_added = calls(with_an_argument, wsgi)
arguments_removed = answers(without_arguments)
optional_arguments_removed = answers(with_optional_arguments)
request_only = answers(with_one, "request")


@functools.wraps(two_arguments)
def asynchronous_inside(environ, start_response):
    return asyncio.run(two_arguments(environ, start_response))


class Wrapper:
    def __init__(self, function):
        functools.update_wrapper(self, function)

    def __call__(self, environ, start_response):
        return self.__wrapped__(wsgi, environ, start_response)


wrapper_object = Wrapper(with_an_argument)


class WrappedCall:
    @functools.wraps(without_arguments)
    def __call__(self, environ, start_response):
        return wsgi(environ, start_response)


wrapped_call = WrappedCall()


def with_a_signature(*args):
    return wsgi(*args)


# For tools that read it, as injecting frameworks set it.
with_a_signature.__signature__ = inspect.signature(with_one)


# Its ``__class__`` and all else is the other's; what it is called with is its own matter.
class Transparent:
    def __init__(self, function):
        self.function = function

    def __getattr__(self, name):
        return getattr(self.function, name)

    __class__ = property(lambda self: type(self.function))

    def __call__(self, environ, start_response):
        return asyncio.run(self.function(environ, start_response))


transparent = Transparent(two_arguments)
proxy = LocalProxy(lambda: instance)


class MadeByItsClass(type):
    def __call__(cls, *args):
        return wsgi(*args)


class Made(Application, metaclass=MadeByItsClass):
    def __init__(self, one):
        pass


class AnotherIsMade(Application):
    def __new__(cls, environ, start_response):
        return wsgi(environ, start_response)


def tornados():
    from tornado.web import Application

    return Application()
