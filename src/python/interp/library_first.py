"""Which modules are the standard library's, whatever lies beside the application. Run by library_first.rs,
before the application's directories are in ``sys.path``.

gunicorn has imported these before it looks there, so an application with a ``token.py`` of its own does not
disturb it, nor what else imports ``token``. Here they are found in the library when somebody first wants
them: most of them nobody does.
"""

import sys
from _frozen_importlib_external import PathFinder

# What gunicorn 27 has imported (without what begins with an underscore or is built in), by CPython 3.10 to
# 3.14; and what files of ours import, with what that imports in its turn.
NAMES = frozenset(
    "_colorize abc argparse annotationlib array ast asyncio base64 binascii bisect bz2 calendar codecs collections "
    "concurrent contextlib contextvars copy copyreg csv datetime dis email encodings enum fcntl fnmatch functools "
    "genericpath gettext glob grp heapq html http importlib inspect io ipaddress json keyword linecache "
    "locale logging lzma math ntpath opcode operator os pathlib pickle platform posixpath pwd queue quopri "
    "random re reprlib select selectors shlex shutil signal socket socketserver sre_compile sre_constants sre_parse ssl stat string struct subprocess "
    "tempfile textwrap threading token tokenize traceback types typing unicodedata urllib uu warnings "
    "weakref zipfile zipimport zlib".split()
)


class LibraryFirst:
    """An entry of ``sys.meta_path``, before the one that looks through ``sys.path``."""

    def __init__(self, places):
        self.places = places

    def find_spec(self, name, path=None, target=None):
        if path is None and name in NAMES:
            return PathFinder.find_spec(name, self.places, target)
        return None


def begin():
    finders = sys.meta_path
    # A site's own may have replaced it.
    place = finders.index(PathFinder) if PathFinder in finders else len(finders)
    finders.insert(place, LibraryFirst(list(sys.path)))
