"""What the clients have in common that are coroutines."""

import asyncio

# Of what an application does in a test.
PATIENCE = 20


class ClientOnALoop:
    """Its loop turns while it is asked something."""

    def __init__(self, app):
        self.app, self.loop = app, asyncio.new_event_loop()

    def run(self, coroutine):
        return self.loop.run_until_complete(asyncio.wait_for(coroutine, PATIENCE))

    def __enter__(self):
        self.run(self.start())
        return self

    def __exit__(self, *raised):
        self.run(self.stop())
        self.run(self.loop.shutdown_default_executor())
        self.loop.close()

    async def start(self):
        """The lifespan's."""

    async def stop(self):
        """The lifespan's."""

    def ask(self, method, target, fields, body):
        return self.run(self.answer(method, target, fields, body))
