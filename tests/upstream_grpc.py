"""A gRPC server whose one method gives back what it was given, after a while.

The request is "TOKEN SECONDS", the answer TOKEN. Prints its address and lives until its stdin ends.
"""

import asyncio
import sys

import grpc


async def echo(request, context):
    token, seconds = request.decode().split()
    await asyncio.sleep(float(seconds))
    return token.encode()


async def main():
    server = grpc.aio.server()
    method = grpc.unary_unary_rpc_method_handler(echo)
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("unicoro.Slow", {"Echo": method})])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(None)


asyncio.run(main())
