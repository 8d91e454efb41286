"""Threads, loops, greenlets and C that calls back: what belongs to a thread stays the request's."""

import asyncio
import contextvars
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

from .view import check, library


@library
def thread_locals():
    local = threading.local()
    variable = contextvars.ContextVar("variable")

    def view(token, rest):
        check(getattr(local, "token", None), None)
        local.token = token
        variable.set(token)
        for _ in range(4):
            rest()
            check((local.token, variable.get()), (token, token))
        del local.token

    return view


@library
def executor():
    pool = ThreadPoolExecutor(4)

    def view(token, rest):
        def work(number):
            rest()
            return f"{token}-{number}"

        check(list(pool.map(work, range(4))), [f"{token}-{number}" for number in range(4)])

    return view


@library
def asyncio_run():
    async def work(token, rest):
        await asyncio.sleep(rest.seconds / 2)
        return await asyncio.to_thread(lambda: (rest(), token)[1])

    async def all_work(token, rest):
        return await asyncio.gather(*(work(token, rest) for _ in range(3)))

    def view(token, rest):
        check(asyncio.run(all_work(token, rest)), [token] * 3)

    return view


@library
def programs():
    def view(token, rest):
        made = subprocess.run(["sh", "-c", f"read word; sleep {rest.seconds:.3f}; echo $word"],
                              input=token, stdout=subprocess.PIPE, text=True, check=True)
        check(made.stdout.strip(), token)

    return view


@library
def greenlet():
    import greenlet as greenlets

    def view(token, rest):
        home = greenlets.getcurrent()

        def work():
            for number in range(4):
                rest()
                home.switch(f"{token}-{number}")

        other = greenlets.greenlet(work)
        check([other.switch() for _ in range(4)], [f"{token}-{number}" for number in range(4)])
        check(greenlets.getcurrent() is home, True)
        other.throw()

    return view


@library
def gevent():
    import gevent
    from gevent import queue

    def view(token, rest):
        words = queue.Queue()

        def work(number):
            gevent.sleep(rest.seconds / 2)
            rest()
            words.put(f"{token}-{number}")

        gevent.joinall([gevent.spawn(work, number) for number in range(3)], raise_error=True)
        check(sorted(words.get() for _ in range(3)), [f"{token}-{number}" for number in range(3)])

    return view


@library
def ctypes():
    import ctypes

    C = ctypes.CDLL(None, use_errno=True)
    number = ctypes.POINTER(ctypes.c_int)
    compares = ctypes.CFUNCTYPE(ctypes.c_int, number, number)

    def view(token, rest):
        def compare(one, other):
            rest()
            return one[0] - other[0]

        ctypes.set_errno(int(token) % 100)
        numbers = (ctypes.c_int * 8)(*(int(token) * number % 101 for number in range(8)))
        wanted = sorted(numbers)
        C.qsort(numbers, 8, ctypes.sizeof(ctypes.c_int), compares(compare))
        check(list(numbers), wanted)
        check(ctypes.get_errno(), int(token) % 100)

    return view


@library
def cffi():
    import cffi as interface

    ffi = interface.FFI()
    ffi.cdef("void qsort(void *, size_t, size_t, int (*)(const void *, const void *));"
             "int close(int);")
    C = ffi.dlopen(None)

    def view(token, rest):
        @ffi.callback("int(const void *, const void *)")
        def compare(one, other):
            rest()
            return ffi.cast("int *", one)[0] - ffi.cast("int *", other)[0]

        numbers = ffi.new("int[]", [int(token) * number % 101 for number in range(8)])
        wanted = sorted(numbers)
        C.qsort(numbers, 8, 4, compare)
        check(list(numbers), wanted)
        C.close(-1)
        rest()
        check(ffi.errno, 9)

    return view
