"""Finds a WSGI application by its name. Run once in a worker, by loader.rs."""

import ast
import importlib


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
    return found


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
