"""Views that look at who they are: every request is a thread to CPython. Each answers "right", or
says what was wrong."""

import asyncio
import atexit
import contextvars
import ctypes
import faulthandler
import importlib
import os
import queue
import signal
import sqlite3
import sys
import tempfile
import threading
import time

from notes import note, plain

VIEWS = {}


def view(function):
    VIEWS[function.__name__] = function
    return function


def wrong_unless(**claims):
    """The claims that do not hold."""
    return "right" if all(claims.values()) else str({k: v for k, v in claims.items() if not v})


# At import, as applications do --------------------------------------------------------------------

signal.signal(signal.SIGALRM, lambda number, frame: note(
    f"signal {number} in {threading.current_thread().name}"))
atexit.register(note, "atexit has run")


@view
def alarm(number):
    os.kill(os.getpid(), signal.SIGALRM)
    return "right"


@view
def nothing(number):
    return "right"


# Threads ------------------------------------------------------------------------------------------


@view
def thread(number):
    ours = threading.current_thread()
    ours.mark = number
    identity = threading.get_ident()
    time.sleep(0.2)
    return wrong_unless(
        ident_stays=threading.get_ident() == identity,
        thread_stays=threading.current_thread() is ours,
        mark_stays=ours.mark == number,
        thread_has_our_ident=ours.ident == identity,
        is_alive=ours.is_alive(),
        is_listed=ours in threading.enumerate(),
        is_not_main=ours is not threading.main_thread(),
        is_no_daemon_of_ours=threading.main_thread().is_alive(),
        native_id=threading.get_native_id() > 0,
    )


@view
def count_threads(most):
    # The main thread, this request, and one for each green thread that there ever was at once.
    known = len(threading.enumerate())
    return wrong_unless(few=known <= most + 2)


@view
def signal_outside_main_thread(number):
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    except ValueError:
        return "right"
    return "set"


@view
def lock_of_another(number):
    # A Lock may be released by another thread, an RLock may not.
    own, other = threading.Lock(), threading.RLock()
    own.acquire()
    failed = []

    def stranger():
        own.release()
        try:
            other.release()
        except RuntimeError:
            failed.append(True)

    with other:
        helper = threading.Thread(target=stranger)
        helper.start()
        helper.join()
    return wrong_unless(lock_is_free=own.acquire(timeout=1), stranger_failed=failed)


@view
def current_frames(number):
    # Beside others that wait in the same view: each is seen, with its own local variable.
    time.sleep(0.3)
    seen = []
    for frame in sys._current_frames().values():
        while frame is not None:
            if frame.f_code.co_name == "current_frames":
                seen.append(frame.f_locals["number"])
            frame = frame.f_back
    own = sys._current_frames()[threading.get_ident()].f_code.co_name
    return wrong_unless(all_differ=len(seen) == len(set(seen)), own_frame=own == "current_frames",
                        sees_itself=number in seen)


@view
def wait_in_named_function(number):
    note("waiting")
    finish.wait(20)
    return "right"


finish = threading.Event()


@view
def finish_waiting(number):
    finish.set()
    return "right"


@view
def dump_of_faulthandler(number):
    with tempfile.TemporaryFile("w+") as dump:
        faulthandler.dump_traceback(dump, all_threads=True)
        dump.seek(0)
        text = dump.read()
    return wrong_unless(all_waiting=text.count("in wait_in_named_function") == 10,
                        itself="in dump_of_faulthandler" in text)


@view
def frames_of_waiting(number):
    names = []
    for frame in sys._current_frames().values():
        while frame is not None:
            names.append(frame.f_code.co_name)
            frame = frame.f_back
    return wrong_unless(all_waiting=names.count("wait_in_named_function") == 10)


class Stop(BaseException):
    pass


@view
def exception_in_one(number):
    # PyThreadState_SetAsyncExc goes by the identity: it must hit this request and no other.
    stop = number % 2 == 0
    ident = ctypes.c_ulong(threading.get_ident())
    raises = threading.Timer(0.2, ctypes.pythonapi.PyThreadState_SetAsyncExc,
                             [ident, ctypes.py_object(Stop)])
    try:
        # On a busy machine it raises before this has returned.
        if stop:
            raises.start()
        end = time.monotonic() + 1
        while time.monotonic() < end:
            time.sleep(0.01)
    except Stop:
        return "right" if stop else "hit the wrong one"
    return "not hit" if stop else "right"


hogs = []


