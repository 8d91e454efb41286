"""The first request of a worker starts an OS thread that imports extension modules; all requests sleep
for moments meanwhile, so that green threads switch all the time while libraries are being loaded."""

import importlib
import random
import threading
import time

# Small and large, and all with thread-local variables that follow the green thread.
MODULES = ["greenlet", "pydantic_core", "cryptography.hazmat.bindings._rust", "grpc"]

lock = threading.Lock()
importer = None


def import_all():
    for module in MODULES:
        importlib.import_module(module)


def application(environ, start_response):
    global importer
    with lock:
        if importer is None:
            importer = threading.Thread(target=import_all)
            importer.start()
    while importer.is_alive():
        time.sleep(random.uniform(0.0001, 0.0008))
    import_all()  # they are there, and whole
    start_response("200 OK", [("Content-Length", "8")])
    return [b"imported"]
