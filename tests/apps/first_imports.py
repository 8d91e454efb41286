"""A thread that stands between two finders of sys.meta_path while a request imports logging first."""

import atexit  # noqa: F401: which logging imports while the thread has the lock of imports
import string
import sys
import threading
import time
import types

from notes import plain

stands = threading.Event()
found = []


class Slow:
    """Finds nothing, the last but one to be asked."""

    def find_spec(self, name, path=None, target=None):
        if name == "mailbox":
            stands.set()
            while sys.modules["logging"].__spec__._initializing:
                time.sleep(0.001)


def find():
    try:
        import mailbox

        found.append(mailbox.__name__)
    except ImportError as error:
        found.append(repr(error))


finding = threading.Thread(target=find)


class InTheMidst(types.ModuleType):
    """Stands for a module that logging imports: the thread begins while logging runs, because the
    finders are asked by one thread at a time."""

    def __getattr__(self, name):
        if finding.ident is None:
            finding.start()
            stands.wait()
        return getattr(string, name)


def application(environ, start_response):
    sys.meta_path.insert(len(sys.meta_path) - 1, Slow())
    sys.modules["string"] = InTheMidst("string")
    for name in [name for name in sys.modules if name.partition(".")[0] == "logging"]:
        del sys.modules[name]  # with gunicorn, which has imported it
    import logging

    found.append(logging.__name__)
    finding.join()
    return plain(start_response, " ".join(sorted(found)))
