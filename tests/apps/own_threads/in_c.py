"""Functions of the library in $LIBRARY, each a view: called without the GIL, as extension modules do
their work, or with it if the name ends so.

A function takes the number and returns what is wrong, or NULL.
"""

import ctypes
import os
import time

from .views import Views, unless_equal

WITHOUT_GIL = ctypes.CDLL(os.environ["LIBRARY"])
WITH_GIL = ctypes.PyDLL(os.environ["LIBRARY"])
WITH_ERRNO = ctypes.CDLL(os.environ["LIBRARY"], use_errno=True)


class Functions(Views):
    def find(self, name):
        if name in self.views:
            return self.views[name]
        function = (WITH_GIL if name.endswith("with_gil") else WITHOUT_GIL)[name]
        function.restype = ctypes.c_char_p
        return lambda number: (function(number) or b"").decode()


application = Functions()


@application.view
def from_call_to_call(number):
    """Set in one call and read in the next, and Python waits in between."""
    WITHOUT_GIL.set_all(number)
    for _ in range(3):
        time.sleep(0.001)
        found = WITHOUT_GIL.common_number()
        if found != number:
            break
    WITHOUT_GIL.set_all(0)
    return unless_equal(found, number)


@application.view
def errno_of_ctypes(number):
    WITH_ERRNO.fail_with(number)
    time.sleep(0.001)
    return unless_equal(ctypes.get_errno(), number)


@application.view
def errno_of_cffi(number):
    ffi, library = of_cffi()
    library.fail_with(number)
    found = ffi.errno
    ffi.errno = number + 1
    time.sleep(0.001)
    return unless_equal((found, ffi.errno), (number, number + 1))


def of_cffi(made=[]):
    if not made:
        import cffi

        ffi = cffi.FFI()
        ffi.cdef("void fail_with(int number);")
        made.append((ffi, ffi.dlopen(os.environ["LIBRARY"])))
    return made[0]
