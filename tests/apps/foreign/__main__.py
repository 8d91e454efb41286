"""The reference: each module that is named runs in a plain thread, all of them at once."""

import sys
import threading

from foreign.running import run

threads = [threading.Thread(target=run, args=(module,)) for module in sys.argv[1:]]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
