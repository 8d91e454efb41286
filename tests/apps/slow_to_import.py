"""Not an app: a module that takes a while, and whose last line others must not miss."""

import time

from notes import note

note("imported")
time.sleep(0.5)
last_line = "reached"
