"""Flask with a PostgreSQL driver written in C, as plain blocking code."""

import os
import threading

import psycopg2
from flask import Flask, jsonify

app = Flask(__name__)
local = threading.local()


def connection():
    """This thread's connection. Under `-k coroutine` every green thread is a thread of its own."""
    if getattr(local, "connection", None) is None or local.connection.closed:
        local.connection = psycopg2.connect(os.environ["DATABASE_URL"])
        local.connection.autocommit = True
    return local.connection


@app.get("/")
def index():
    return "Ask for /slow: it takes half a second in the database.\n"


@app.get("/slow")
def slow():
    with connection().cursor() as cursor:
        cursor.execute("select 'rested' from pg_sleep(0.5)")
        (answer,) = cursor.fetchone()
    return jsonify(answer=answer)
