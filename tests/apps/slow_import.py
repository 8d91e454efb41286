"""An app whose import takes long: it notes that it has begun and waits for $SCRATCH/go-on."""

import os
import time

from notes import note, plain

note("importing")
while not os.path.exists(os.path.join(os.environ["SCRATCH"], "go-on")):
    time.sleep(0.01)


def application(environ, start_response):
    return plain(start_response, "at last")
