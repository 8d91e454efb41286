"""Views that wait, written as plain blocking code: the ways of the coroutine engine's users."""

import os
import queue
import socket
import ssl
import subprocess
import threading
import time
import urllib.request

from notes import note, plain

event = threading.Event()
items = queue.Queue()
recursive = threading.RLock()
condition = threading.Condition()
inside = 0
violations = 0


def sleep(environ):
    time.sleep(0.5)
    return "slept"


def long_sleep(environ):
    note("sleeping")
    time.sleep(3)
    return "slept"


def short_sleep(environ):
    time.sleep(0.05)
    return "slept"


def noted_sleep(environ):
    note(f"{1000 * time.monotonic():.0f}")
    time.sleep(0.8)
    return "slept"


def compute(environ):
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        pass
    return "computed"


def nap(environ):
    time.sleep(0.01)
    return "slept"


def compute_long(environ):
    # A fixed amount of work: beside others it takes longer.
    total = 0
    for number in range(20_000_000):
        total += number
    return "computed"


waiting = 0


def long_poll(environ):
    global waiting
    waiting += 1
    return "set" if event.wait(60) else "timed out"


def count_waiting(environ):
    return str(waiting)


def until_file(environ):
    path = os.path.join(os.environ["SCRATCH"], "go-on")
    note("waiting")
    while not os.path.exists(path):
        time.sleep(0.02)
    return "went on"


def wait_for_event(environ):
    note("waiting")
    return "set" if event.wait(30) else "timed out"


def set_event(environ):
    event.set()
    return "done"


def wait_for_item(environ):
    note("waiting")
    return items.get(timeout=30)


def put_item(environ):
    items.put(environ["QUERY_STRING"])
    return "done"


def wait_for_condition(environ):
    with condition:
        note("waiting")
        return "notified" if condition.wait(30) else "timed out"


def notify(environ):
    with condition:
        condition.notify_all()
    return "done"


def mutual_exclusion(environ):
    global inside, violations
    with recursive, recursive:
        inside += 1
        if inside != 1:
            violations += 1
        time.sleep(0.005)
        inside -= 1
    return str(violations)


together = threading.Barrier(50)


def identity(environ):
    # None ends before all have come: who comes later could have the thread of one that has gone.
    before = threading.get_ident()
    together.wait(60)
    assert before == threading.get_ident()
    return str(before)


local = threading.local()


def thread_local(environ):
    local.value = environ["QUERY_STRING"]
    time.sleep(0.2)
    return local.value


def database(environ):
    import psycopg2

    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("select pg_sleep(0.5), 'rested'")
            return cursor.fetchone()[1]
    finally:
        connection.close()


shared_connections = []


def shared_database(environ):
    # psycopg2 (threadsafety 2) lets threads share a connection: it locks a mutex around each query.
    import psycopg2

    if not shared_connections:
        shared_connections.append(psycopg2.connect(os.environ["DATABASE_URL"]))
    with shared_connections[0].cursor() as cursor:
        cursor.execute("select pg_sleep(0.02), 'rested'")
        return cursor.fetchone()[1]


def with_urllib(environ):
    with urllib.request.urlopen(os.environ["UPSTREAM"], timeout=20) as answer:
        return answer.read().decode()


def with_urllib_tls(environ):
    context = ssl.create_default_context(cafile=os.environ["UPSTREAM_CA"])
    with urllib.request.urlopen(os.environ["UPSTREAM_TLS"], timeout=20, context=context) as answer:
        return answer.read().decode()


def with_requests(environ):
    import requests

    return requests.get(os.environ["UPSTREAM"], timeout=20).text


def with_requests_tls(environ):
    import requests

    verify = os.environ["UPSTREAM_CA"]
    return requests.get(os.environ["UPSTREAM_TLS"], timeout=20, verify=verify).text


def with_socket(environ):
    # No time-out: the socket stays blocking and CPython calls recv alone.
    host, port = os.environ["UPSTREAM"].removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        received = b""
        while part := connection.recv(4096):
            received += part
    return received.partition(b"\r\n\r\n")[2].decode()


def with_thread(environ):
    answers = []
    threads = [threading.Thread(target=lambda: (time.sleep(0.3), answers.append(1))) for _ in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return str(len(answers))


def with_subprocess(environ):
    return subprocess.run(["sh", "-c", "sleep 0.3; echo ran"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.strip()


def application(environ, start_response):
    view = globals()[environ["PATH_INFO"].lstrip("/")]
    return plain(start_response, view(environ))
