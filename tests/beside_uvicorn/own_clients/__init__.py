"""The test clients that come with the frameworks, one module each with a class ``Client``, as in_process.py asks them:
``ask`` gives status, fields and content; ``connect`` a WebSocket and what the handshake was answered with (101: it was
accepted). A client is a context: its application's lifespan."""

import importlib


def own_client(framework):
    app = importlib.import_module(f"beside.with_{framework}").app
    return importlib.import_module(f"own_clients.{framework}").Client(app)
