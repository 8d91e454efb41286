"""More requests at once than the process has room for: of addresses, or of mappings."""

import ctypes
import mmap
import time

from notes import plain

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + 3 * [ctypes.c_int] + [ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]

PAGE = mmap.PAGESIZE
ANONYMOUS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


def sleep(environ):
    time.sleep(2)
    return "slept"


def nap(environ):
    time.sleep(0.2)
    return "slept"


def fill_mappings(environ):
    """Leaves room for as many mappings as the query says, by pages that differ from the next."""
    left = int(environ["QUERY_STRING"])
    with open("/proc/sys/vm/max_map_count") as file:
        most = int(file.read())
    with open("/proc/self/maps") as file:
        used = sum(1 for _ in file)
    pages = most - used - left
    start = libc.mmap(None, pages * PAGE, mmap.PROT_READ, ANONYMOUS | 0x4000, -1, 0)
    for page in range(0, pages, 2):
        if libc.mprotect(start + page * PAGE, PAGE, 0) != 0:
            raise OSError(ctypes.get_errno(), f"page {page} of {pages}")
    return "filled"


views = {view.__name__: view for view in (sleep, nap, fill_mappings)}


def app(environ, start_response):
    text = views[environ["PATH_INFO"].lstrip("/")](environ)
    return plain(start_response, text)


application = app
