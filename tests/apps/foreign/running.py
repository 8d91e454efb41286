"""Runs one module of CPython's tests in the calling thread, and writes what comes out, test by test.

Each line of the file is JSON: `[test, null, ""]` when a test begins, `[test, outcome, details]` when it
has ended, `[null, "ok", ""]` at the end of the module. A process that dies leaves a test that
began and did not end.
"""

import contextlib
import fnmatch
import json
import os
import threading
import traceback
import unittest

from test import support
from test.support import os_helper

# Not: urlfetch, gui, audio, largefile, tzdata; and network only for those that mean this machine.
RESOURCES = ["cpu", "decimal", "subprocess", "walltime"]
OF_THIS_MACHINE = ["test_socketserver"]
LOADING = threading.Lock()
TESTFN = os_helper.TESTFN
TRIES = 5  # of a line


class Outcomes(unittest.TestResult):
    def __init__(self, path):
        super().__init__()
        self.path = path
        self.outcome = None

    def write(self, *line):
        # Opened for each line: there are tests that close every descriptor, and tests that fork. And some that close
        # one twice (test_fileio), which may be this one the second time.
        for _ in range(TRIES):
            with contextlib.suppress(OSError):
                with open(self.path, "a", encoding="utf-8", errors="backslashreplace") as file:
                    file.write(json.dumps(line) + "\n")
                return
        raise OSError(f"{self.path} cannot be written")

    def startTest(self, test):
        super().startTest(test)
        self.outcome = None
        self.write(test.id(), None, "")

    def stopTest(self, test):
        super().stopTest(test)
        self.write(test.id(), *(self.outcome or ("ok", "")))

    def note(self, test, outcome, details):
        if self.outcome is None or self.outcome[0] != "failed":
            self.outcome = (outcome, details)
        if not isinstance(test, unittest.TestCase):
            # setUpClass, setUpModule and their like have no start and no stop.
            self.write(test.id(), outcome, details)

    def addSkip(self, test, reason):
        self.note(test, "skipped", reason)

    def addError(self, test, error):
        self.note(test, "failed", "".join(traceback.format_exception(*error)))

    addFailure = addError

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.note(test, "failed", f"{subtest}\n{''.join(traceback.format_exception(*error))}")

    def addExpectedFailure(self, test, error):
        self.note(test, "ok", "")

    def addUnexpectedSuccess(self, test):
        self.note(test, "failed", "succeeds unexpectedly")


def run(module):
    outcomes = Outcomes(os.path.join(os.environ["FOREIGN_OUTCOMES"], f"{module}.outcomes"))
    try:
        suite = load(module)
    except unittest.SkipTest as skipped:
        outcomes.write(module, "skipped", str(skipped))
    except BaseException:
        outcomes.write(module, "failed", traceback.format_exc())
    else:
        leave_out(suite, os.environ.get("FOREIGN_LEFT_OUT", "").split("\n"))
        suite.run(outcomes)
    outcomes.write(None, "ok", "")


def load(module):
    """The tests of a module of `test`, or of one of ours; a class or a test by its dotted name."""
    name = module if module.startswith("foreign.") else f"test.{module}"
    # The names of files that tests make: modules that run at once have their own.
    with LOADING:
        support.use_resources = RESOURCES + ["network"] * (module in OF_THIS_MACHINE)
        os_helper.TESTFN = f"{TESTFN}-{module}"
        return unittest.defaultTestLoader.loadTestsFromName(name)


def leave_out(suite, patterns):
    """Takes the tests out of the suite whose names match: what is excused is not run at all."""
    for position, test in enumerate(suite):
        if isinstance(test, unittest.TestSuite):
            leave_out(test, patterns)
        elif any(fnmatch.fnmatchcase(test.id(), pattern) for pattern in patterns):
            suite._tests[position] = unittest.TestSuite()
