"""Functions that block, beside an event loop. Run by executor.rs, once in a process."""

import concurrent.futures


class GreenThreads(concurrent.futures.ThreadPoolExecutor):
    """The default executor of a loop: a green thread for each function that waits.

    asyncio takes nothing but a ThreadPoolExecutor. What that does, OS threads, is for functions before the
    worker serves and behind its last request, when there are no green threads: ``beginner`` says so.
    """

    def __init__(self, beginner):
        super().__init__(thread_name_prefix="asyncio")
        self.beginner = beginner
        self.in_green = set()
        self.is_shut = False

    def submit(self, fn, /, *args, **kwargs):
        future = concurrent.futures.Future()
        if not self.is_shut:
            self.in_green.add(future)
            future.add_done_callback(self.in_green.discard)
            if self.beginner.begin(future, fn, args, kwargs):
                return future
            self.in_green.discard(future)
        return super().submit(fn, *args, **kwargs)

    def shutdown(self, wait=True, *, cancel_futures=False):
        self.is_shut = True
        in_green = tuple(self.in_green)
        if cancel_futures:
            for future in in_green:
                future.cancel()
        if wait:
            concurrent.futures.wait(in_green)
        super().shutdown(wait, cancel_futures=cancel_futures)


async def adapt_anyio(beginner, count):
    """anyio's worker threads are green, and ``count`` of them work at once, unless the application says
    otherwise. On the loop that this is for."""
    try:
        import anyio.to_thread
        from anyio._backends._asyncio import WorkerThread
    except ImportError as error:
        raise ImportError(f"anyio_threads is set, but anyio cannot be adapted: {error}") from None
    start = WorkerThread.start

    def start_green(self):
        # Nobody joins one, and what ends it comes through its queue.
        if not beginner.begin_thread(self.run):
            start(self)

    WorkerThread.start = start_green
    anyio.to_thread.current_default_thread_limiter().total_tokens = count
