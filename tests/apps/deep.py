"""What comes near the end of the stack, and what goes beyond."""

import ctypes

from notes import plain

libc = ctypes.CDLL(None)
libc.pthread_self.restype = ctypes.c_ulong


def lowest_address():
    """Of the stack of the green thread that calls."""
    attributes = ctypes.create_string_buffer(64)
    libc.pthread_getattr_np(ctypes.c_ulong(libc.pthread_self()), attributes)
    start, size = ctypes.c_void_p(), ctypes.c_size_t()
    libc.pthread_attr_getstack(attributes, ctypes.byref(start), ctypes.byref(size))
    libc.pthread_attr_destroy(attributes)
    return start.value


def touch_the_end(environ):
    """Writes to the lowest words of the stack, as a recursion does that just fits."""
    ctypes.memset(lowest_address(), 0, 64)
    return "touched"


def overflow(environ):
    """The first write beyond it. CPython bounds a recursion itself since 3.12, C code does not."""
    ctypes.memset(lowest_address() - 64, 0, 64)
    return "too much stack"


def recurse(environ):
    """Deeper in C than any stack is."""
    nested = []
    for _ in range(100_000):
        nested = [nested]
    try:
        return f"{len(repr(nested))} characters"
    except RecursionError:
        return "refused"


def free(environ):
    """CPython 3.14 puts containers aside where it takes the stack for a full one."""
    freed = []

    class Container(list):
        def __del__(self):
            freed.append(len(self))

    for _ in range(1000):
        Container([[]])
    return f"{len(freed)} freed"


def hello(environ):
    return "hello"


views = {view.__name__: view for view in (touch_the_end, overflow, recurse, free, hello)}


def application(environ, start_response):
    return plain(start_response, views[environ["PATH_INFO"].lstrip("/")](environ))
