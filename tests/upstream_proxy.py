"""Holds up what a client says to a server that answers at once: memcached knows no slow command.

Each piece from the client is handed on half a second later; with a second argument, `answers`, it is
long answers that are held up: 64 KiB take 50 ms. Prints its address and lives until its stdin ends.
First argument: the server's address.
"""

import asyncio
import sys

DELAY = 0.5


LONG = 1 << 16
LONG_DELAY = 0.05


async def pump(reader, writer, delay):
    try:
        while piece := await reader.read(LONG):
            await asyncio.sleep(delay(len(piece)))
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    writer.close()


def question_delay(length):
    return 0 if sys.argv[2:] == ["answers"] else DELAY


def answer_delay(length):
    is_held_up = sys.argv[2:] == ["answers"] and length > 1024
    return LONG_DELAY if is_held_up else 0


async def serve(reader, writer):
    server = await asyncio.open_connection(*sys.argv[1].split(":"))
    await asyncio.gather(pump(reader, server[1], question_delay),
                         pump(server[0], writer, answer_delay))


async def main():
    proxy = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    print("127.0.0.1:%d" % proxy.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
