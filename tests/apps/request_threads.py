"""What `threading` says of the thread that a request runs on, and what that thread starts."""

import ctypes
import multiprocessing
import os
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


def seen_view(query):
    time.sleep(0.01)
    return "seen"


def was_seen(query):
    found = {(name, event) for _, name, event in traced}
    return " ".join(sorted(f"{name}:{event}" for name, event in found))


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
    threading.Thread(target=ask, daemon=True).start()
    return "asked"


@ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
def called(argument):
    where = "main" if threading.current_thread() is threading.main_thread() else "other"
    note(f"called by the {where} thread")
    return 0


def ask():
    time.sleep(0.3)
    for _ in range(5):
        assert ctypes.pythonapi.Py_AddPendingCall(called, None) == 0


def application(environ, start_response):
    view = globals()[environ["PATH_INFO"].lstrip("/")]
    return plain(start_response, view(environ["QUERY_STRING"]))
