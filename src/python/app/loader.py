"""Finds an application by its name, and knows what it speaks. Run by loader.rs, each time that one is loaded,
behind hints.py and among its names.
"""

import ast
import functools
import importlib
import inspect
import os
import traceback


class NoApplication(Exception):
    """There is no application of this name; the text says what to do."""


def load(spec, interface, worker_class):
    """The application that ``spec`` names: ``mod``, ``mod:var``, ``mod:factory("literal", k=1)``. It speaks
    ``interface``: ``wsgi``, ``asgi``, or whatever it is (``auto``)."""
    module_name, _, expression = spec.partition(":")
    if not module_name:
        raise NoApplication(f"{spec!r} has no module before the colon: write MODULE:VARIABLE, as in app:app")
    name, args, kwargs = parse(expression or "application", spec)
    if "/" in module_name or module_name.startswith("."):
        hint = module_of_path(module_name, expression)
        raise MisnamedModule(f"{module_name!r} is the path of a file, and no module's name: {hint}")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise error_of_name(error, module_name, expression) from None
    try:
        found = getattr(module, name)
    except AttributeError:
        raise NoApplication(
            f"the module {module_name!r} has no {name!r}: {variable_of(module_name, module)}"
        ) from None
    if args is not None:
        found = found(*args, **kwargs)
    if found is None:
        raise NoApplication(f"{spec!r} is None: no application")
    if not callable(found):
        raise NoApplication(f"{spec!r} is {type(found).__name__}, which cannot be called")
    if interface == "asgi" or interface == "auto" and is_asgi(found):
        if worker_class != "coroutine":
            raise NoApplication(OTHER_ENGINE.format(spec=spec, worker_class=worker_class))
        if interface == "asgi":
            check(found, spec, f"{module_name}:{name}()", fault_for_asgi)
    else:
        check(found, spec, f"{module_name}:{name}()")
    return found


def error_of_name(error, module_name, expression):
    """The same error, if it is not about the application's name."""
    if not f"{module_name}.".startswith(f"{error.name}."):
        return error
    text = str(error)
    package, _, last = module_name.rpartition(".")
    if last == "py":
        text += f": {module_of_path(module_name, expression)}"
    elif text.endswith("is not a package") and not expression:
        text += f": did you mean {package}:{last}?"
    else:
        text += f": neither in {os.getcwd()} (chdir), pythonpath nor the environment\n{environment()}"
    return MisnamedModule(text, name=error.name)


def describe(error):
    """What went wrong while it was loaded: the traceback, as far as it is the application's, and of a
    module that is missing, where it was looked for."""
    if isinstance(error, MisnamedModule):
        return f"ModuleNotFoundError: {error}"
    steps = error.__traceback__
    while steps is not None and is_before_application(steps.tb_frame):
        steps = steps.tb_next
    lines = traceback.format_exception(type(error), error, steps)
    if isinstance(error, ModuleNotFoundError):
        lines.append(environment())
    return "".join(lines).rstrip()


def is_before_application(frame):
    place = frame.f_code.co_filename
    return frame.f_globals is globals() or place == importlib.__file__ or place.startswith("<frozen importlib")


OTHER_ENGINE = (
    "{spec!r} is an ASGI application, which -k {worker_class} does not serve: use -k coroutine, or name the WSGI "
    "application of the framework, as Django's wsgi.py has one"
)
ASGI_2 = (
    "{spec!r} is asynchronous and takes other arguments than ASGI 3 (scope, receive, send); an application of "
    "ASGI 2 is wrapped: asgiref.compatibility.guarantee_single_callable(app)"
)
NO_ASGI = (
    "{spec!r} takes two arguments, as a WSGI application does, and is to be served as ASGI 3: leave --interface asgi or "
    "the worker class that means it out, or wrap it: unicoro.wsgi_to_asgi(app)"
)
MAYBE_ASGI = (
    "{spec!r} takes three arguments, as an ASGI application does, and is not asynchronous itself: if it is one, "
    "write --interface asgi"
)
FACTORY = (
    "{spec!r} does not answer the two arguments of a WSGI application (environ, start_response); "
    "if it makes one, let it be called: {called!r}"
)
FACTORY_OF_ASGI = (
    "{spec!r} does not answer the three arguments of an ASGI application (scope, receive, send); "
    "if it makes one, let it be called: {called!r}"
)

TORNADO = (
    "{spec!r} is an application of tornado's, which is neither WSGI nor ASGI: run it by tornado's own server "
    "(app.listen within asyncio.run), or name a WSGI or ASGI application"
)

