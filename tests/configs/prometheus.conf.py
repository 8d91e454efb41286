"""Figures of several processes in files of a directory, as prometheus_client has them."""

import atexit
import glob
import os
import shutil
import threading

directory = os.path.join(os.environ["SCRATCH"], "figures")
workers = 2


def path(pid):
    return os.path.join(directory, f"counter_{pid}.db")


def on_starting(server):
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)


def when_ready(server):
    # Heroku's nginx waits for such a file.
    open(os.path.join(os.environ["SCRATCH"], "app-initialized"), "w").close()
    thread = threading.Thread(target=lambda: None, daemon=True)
    thread.start()
    thread.join()


def post_fork(server, worker):
    with open(path(worker.pid), "w") as file:
        file.write(str(worker.age))
    atexit.register(lambda: None)


def child_exit(server, worker):
    os.remove(path(worker.pid))


def on_exit(server):
    with open(os.path.join(os.environ["SCRATCH"], "left"), "w") as file:
        file.write(str(len(glob.glob(path("*")))))
    shutil.rmtree(directory)
