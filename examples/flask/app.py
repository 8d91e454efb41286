"""A small Flask application with a view that is slow because something else is."""

import time

from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return "Hello from Flask on unicoro.\n"


@app.get("/slow")
def slow():
    time.sleep(0.5)  # another API, a database: ordinary blocking code
    return "rested\n"
