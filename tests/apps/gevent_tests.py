"""Runs a module of gevent's own tests where it is called: in a request (``/gevent.tests.test__pool``),
or, as a command, in a plain thread of a process of its own. Answers with a line for each test:
its outcome and its name; then with what failed.
"""

import io
import sys
import threading
import unittest


class Result(unittest.TextTestResult):
    def startTestRun(self):
        self.outcomes = {}

    def addSuccess(self, test):
        self.outcomes.setdefault(test.id(), "ok")

    def addSkip(self, test, reason):
        self.outcomes[test.id()] = "skipped"

    def addExpectedFailure(self, test, error):
        self.outcomes[test.id()] = "ok"

    def addUnexpectedSuccess(self, test):
        self.outcomes[test.id()] = "failed"

    def addFailure(self, test, error):
        self.outcomes[test.id()] = "failed"
        super().addFailure(test, error)

    def addError(self, test, error):
        self.outcomes[test.id()] = "failed"
        super().addError(test, error)

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.outcomes[test.id()] = "failed"
        super().addSubTest(test, subtest, error)


def run(name, selected=""):
    """The tests of the module whose name has ``selected``."""
    details = io.StringIO()
    suite = unittest.defaultTestLoader.loadTestsFromName(name)
    chosen = unittest.TestSuite(test for test in each(suite) if selected in test.id())
    runner = unittest.TextTestRunner(details, resultclass=Result, verbosity=0)
    result = runner.run(chosen)
    lines = [f"{outcome} {test}\n" for test, outcome in sorted(result.outcomes.items())]
    return "".join(lines) + details.getvalue()


def each(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from each(test)
        else:
            yield test


def application(environ, start_response):
    body = run(environ["PATH_INFO"].strip("/"), environ["QUERY_STRING"]).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def without_patching():
    """As in a request, where patching does nothing. gevent takes the thread that imports it for the
    main one, whose loop may have child watchers."""
    from gevent import monkey

    for name in dir(monkey):
        if name.startswith("patch_"):
            setattr(monkey, name, lambda *args, **kwargs: True)
    print(run(*sys.argv[1:]))


if __name__ == "__main__":
    thread = threading.Thread(target=without_patching)
    thread.start()
    thread.join()