@view
def hog_starts(number):
    # An OS thread that computes beside the requests, until it is told to stop.
    stop = threading.Event()

    def compute():
        while not stop.is_set():
            sum(range(1000))

    hogs.append(stop)
    threading.Thread(target=compute, daemon=True).start()
    return "right"


@view
def hog_stops(number):
    hogs.pop().set()
    return "right"


@view
def naps(number):
    for _ in range(10):
        time.sleep(0.01)
    return "right"


# What a thread has of its own ---------------------------------------------------------------------

local = threading.local()
variable = contextvars.ContextVar("variable", default="unset")


class Resource:
    def __del__(self):
        note("resource closed")


@view
def takes_resource(number):
    local.resource = Resource()
    time.sleep(0.1)
    return "right"


@view
def context(number):
    before = variable.get()
    variable.set(number)
    time.sleep(0.05)
    return wrong_unless(was_fresh=before == "unset", stays=variable.get() == number)


@view
def context_in_body(number):
    variable.set(number)

    def body():
        time.sleep(0.02)
        yield b"right" if variable.get() == number else b"another context in the body"

    return body()


@view
def running_loop(number):
    async def main():
        loop = asyncio.get_running_loop()
        time.sleep(0.05)  # blocks this loop, and lets others run with this loop running
        await asyncio.sleep(0.05)
        return asyncio.get_running_loop() is loop

    outside = asyncio._get_running_loop() is None
    time.sleep(0.02)
    return wrong_unless(none_outside=outside, stays=asyncio.run(main()),
                        none_after=asyncio._get_running_loop() is None)


shared = []


@view
def sqlite_thread_check(number):
    connection = sqlite3.connect(":memory:")
    time.sleep(0.1)
    connection.execute("select 1")  # ours, whatever has run in between
    failed = []

    def stranger():
        try:
            connection.execute("select 1")
        except sqlite3.ProgrammingError:
            failed.append(True)

    helper = threading.Thread(target=stranger)
    helper.start()
    helper.join()
    connection.close()
    return wrong_unless(stranger_failed=failed)


@view
def sqlite_of_another_request(number):
    # Two at once: the first shares its connection and waits, the second must not have it.
    if not shared:
        shared.append(sqlite3.connect(":memory:"))
        finish.wait(20)
        shared[0].execute("select 1")
        return "right"
    try:
        shared[0].execute("select 1")
        return "used it"
    except sqlite3.ProgrammingError:
        return "right"
    finally:
        finish.set()


@view
def decimal_context(number):
    import decimal

    decimal.getcontext().prec = number + 5
    time.sleep(0.1)
    digits = len(str(decimal.Decimal(1) / 3)) - 2
    return wrong_unless(own_precision=digits == number + 5)


# Locks of the interpreter -------------------------------------------------------------------------


@view
def slow_import(number):
    module = importlib.import_module("slow_to_import")
    return wrong_unless(is_whole=getattr(module, "last_line", None) == "reached")


@view
def buffered_writer(number):
    # A pipe that is read slowly, so that a flush waits while others want to write.
    buffered.write(b"%03d\n" % number * 2000)
    buffered.flush()
    return "right"


def read_slowly():
    read = bytearray()
    while len(read) < 4 * 2000 * 20:
        read += os.read(reader, 4096)
        time.sleep(0.002)
    lines = read.decode().split()
    runs = 1 + sum(before != after for before, after in zip(lines, lines[1:]))
    note(f"read {len(lines)} lines of {len(set(lines))} in {runs} runs")


reader, writer = os.pipe()
buffered = os.fdopen(writer, "wb", 1000)


@view
def buffered_writer_starts(number):
    threading.Thread(target=read_slowly, daemon=True).start()
    return "right"


# Callbacks out of C -------------------------------------------------------------------------------

Compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))


@view
def ctypes_callback(number):
    identities = set()

    def compare(left, right):
        identities.add(threading.get_ident())
        time.sleep(0.02)
        return left[0] - right[0]

    values = (ctypes.c_int * 5)(*(number + step for step in (3, 1, 4, 0, 2)))
    ctypes.CDLL(None).qsort(values, 5, ctypes.sizeof(ctypes.c_int), Compare(compare))
    return wrong_unless(sorted=list(values) == list(range(number, number + 5)),
                        one_thread=identities == {threading.get_ident()})