CACHED = type(functools.cache(len))
ASYNCHRONOUS = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def check(found, spec, called, find_fault=None):
    """Refuses what would certainly fail every request. All else starts, as with gunicorn."""
    try:
        fault = (find_fault or fault_of)(found)
    except Exception:
        # A signature that is none, or a proxy of what is there in a request only.
        return
    if fault:
        raise NoApplication(fault.format(spec=spec, called=called))


def fault_of(found):
    """What is certainly wrong. What a decorator has wrapped is not asked: who knows how it is called."""
    while type(found) is CACHED:
        found = found.__wrapped__
    is_class = inspect.isclass(found)
    if not is_class and is_tornados(found):
        return TORNADO
    calls = (found if is_class else type(found)).__call__
    if not (says_what_it_is(found) and says_what_it_is(calls)):
        return None
    if is_class:
        return fault_of_instances(found) or fault_of_signature(found)
    if is_asynchronous(found) or is_asynchronous(calls):
        return ASGI_2
    return fault_of_signature(found)


def fault_for_asgi(found):
    """Of what is to be served as ASGI 3: what certainly is something else."""
    calls = (found if inspect.isclass(found) else type(found)).__call__
    if not (says_what_it_is(found) and says_what_it_is(calls)) or inspect.ismemberdescriptor(calls):
        return None
    if inspect.isclass(found):
        return fault_of_instances(found) if fault_of_instances(found) is ASGI_2 else None
    signature = inspect.signature(found, follow_wrapped=False)
    if is_factory(found, signature):
        return FACTORY_OF_ASGI
    if takes(signature, 3):
        return None
    if is_asynchronous(found) or is_asynchronous(calls) or takes(signature, 1):
        return ASGI_2
    return NO_ASGI if takes(signature, 2) else FACTORY_OF_ASGI


def says_what_it_is(found):
    """Not so proxies, and what has set a signature for others to read."""
    return found.__class__ is type(found) and not hasattr(found, "__signature__")


def is_tornados(found):
    classes = type(found).__mro__
    return any(known.__module__ == "tornado.web" and known.__name__ == "Application" for known in classes)


def is_asynchronous(function):
    return getattr(getattr(function, "__code__", None), "co_flags", 0) & ASYNCHRONOUS


def fault_of_instances(found):
    """Of a class: a call makes an instance, which must be the iterable answer."""
    is_made = type(found).__call__ is type.__call__ and found.__new__ is object.__new__
    if not is_made or hasattr(found, "__iter__") or hasattr(found, "__getitem__"):
        return None
    return ASGI_2 if is_asynchronous(found.__call__) else FACTORY


def fault_of_signature(found):
    signature = inspect.signature(found, follow_wrapped=False)
    if takes(signature, 2):
        return FACTORY if is_factory(found, signature) else None
    return MAYBE_ASGI if takes(signature, 3) else FACTORY


def speaks(found, interface):
    """``asgi`` or ``wsgi``."""
    return "asgi" if interface == "asgi" or interface == "auto" and is_asgi(found) else "wsgi"


def is_asgi(found):
    """Whether it is certainly an application of ASGI 3. Of a proxy nobody asks."""
    try:
        whole = found
        while isinstance(found, functools.partial):
            found = found.func
        if inspect.isclass(found) or found.__class__ is not type(found):
            return False
        calls = type(found).__call__
        if inspect.ismemberdescriptor(calls):
            # A slot, as sentry's middleware has it: each instance has its own.
            calls = found.__call__
            whole = calls if whole is found else whole
        is_coroutine = inspect.iscoroutinefunction(found) or inspect.iscoroutinefunction(calls)
        return is_coroutine and takes(inspect.signature(whole, follow_wrapped=False), 3)
    except Exception:
        return False


def takes(signature, count):
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def is_factory(found, signature):
    """By its name, if nothing that it takes must be given, and it does not take just anything."""
    is_named = inspect.isfunction(found) and found.__name__ in FACTORIES
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    return is_named and takes(signature, 0) and inspect.Parameter.VAR_POSITIONAL not in kinds


def parse(expression, spec):
    """A name, and the arguments if it is a call."""
    try:
        tree = ast.parse(expression, mode="eval").body
        if isinstance(tree, ast.Name):
            return tree.id, None, None
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
            args = [ast.literal_eval(arg) for arg in tree.args]
            kwargs = {key.arg: ast.literal_eval(key.value) for key in tree.keywords}
            return tree.func.id, args, kwargs
    except (SyntaxError, ValueError):
        pass
    raise NoApplication(
        f"{spec!r} does not name an application: after the colon comes a variable, "
        "or a call of a function with literal arguments"
    )
