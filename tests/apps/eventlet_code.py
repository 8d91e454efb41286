"""Views as they are written for gunicorn's eventlet worker, patching included."""

import eventlet

eventlet.monkey_patch()

import time

import psycogreen.eventlet
from notes import plain

psycogreen.eventlet.make_psycopg_green = psycogreen.eventlet.patch_psycopg
psycogreen.eventlet.make_psycopg_green()


def application(environ, start_response):
    def job(number):
        eventlet.sleep(0.01)
        return f"{environ['QUERY_STRING']}.{number}"

    pool = eventlet.GreenPool(2)
    jobs = " ".join(pool.imap(job, range(3)))
    return plain(start_response, f"{time.sleep.__module__} {jobs}")
