"""Runs a module of gevent's own tests where it is called: in a request, or, as a command, in a plain
thread of a process of its own. Answers with a line for each test, its outcome and its name, and with
why it failed. ``?Class.one,two`` runs the tests of these names, ``?-Class.one,two`` the others.
"""

import sys
import threading
import unittest

if __name__ != "__main__":
    import gevent  # as applications do, in the main thread


def tests_of(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_of(test)
        else:
            yield test


def run(module, choice=""):
    names = tuple(f".{name}" for name in choice.removeprefix("-").split(","))
    for test in tests_of(unittest.defaultTestLoader.loadTestsFromName(module)):
        if choice and test.id().endswith(names) is choice.startswith("-"):
            continue
        result = unittest.TestResult()
        unittest.TestSuite([test]).run(result)
        outcome = "skipped" if result.skipped else "ok" if result.wasSuccessful() else "failed"
        yield f"{outcome} {test.id().removeprefix(module + '.')}\n"
        for _, trace in result.failures + result.errors:
            yield "".join(f"  {line}\n" for line in trace.splitlines())


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    lines = run(environ["PATH_INFO"].strip("/"), environ["QUERY_STRING"])
    return (line.encode() for line in lines)


def without_patching():
    """As in a request, where patching does nothing. gevent takes the thread that imports it for the
    main one, whose loop may have child watchers."""
    from gevent import monkey

    for name in dir(monkey):
        if name.startswith("patch_"):
            setattr(monkey, name, lambda *args, **kwargs: True)
    for line in run(*sys.argv[1:]):
        print(line, end="", flush=True)


if __name__ == "__main__":
    thread = threading.Thread(target=without_patching)
    thread.start()
    thread.join()
