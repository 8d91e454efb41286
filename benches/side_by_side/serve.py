"""Starts a server that is a function and no command: `serve.py SERVER HOST:PORT MODULE:APP`."""

import importlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))


def main(server, address, name):
    host, port = address.split(":")
    module, _, variable = name.partition(":")
    app = getattr(importlib.import_module(module), variable)
    if server == "bjoern":
        import bjoern

        bjoern.run(app, host, int(port))
    elif server == "fastpysgi":
        import fastpysgi

        fastpysgi.run(app, host, int(port))
    elif server == "fastwsgi":
        import fastwsgi

        fastwsgi.run(app, host, int(port))
    elif server == "pywsgi":
        from gevent import monkey

        monkey.patch_all()
        from gevent.pywsgi import WSGIServer

        WSGIServer((host, int(port)), app, log=None).serve_forever()


main(*sys.argv[1:])
