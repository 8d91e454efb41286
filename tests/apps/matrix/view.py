"""What the views share: their register, a wake-up from outside, and the slow web server."""

import os
import threading
import time

VIEWS = {}


def view(function):
    VIEWS[function.__name__] = function
    return function


def later(seconds, action, *arguments):
    """Another OS thread does it."""
    timer = threading.Timer(seconds, action, arguments)
    timer.daemon = True
    timer.start()
    return timer


def slow(token, seconds):
    time.sleep(seconds)
    return token


def wait_until(condition):
    while not condition():
        time.sleep(0.01)


def upstream(name="UPSTREAM"):
    host, port = os.environ[name].split("//")[1].rstrip("/").split(":")
    return host, int(port)


def url(name, token, seconds):
    return f"{os.environ[name]}?token={token}&for={seconds}"


def ask(connection, token, seconds):
    connection.sendall(f"GET /?token={token}&for={seconds} HTTP/1.0\r\n\r\n".encode())


def read_answer(receive):
    received = b""
    while part := receive(4096):
        received += part
    return received.partition(b"\r\n\r\n")[2].decode()
