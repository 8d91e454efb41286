"""The workloads, the same code for every server."""

import os
import threading
import time

BODY = b"Hello, world!"
HEADERS = [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))]


def hello(environ, start_response):
    start_response("200 OK", HEADERS)
    return [BODY]


def bare(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [BODY]


LARGE = b"x" * 1_000_000


def large(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(LARGE)))])
    return [LARGE]


def chunks(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return (BODY for _ in range(50))


def sleep(environ, start_response):
    time.sleep(0.05)
    start_response("200 OK", HEADERS)
    return [BODY]


local = threading.local()


def database(environ, start_response):
    # A connection per thread, for all servers alike; with gevent's patches, per greenlet.
    if not hasattr(local, "connection"):
        import psycopg2

        local.connection = psycopg2.connect(os.environ["DATABASE_URL"])
        local.connection.autocommit = True
    with local.connection.cursor() as cursor:
        cursor.execute("select pg_sleep(0.02)")
        cursor.fetchone()
    start_response("200 OK", HEADERS)
    return [BODY]
