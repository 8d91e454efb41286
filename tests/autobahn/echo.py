"""An echo on unicoro.websocket, for Autobahn's cases."""


def application(environ, start_response):
    websocket = environ["unicoro.websocket"]
    for message in websocket:
        websocket.send(message)
    return []
