"""The reference: each module that is named runs in a plain thread, all of them at once."""

import contextlib
import sys
import threading
import time

from foreign.running import run

modules = set(sys.argv[1:])


def run_one(module):
    try:
        run(module)
    finally:
        modules.discard(module)


for module in sys.argv[1:]:
    threading.Thread(target=run_one, args=(module,)).start()
while modules:
    # A main thread that looks up now and then makes the calls that others leave to it. A test that
    # interrupts it ends nothing; an interrupted join() would take the thread for ended.
    with contextlib.suppress(KeyboardInterrupt):
        time.sleep(0.05)