@view
def nested_ctypes_callback(number):
    depth = []

    def compare(left, right):
        time.sleep(0.01)
        if len(depth) < 5:
            depth.append(number)
            inner()
        return left[0] - right[0]

    def inner():
        values = (ctypes.c_int * 2)(2, 1)
        ctypes.CDLL(None).qsort(values, 2, ctypes.sizeof(ctypes.c_int), Compare(compare))
        return list(values)

    return wrong_unless(sorted=inner() == [1, 2], nested=depth == [number] * 5)


@view
def cffi_callback(number):
    from cffi import FFI

    ffi = FFI()
    ffi.cdef("void qsort(void *, size_t, size_t, int (*)(const void *, const void *));")

    @ffi.callback("int(const void *, const void *)")
    def compare(left, right):
        time.sleep(0.02)
        return ffi.cast("int *", left)[0] - ffi.cast("int *", right)[0]

    values = ffi.new("int[]", [number + step for step in (3, 1, 4, 0, 2)])
    ffi.dlopen(None).qsort(values, 5, ffi.sizeof("int"), compare)
    return wrong_unless(sorted=list(values) == list(range(number, number + 5)))


@view
def ctypes_sleep(number):
    # A C function of the application that blocks: ctypes lets go of the interpreter lock.
    return wrong_unless(slept=ctypes.CDLL(None).usleep(300_000) == 0)


# Processes ----------------------------------------------------------------------------------------


@view
def fork_and_exit(number):
    child = os.fork()
    if child == 0:
        time.sleep(0.1)
        os._exit(number % 100)
    return wrong_unless(status=os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == number % 100)


@view
def fork_and_return(number):
    # The child comes back out of the application: the client must not be answered twice.
    child = os.fork()
    if child == 0:
        return "wrong: the child answered"
    os.waitpid(child, 0)
    return "right"


@view
def fork_and_raise(number):
    child = os.fork()
    if child == 0:
        raise SystemExit(3)
    os.waitpid(child, 0)
    return "right"


@view
def fork_and_terminate(number):
    child = os.fork()
    if child == 0:
        time.sleep(20)
        os._exit(0)
    time.sleep(0.1)
    os.kill(child, signal.SIGTERM)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return wrong_unless(died_of_the_signal=status == -signal.SIGTERM)


@view
def fork_and_use_threads(number):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        answers = queue.Queue()
        helper = threading.Thread(target=lambda: (time.sleep(0.05), answers.put(b"from thread")))
        helper.start()
        os.write(writer, answers.get(timeout=5))
        helper.join()
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        text = said.read()
    os.waitpid(child, 0)
    return wrong_unless(child_worked=text == "from thread")


def double(value):
    time.sleep(0.05)
    return 2 * value


def with_multiprocessing(method, number):
    import multiprocessing

    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        doubled = pool.map(double, [number, number + 1])
    answers = context.Queue()
    child = context.Process(target=answers.put, args=(number,))
    child.start()
    answer = answers.get(timeout=20)
    child.join()
    # Not child.exitcode: with threads multiprocessing itself may miss it (under gunicorn too).
    return wrong_unless(pool=doubled == [2 * number, 2 * number + 2], queue=answer == number)


@view
def multiprocessing_fork(number):
    return with_multiprocessing("fork", number)


@view
def multiprocessing_spawn(number):
    return with_multiprocessing("spawn", number)


@view
def multiprocessing_forkserver(number):
    return with_multiprocessing("forkserver", number)


@view
def process_pool_executor(number):
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return wrong_unless(doubled=pool.submit(double, number).result(20) == 2 * number)


# asgiref, as Django's async views use it ----------------------------------------------------------


@view
def async_to_sync(number):
    import asgiref.sync

    async def inner():
        await asyncio.sleep(0.2)
        doubled = await asgiref.sync.sync_to_async(double)(number)
        apart = await asgiref.sync.sync_to_async(double, thread_sensitive=False)(number)
        return doubled == apart == 2 * number

    return wrong_unless(answer=asgiref.sync.async_to_sync(inner)())


@view
def async_generator(number):
    async def count():
        for step in range(3):
            await asyncio.sleep(0.02)
            yield number + step

    async def main():
        return [item async for item in count()]

    return wrong_unless(items=asyncio.run(main()) == [number, number + 1, number + 2])


def application(environ, start_response):
    answer = VIEWS[environ["PATH_INFO"].lstrip("/")](int(environ["QUERY_STRING"]))
    if isinstance(answer, str):
        return plain(start_response, answer)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return answer
