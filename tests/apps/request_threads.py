"""What `threading` says of the thread that a request runs on, and what that thread starts."""

import _thread
import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time

from notes import note, plain

traced = set()


def trace(frame, event, argument):
    if frame.f_code.co_name.startswith("seen_"):
        traced.add((threading.get_ident(), frame.f_code.co_name, event))
    return None


threading.settrace(trace)
threading.setprofile(trace)


def facts(query):
    """What is wrong about the thread object, or "right"."""
    thread = threading.current_thread()
    expected = {
        "daemon": (thread.daemon, False),
        "dummy": (isinstance(thread, threading._DummyThread), False),
        "thread": (isinstance(thread, threading.Thread), True),
        "ident": (thread.ident, threading.get_ident()),
        "native id": (thread.native_id, threading.get_native_id()),
        "alive": (thread.is_alive(), True),
        "listed": (thread in threading.enumerate(), True),
        "lasts": (threading.current_thread() is thread, True),
        "named": (thread.name.startswith("Dummy"), False),
        "child": (threading.Thread().daemon, False),
    }
    wrong = {name: pair for name, pair in expected.items() if pair[0] != pair[1]}
    try:
        thread.join()
        wrong["join"] = "waits"
    except RuntimeError:
        pass
    time.sleep(0.05)
    if threading.current_thread() is not thread:
        wrong["after a wait"] = threading.current_thread()
    return repr(wrong) if wrong else "right"


def name(query):
    time.sleep(0.05)
    return threading.current_thread().name


def count(query):
    return str(sum(thread.name.startswith("request-") for thread in threading.enumerate()))


def join_another(query):
    """A thread of the application's waits for the end of the request's, which does not end now."""
    thread = threading.current_thread()
    joined = []
    waiting = threading.Thread(target=lambda: joined.append(thread.join(0.05)), daemon=True)
    waiting.start()
    waiting.join()
    return f"{joined} {thread.is_alive()}"


def work(query):
    """Goes on after the response, and after the stop."""

    def run():
        path = os.path.join(os.environ["SCRATCH"], "go-on")
        while not os.path.exists(path):
            time.sleep(0.02)
        note("worked")

    # Before the interpreter waits for its threads.
    threading._register_atexit(note, "ending")
    threading.Thread(target=run).start()
    return "started"


def child():
    assert threading.current_thread() is threading.main_thread()
    assert threading.main_thread().is_alive()
    threading.Thread(target=note, args=("ran in the child",)).start()


def fork(query):
    threading.current_thread()
    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
    return str(process.exitcode)


def strangers(query):
    """Threads that threading has not started ask who they are, many at once."""
    answers = []
    all_asked = threading.Barrier(STRANGERS + 1)

    def ask_who():
        answers.append(type(threading.current_thread()).__name__)
        all_asked.wait()

    for _ in range(STRANGERS):
        _thread.start_new_thread(ask_who, ())
    all_asked.wait()
    return " ".join(sorted(set(answers)))


STRANGERS = 40


class AsksAtTheEnd:
    """What a thread has for itself asks who ends it, as one does that logs."""

    def __del__(self):
        note(f"ended on {type(threading.current_thread()).__name__}")


own = threading.local()


def leave_what_asks(query):
    own.kept = AsksAtTheEnd()
    time.sleep(0.05)
    return "left"


def strangers_in_a_child(query):
    """While others run requests: what the child starts may be where their threads were."""
    time.sleep(0.1)
    threading.current_thread()
    return in_a_child(lambda: strangers(query))


def in_a_child(run):
    """What it answers in a child that os.fork made."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(writer, ANSWER)
            os.write(ANSWER, run().encode())
        except BaseException as error:
            os.write(ANSWER, repr(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    status = os.waitpid(pid, 0)[1]
    with open(reader) as pipe:
        return pipe.read() or f"status {status}"


# A descriptor that nobody else has.
ANSWER = 1000


def interrupt_a_child(query):
    """Where every descriptor that the worker had is a file of the child's own."""

    def run():
        file = os.open(os.path.join(os.environ["SCRATCH"], "own"), os.O_RDWR | os.O_CREAT)
        for number in map(int, os.listdir("/proc/self/fd")):
            if number not in (0, 1, 2, file, ANSWER):
                os.dup2(file, number)
        signal.signal(signal.SIGUSR1, lambda *_: note("handled"))
        signal.raise_signal(signal.SIGUSR1)
        assert ctypes.pythonapi.Py_AddPendingCall(called, None) == 0
        for _ in range(1000):  # steps of Python, between which CPython makes it
            time.sleep(0)
        return f"{os.fstat(file).st_size} bytes"

    return in_a_child(run)


