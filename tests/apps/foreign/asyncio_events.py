"""CPython's tests of asyncio's event loops, with the watcher of children that works in any thread: the
one they come with wants the main thread, and with it hardly a test would run.
"""

import asyncio

asyncio.SafeChildWatcher = asyncio.ThreadedChildWatcher

from test.test_asyncio.test_events import *  # noqa: E402,F403
