"""Holds up what a client says to a server that answers at once: memcached knows no slow command.

Each piece from the client is handed on half a second later. Prints its address and lives until its
stdin ends. Argument: the server's address.
"""

import asyncio
import sys

DELAY = 0.5


async def pump(reader, writer, delay):
    try:
        while piece := await reader.read(65536):
            await asyncio.sleep(delay)
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    writer.close()


async def serve(reader, writer):
    server = await asyncio.open_connection(*sys.argv[1].split(":"))
    await asyncio.gather(pump(reader, server[1], DELAY), pump(server[0], writer, 0))


async def main():
    proxy = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    print("127.0.0.1:%d" % proxy.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
