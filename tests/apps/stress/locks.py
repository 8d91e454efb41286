"""Locks of Python, and those of a C library that knows nothing of us (locks.c)."""

import ctypes
import os
import queue
import threading
import time

from .view import view

LOCK = threading.Lock()
RECURSIVE = threading.RLock()
SEMAPHORE = threading.Semaphore(2)
CONDITION = threading.Condition()
QUESTIONS = queue.Queue(4)

C = ctypes.CDLL(os.environ["STRESS_LOCKS"])
for function in (C.under_mutex, C.under_recursive_mutex, C.write_pair):
    function.argtypes = [ctypes.c_long, ctypes.c_long]
for function in (C.read_pair, C.with_permit, C.with_permit_in_time, C.after_a_tick):
    function.argtypes = [ctypes.c_long]
# Before green threads are: its clock is an OS thread.
C.start_clock()


class Alone:
    """Who is inside writes its token there, and must find it again."""

    inside = None

    def stay(self, token, seconds):
        self.inside = token
        time.sleep(seconds)
        return self.inside


IN_LOCK, IN_RECURSIVE, IN_CONDITION = Alone(), Alone(), Alone()


@view
def lock(token, seconds):
    with LOCK:
        return IN_LOCK.stay(token, seconds)


@view
def recursive_lock(token, seconds):
    with RECURSIVE, RECURSIVE:
        return IN_RECURSIVE.stay(token, seconds)


@view
def semaphore(token, seconds):
    with SEMAPHORE:
        time.sleep(seconds)
        return token


@view
def condition(token, seconds):
    with CONDITION:
        CONDITION.wait(0.002)
        answer = IN_CONDITION.stay(token, seconds)
        CONDITION.notify()
        return answer


def answer_questions():
    while True:
        token, seconds, answers = QUESTIONS.get()
        time.sleep(min(seconds, 0.01))
        answers.put(token)


threading.Thread(target=answer_questions, daemon=True).start()


@view
def queues(token, seconds):
    answers = queue.SimpleQueue()
    QUESTIONS.put((token, seconds, answers))
    return answers.get()


def judged(token, fault):
    return token if fault == 0 else f"fault {fault}"


def microseconds(seconds):
    return int(1e6 * seconds)


@view
def c_mutex(token, seconds):
    return judged(token, C.under_mutex(int(token), microseconds(seconds)))


@view
def c_recursive_mutex(token, seconds):
    return judged(token, C.under_recursive_mutex(int(token), microseconds(seconds)))


@view
def c_write(token, seconds):
    return judged(token, C.write_pair(int(token), microseconds(seconds)))


@view
def c_read(token, seconds):
    return judged(token, C.read_pair(microseconds(seconds)))


@view
def c_condition(token, seconds):
    return judged(token, C.with_permit(microseconds(seconds)))


@view
def c_condition_in_time(token, seconds):
    return judged(token, C.with_permit_in_time(microseconds(seconds)))


@view
def c_clock(token, seconds):
    return judged(token, C.after_a_tick(microseconds(seconds)))


@view
def c_condition_in_thread(token, seconds):
    # An OS thread among the requests: each of them must wake the other.
    faults = []
    thread = threading.Thread(
        target=lambda: faults.append(C.with_permit(microseconds(min(seconds, 0.01)))))
    thread.start()
    thread.join()
    return judged(token, faults[0])
