"""Child processes."""

import multiprocessing
import os
import subprocess

from .view import slow, view


@view
def subprocess_run(token, seconds):
    command = ["sh", "-c", f"sleep {seconds}; echo {token}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@view
def subprocess_communicate(token, seconds):
    command = ["sh", "-c", f"sleep {seconds}; cat"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as child:
        return child.communicate(token)[0]


@view
def subprocess_wait(token, seconds):
    # Nothing to read: only waitpid tells.
    with subprocess.Popen(["sh", "-c", f"sleep {seconds}; exit {int(token) % 100}"]) as child:
        return token if child.wait() == int(token) % 100 else "another child's status"


@view
def subprocess_wait_with_timeout(token, seconds):
    with subprocess.Popen(["sleep", "60"]) as child:
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            return token
        finally:
            child.kill()
    return "ended early"


@view
def os_system(token, seconds):
    return token if os.system(f"sleep {seconds}; exit 7") >> 8 == 7 else "wrong status"


@view
def multiprocessing_pool(token, seconds):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(slow, (token, seconds))
