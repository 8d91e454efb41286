"""Children that live on, with a copy of all that was open when they were forked."""

import multiprocessing
import os
import sys
import threading
import time

from notes import note, plain

pools = []


def wait_for_the_test():
    path = os.path.join(os.environ["SCRATCH"], "go-on")
    deadline = time.monotonic() + 60
    while not os.path.exists(path) and time.monotonic() < deadline:
        time.sleep(0.02)


def fork(environ):
    if os.fork() == 0:
        wait_for_the_test()
        os._exit(0)
    return "forked"


def square(number):
    return number * number


def pool(environ):
    made = multiprocessing.get_context("fork").Pool(2)
    pools.append(made)
    return str(made.map(square, [1, 2, 3]))


def end_pools(environ):
    while pools:
        # No terminate(): gunicorn's own handler of SIGTERM lives on in the children, which then
        # do not end, and join() waits for ever.
        made = pools.pop()
        made.close()
        made.join()
    return "ended"


def crowd(environ):
    """A child whose threads need so many stacks that those of its parent's threads are given back."""
    child = os.fork()
    if child == 0:
        together = threading.Barrier(32)
        threads = [threading.Thread(target=together.wait) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        os._exit(0)
    return f"the child's exit code: {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}"


def sleep(environ):
    note("sleeping")
    time.sleep(3)
    return "slept"


def leaves(how):
    """How a child of the application comes back out of it."""

    def view(environ):
        child = os.fork()
        if child == 0:
            return how()
        return str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    return view


def fails():
    raise ValueError("the child failed")


def fails_late(start_response):
    child = os.fork()
    start_response("200 OK", [])
    if child == 0:
        raise ValueError("the child failed late")
    yield str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode()


def hello(environ):
    return "hello"


views = {view.__name__: view for view in (fork, pool, end_pools, crowd, sleep, hello)} | {
    "exit-5": leaves(lambda: sys.exit(5)),
    "exit": leaves(sys.exit),
    "exit-words": leaves(lambda: sys.exit("the child's last words")),
    "fail": leaves(fails),
    "return": leaves(lambda: "the child's answer"),
}


def application(environ, start_response):
    if environ["PATH_INFO"] == "/fail-late":
        return fails_late(start_response)
    view = views[environ["PATH_INFO"].lstrip("/")]
    return plain(start_response, view(environ))
