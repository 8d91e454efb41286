"""Starts a server that is a function and no command: `serve.py SERVER HOST:PORT MODULE:APP`."""

import importlib
import sys


def main(server, address, name):
    if server == "pywsgi":
        # Before the application imports anything.
        from gevent import monkey

        monkey.patch_all()
    host, port = address.split(":")
    module, _, variable = name.partition(":")
    app = getattr(importlib.import_module(module), variable)
    if server == "websockets":
        return app(host, int(port))
    if server == "pywsgi":
        from gevent.pywsgi import WSGIServer

        WSGIServer((host, int(port)), app, log=None).serve_forever()
    else:
        # bjoern, fastpysgi and fastwsgi are called alike.
        importlib.import_module(server).run(app, host, int(port))


main(*sys.argv[1:])
