"""The reference: each module that is named runs in a plain thread, all of them at once."""

import contextlib
import sys
import threading

from foreign.running import run

threads = [threading.Thread(target=run, args=(module,)) for module in sys.argv[1:]]
for thread in threads:
    thread.start()
for thread in threads:
    while thread.is_alive():
        # A main thread that looks up now and then makes the calls that others leave to it; and a test
        # that interrupts it ends nothing.
        with contextlib.suppress(KeyboardInterrupt):
            thread.join(0.05)
