"""The same chat as a Flask application."""

from flask import Flask, abort, request, send_file

from rooms import ROOMS

app = Flask(__name__)


@app.get("/")
def page():
    return send_file("page.html")


@app.get("/rooms/<name>", websocket=True)  # werkzeug has rules of their own for WebSockets
def room(name):
    if name not in ROOMS:
        abort(404)
    ROOMS[name].talk(request.environ["unicoro.websocket"])
    return ""  # nobody gets it: the connection is a WebSocket's
