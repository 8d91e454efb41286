"""Libraries that speak WebSocket on gunicorn.socket, each an echo: /flask-sock, /simple-websocket,
/python-socketio, /flask-socketio."""

import flask
import flask_sock
import flask_socketio
import simple_websocket
import socketio

from notes import note

with_sock = flask.Flask("with_sock")


@flask_sock.Sock(with_sock).route("/flask-sock")
def echo_by_flask_sock(ws):
    while True:
        ws.send(ws.receive())


def echo_by_simple_websocket(environ, start_response):
    ws = simple_websocket.Server.accept(environ, ping_interval=25)
    try:
        while True:
            ws.send(ws.receive())
    except simple_websocket.ConnectionClosed:
        note("simple-websocket: gone")
    raise StopIteration


by_socketio = socketio.Server(async_mode="threading")


@by_socketio.on("echo")
def echo_by_socketio(sid, text):
    by_socketio.emit("echo", text, to=sid)


@by_socketio.on("disconnect")
def gone_by_socketio(sid, reason):
    note("python-socketio: gone")


with_socketio = flask.Flask("with_socketio")
by_flask_socketio = flask_socketio.SocketIO(
    with_socketio, async_mode="threading", path="/flask-socketio")


@by_flask_socketio.on("echo")
def echo_by_flask_socketio(text):
    flask_socketio.emit("echo", text)


@by_flask_socketio.on("disconnect")
def gone_by_flask_socketio(reason):
    note("flask-socketio: gone")


APPLICATIONS = {
    "flask-sock": with_sock,
    "simple-websocket": echo_by_simple_websocket,
    "python-socketio": socketio.WSGIApp(by_socketio, socketio_path="/python-socketio"),
    "flask-socketio": with_socketio,
}


def application(environ, start_response):
    return APPLICATIONS[environ["PATH_INFO"].split("/")[1]](environ, start_response)


note("imported")
