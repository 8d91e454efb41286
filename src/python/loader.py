"""Finds a WSGI application by its name. Run once in a worker, by loader.rs."""

import ast
import importlib
import inspect


class NoApplication(Exception):
    """There is no application of this name; the text says what to do."""


def load(spec):
    """The application that ``spec`` names: ``mod``, ``mod:var``, ``mod:factory("literal", k=1)``."""
    module_name, _, expression = spec.partition(":")
    name, args, kwargs = parse(expression or "application", spec)
    module = importlib.import_module(module_name)
    try:
        found = getattr(module, name)
    except AttributeError:
        raise NoApplication(
            f"the module {module_name!r} has no {name!r}: name the application's variable, "
            f"as in {module_name}:app"
        ) from None
    if args is not None:
        found = found(*args, **kwargs)
    if found is None:
        raise NoApplication(f"{spec!r} is None: no application")
    if not callable(found):
        raise NoApplication(f"{spec!r} is {type(found).__name__}, which cannot be called")
    check(found, spec, f"{module_name}:{name}()")
    return found


ASGI = (
    "{spec!r} is an ASGI application, and unicoro serves WSGI: name the WSGI application of the "
    "framework, as Django's wsgi.py has one, or wrap it: a2wsgi.ASGIMiddleware(app)"
)
FACTORY = (
    "{spec!r} does not take the two arguments of a WSGI application (environ, start_response); "
    "if it makes one, let it be called: {called!r}"
)


def check(found, spec, called):
    """Refuses what every request would fail with. Where nothing is certain it is an application."""
    if is_asynchronous(found):
        raise NoApplication(ASGI.format(spec=spec))
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        return
    if takes(signature, 3) and not takes(signature, 2):
        raise NoApplication(ASGI.format(spec=spec))
    if not takes(signature, 2) or is_factory(found, signature):
        raise NoApplication(FACTORY.format(spec=spec, called=called))


def is_asynchronous(found):
    # A class is ASGI 2 if what it makes is called asynchronously.
    calls = getattr(type(found), "__call__", None) if not inspect.isclass(found) else found.__call__
    return any(
        inspect.iscoroutinefunction(inspect.unwrap(function))
        for function in (found, calls)
        if callable(function)
    )


def takes(signature, count):
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def is_factory(found, signature):
    """Whether nothing that a function takes must be given, and nothing is named as WSGI does."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [name for name, each in signature.parameters.items() if each.kind in kinds]
    is_optional = takes(signature, 0) and len(names) >= 2
    return inspect.isfunction(found) and is_optional and not names[0].startswith("env")


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