def seen_view(query):
    time.sleep(0.01)
    return "seen"


def was_seen(query):
    found = {(name, event) for _, name, event in traced}
    return " ".join(sorted(f"{name}:{event}" for name, event in found))


waiting = []
profiled = set()
is_profiled = threading.Event()


def can_profile_all(query):
    return "yes" if hasattr(threading, "setprofile_all_threads") else "no"


def wait_for_profiler(query):
    waiting.append(query)
    is_profiled.wait()
    here = threading.get_ident()
    in_progress()
    return "seen" if (here, "in_progress") in profiled else "not seen"


def in_progress():
    pass


def profile(frame, event, argument):
    profiled.add((threading.get_ident(), frame.f_code.co_name))


def count_waiting(query):
    return str(len(waiting))


def profile_all(query):
    threading.setprofile_all_threads(profile)
    is_profiled.set()
    return "set"


def make_greenlets(query):
    import greenlet

    threads = [threading.Thread(target=greenlet.getcurrent) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return "made"


def greenlets(query):
    import greenlet

    gc.collect()
    return str(sum(isinstance(found, greenlet.greenlet) for found in gc.get_objects()))


def trace_here(query):
    """One request traces; the others do not."""
    before = sys.gettrace()
    sys.settrace(trace if query == "on" else None)
    time.sleep(0.05)
    after = sys.gettrace()
    sys.settrace(before)
    return f"{after is trace}"


def pend(query):
    """A thread of the application's asks for calls by the main thread, when no request runs."""
    threading.Thread(target=ask, args=(None, query), daemon=True).start()
    return "asked"


@ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
def called(argument):
    where = "main" if threading.current_thread() is threading.main_thread() else "other"
    note(f"called by the {where} thread")
    return 0


def pend_behind_one_that_fails(query):
    threading.Thread(target=ask, args=(fails,), daemon=True).start()
    return "asked"


def pend_and_fork(query):
    """The child takes steps on its main thread, which is this one."""
    for _ in range(5):
        assert ctypes.pythonapi.Py_AddPendingCall(called, None) == 0
    child = os.fork()
    if not child:
        sum(1 for _ in range(1000))
        os._exit(0)
    return str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def collects(query):
    return str(gc.isenabled())


def pend_and_allocate(query):
    threading.Thread(target=ask, args=(ctypes.cast(allocates, ctypes.c_void_p),), daemon=True).start()
    return "asked"


@ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
def allocates(argument):
    before = [generation["collections"] for generation in gc.get_stats()]
    kept = [[] for _ in range(10_000)]
    collected = before != [generation["collections"] for generation in gc.get_stats()]
    note(f"{len(kept)} allocated, {collected}, {gc.isenabled()}")
    return 0


# PyObject_Length(NULL) raises.
fails = ctypes.cast(ctypes.pythonapi.PyObject_Length, ctypes.c_void_p)


def ask(first=None, says=""):
    time.sleep(0.3)
    if says:
        note(says)
    if first is not None:
        assert ctypes.pythonapi.Py_AddPendingCall(first, None) == 0
    for _ in range(5):
        assert ctypes.pythonapi.Py_AddPendingCall(called, None) == 0


signal.signal(signal.SIGALRM, lambda *_: note("an alarm"))

locals_ = threading.local()


class Kept:
    def __del__(self):
        note("let go")


def follow(query):
    """A thread that waits for the end of the one that this request runs on."""
    me = threading.current_thread()
    locals_.kept = Kept()

    def wait():
        me.join()
        note("followed")

    threading.Thread(target=wait).start()
    return "followed"


def application(environ, start_response):
    view = globals()[environ["PATH_INFO"].lstrip("/")]
    return plain(start_response, view(environ["QUERY_STRING"]))
