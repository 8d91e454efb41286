"""A name server that takes a second: NUMBER.slow.test has the address 127.x.y.z that spells NUMBER.

Binds port 53 of a loopback address of its own (so it needs root), prints it, and lives until its
stdin ends. Other names do not exist.
"""

import asyncio
import os
import re
import struct
import sys

DELAY = 1.0


class NameServer(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, question, client):
        asyncio.get_running_loop().call_later(
            DELAY, lambda: self.transport.sendto(answer(question), client))


def answer(question):
    end = question.index(b"\0", 12) + 5  # the name, its type and class
    name, kind = question[12:end - 5].lower(), struct.unpack("!H", question[end - 4:end - 2])[0]
    known = re.fullmatch(rb".t(\d+)\x04slow\x04test", name)
    records = b""
    if known and kind == 1:
        address = struct.pack("!I", 127 << 24 | int(known[1]))
        records = struct.pack("!HHHIH", 0xC00C, 1, 1, 0, 4) + address
    flags = 0x8580 if known else 0x8583
    head = question[:2] + struct.pack("!HHHHH", flags, 1, bool(records), 0, 0)
    return head + question[12:end] + records


async def main():
    address = f"127.53.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(NameServer, local_addr=(address, 53))
    print(address, flush=True)
    await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
