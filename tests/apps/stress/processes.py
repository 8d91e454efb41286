"""Forks, programs, and OS threads that import extension modules."""

import importlib.machinery
import importlib.util
import itertools
import os
import shutil
import subprocess
import threading
import time

from .view import view

# Each is loaded anew from a copy, which for the linker is another library. They stay in memory.
MODULES = ["_bisect", "_csv", "_heapq", "_json", "_queue", "_random", "_struct", "zlib"]
MOST_COPIES = 100
COPIES = itertools.count()


@view
def fork(token, seconds):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, token.encode())
        os._exit(0)
    os.close(writing)
    try:
        received = b""
        while piece := os.read(reading, 100):
            received += piece
        return received.decode()
    finally:
        os.close(reading)
        os.waitpid(child, 0)


@view
def program(token, seconds):
    return subprocess.run(
        ["sh", "-c", f"sleep {seconds:.3f}; echo {token}"], stdout=subprocess.PIPE, text=True,
        check=True).stdout.strip()


def import_anew(number):
    name = MODULES[number % len(MODULES)]
    spec = importlib.util.find_spec(name)
    if not spec.has_location:
        return  # built in
    copy = os.path.join(os.environ["SCRATCH"], f"{name}-{os.getpid()}-{number}.so")
    shutil.copy(spec.origin, copy)
    try:
        loader = importlib.machinery.ExtensionFileLoader(name, copy)
        module = importlib.util.module_from_spec(
            importlib.util.spec_from_file_location(name, copy, loader=loader))
        loader.exec_module(module)
    finally:
        os.unlink(copy)


@view
def import_in_thread(token, seconds):
    answers = []

    def work():
        import greenlet
        import pydantic_core

        number = next(COPIES)
        if number < MOST_COPIES:
            import_anew(number)
        assert greenlet.getcurrent() and pydantic_core.from_json("1") == 1
        answers.append(token)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return answers[0]


@view
def computes(token, seconds):
    end = time.monotonic() + min(seconds, 0.01)
    while time.monotonic() < end:
        pass
    return token


@view
def sleeps(token, seconds):
    time.sleep(seconds / 10)
    return token
