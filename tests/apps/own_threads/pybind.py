"""Calls of an extension module that was made with pybind11 and lies in $BOUND: they wait in Python
that they call, or without the GIL."""

import io
import os
import sys
import time

from .views import Views, unless_equal

sys.path.insert(0, os.environ["BOUND"])
import bound

application = Views()


class Slow(io.BytesIO):
    def read(self, size):
        time.sleep(0.001)
        return super().read(size)


def wait():
    time.sleep(0.001)


def raising(number):
    def raise_it():
        time.sleep(0.001)
        raise LookupError(f"number {number}")

    return raise_it


@application.view
def slow_file(number):
    text = f"the file of number {number}".encode()
    return unless_equal(bound.read_all(Slow(text)), text.decode())


@application.view
def without_gil(number):
    found = bound.without_gil(number), bound.without_gil_by_guard(number)
    return unless_equal(found, (number, number))


@application.view
def callback(number):
    def twice(given):
        time.sleep(0.001)
        return 2 * given

    return unless_equal(bound.call_back(twice, number), 4 * number)


@application.view
def nested_calls(number):
    """Python called by C++ called by Python, each level with its own conversions."""

    def inner(given):
        return bound.keep_converted(given, wait) + bound.call_back(lambda deepest: deepest, given)

    return unless_equal(bound.call_back(inner, number), 6 * number)


@application.view
def converted_argument(number):
    return unless_equal(bound.keep_converted(number, wait), number)


@application.view
def exception_of_python(number):
    try:
        bound.raise_later(raising(number), wait)
    except LookupError as error:
        text = bound.text_later(raising(number), wait)
        return unless_equal((error.args[0], text), (f"number {number}",) * 2)
    return "nothing raised"


@application.view
def exception_of_cplusplus(number):
    try:
        bound.throw_through_a_wait(number)
    except IndexError as error:
        return unless_equal(str(error), str(number))
    return "nothing raised"
