"""What may be meant by a name that is not an application's, and which environment by a module that is not
there. Run by loader.rs, which provides ``START``, the directory that the server was started in.
"""

import ast
import os
import platform
import sys

# By which applications go, and Flask's own command finds a factory.
VARIABLES = ("application", "app", "wsgi", "asgi", "api")
FACTORIES = ("create_app", "make_app")


class MisnamedModule(ModuleNotFoundError):
    """The application's own module is not there, which needs no traceback."""


def module_of_path(path, expression):
    """What to write for ``dir/file.py``, ``./file``, ``package.file.py``."""
    file = path[:-3] if path.endswith(".py") else path
    if "/" in file or file.startswith("."):
        file = os.path.abspath(file)
    else:
        file = os.path.abspath(file.replace(".", "/"))
    directory, name = os.path.split(file)
    names = [] if name == "__init__" else [name]
    here = os.path.realpath(os.getcwd())
    known = variables_in(file + ".py")
    # Up to where the import begins: here, or what holds the outermost package.
    while os.path.realpath(directory) != here and is_above(here, directory, names):
        directory, name = os.path.split(directory)
        names.insert(0, name)
    options = "" if os.path.realpath(directory) == here else f"--chdir {directory} "
    return did_you_mean(options + ".".join(names), expression, known)


def is_above(here, directory, names):
    is_package = os.path.exists(os.path.join(directory, "__init__.py"))
    is_within = os.path.realpath(directory).startswith(os.path.join(here, ""))
    return directory != "/" and (is_within or is_package or not names)


def variables_in(path):
    """The names that a file gives to something, in its outermost code; None: nobody knows."""
    try:
        with open(path, "rb") as file:
            body = ast.parse(file.read()).body
    except (OSError, SyntaxError, ValueError):
        return None
    names = set()
    for statement in body:
        for target in getattr(statement, "targets", [getattr(statement, "target", None)]):
            names.add(getattr(target, "id", None))
        names.add(getattr(statement, "name", None))
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            names.update(alias.asname or alias.name for alias in statement.names)
    return names


def did_you_mean(module, expression, known):
    if expression and (known is None or expression.partition("(")[0] in known):
        return f"did you mean {module}:{expression}?"
    if known is not None and (found := first_of(known.__contains__)):
        is_said = expression or found != "application"
        return f"did you mean {module}:{found}?" if is_said else f"did you mean {module}?"
    return f"did you mean {module} (or {module}:app)?"


def variable_of(module_name, module):
    """What to write for a variable that is not there."""
    found = first_of(lambda name: callable(getattr(module, name, None)))
    if found:
        return f"did you mean {module_name}:{found}?"
    return f"name the application's variable, as in {module_name}:app"


def first_of(is_there):
    found = next(filter(is_there, VARIABLES), None)
    if found:
        return found
    factory = next(filter(is_there, FACTORIES), None)
    return factory and f"{factory}()"


def environment():
    """Which one is in use, and another that may be meant."""
    text = f"The environment is CPython {platform.python_version()}, {sys.prefix}."
    activated = os.environ.get("VIRTUAL_ENV")
    places = [(place, ".venv") for place in (os.getcwd(), START)]  # noqa: F821
    places += [(place, "venv") for place, _ in places]
    for found in filter(is_another, [activated, *(os.path.join(*place) for place in places)]):
        command = os.path.join(found, "bin", "unicoro")
        if os.path.exists(command):
            remedy = f"start {command}"
        else:
            remedy = "install unicoro there" if "unicoro._engine" in sys.modules else "activate it"
        which = ", which is activated, is" if found == activated else " is"
        return f"{text} {found}{which} another one: {remedy} if it is the application's."
    return text


def is_another(place):
    return bool(place) and os.path.exists(os.path.join(place, "pyvenv.cfg")) and not os.path.samefile(place, sys.prefix)
