"""An echo on unicoro.websocket, for Autobahn's cases."""


def application(environ, start_response):
    websocket = environ.get("unicoro.websocket")
    if websocket is None:
        start_response("200 OK", [("Content-Length", "0")])
        return []
    for message in websocket:
        websocket.send(message)
    return []
