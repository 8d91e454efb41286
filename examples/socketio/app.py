"""A vote that everybody watches, with Flask-SocketIO: the code is what it would be on any server."""

import collections
import threading

from flask import Flask, send_file
from flask_socketio import SocketIO, emit

CHOICES = ["tea", "coffee", "water"]

app = Flask(__name__)
# Plain threads, which are green threads under -k coroutine. Left out, it takes eventlet or gevent if that is installed.
socketio = SocketIO(app, async_mode="threading")

lock = threading.Lock()  # handlers run at once
votes = collections.Counter(dict.fromkeys(CHOICES, 0))
people = 0


def tell_everybody():
    emit("result", {"votes": votes, "people": people}, broadcast=True)


@app.get("/")
def page():
    return send_file("page.html")


@socketio.on("connect")
def connect():
    global people
    with lock:
        people += 1
        tell_everybody()


@socketio.on("disconnect")
def disconnect():
    global people
    with lock:
        people -= 1
        tell_everybody()


@socketio.on("vote")
def vote(choice):
    if choice not in CHOICES:
        return "There is no such choice."
    with lock:
        votes[choice] += 1
        tell_everybody()
    return "Counted."


if __name__ == "__main__":
    socketio.run(app)
