"""The network: TLS, clients, event loops of C, and libraries with threads of their own."""

import os
from urllib.parse import urlsplit

from .view import check, fails, library

LENGTH = 500


def question(token, rest, upstream="UPSTREAM"):
    return f"{os.environ[upstream]}?token={token}&for={rest.seconds:.4f}&times={LENGTH}&within=1"


@library
def requests_tls():
    import requests

    session = requests.Session()
    session.mount("https://", requests.adapters.HTTPAdapter(pool_maxsize=8))

    def view(token, rest):
        address = question(token, rest, "UPSTREAM_TLS")
        for ask in (session.get, requests.get):
            answer = ask(address, verify=os.environ["UPSTREAM_CA"], timeout=20)
            check(answer.text, token * LENGTH)

    return view


@library
def tls_refused():
    import socket
    import ssl

    context = ssl.create_default_context()

    def view(token, rest):
        # Whoever fails must not leave its error to others, nor get theirs.
        upstream = urlsplit(os.environ["UPSTREAM_TLS"])
        with socket.create_connection((upstream.hostname, upstream.port), timeout=20) as plain:
            rest()
            wrong = fails(ssl.SSLCertVerificationError, lambda: context.wrap_socket(
                plain, server_hostname=upstream.hostname))
            check("CERTIFICATE_VERIFY_FAILED" in wrong, True)

    return view


@library
def urllib_tls():
    import ssl
    import urllib.request

    def view(token, rest):
        context = ssl.create_default_context(cafile=os.environ["UPSTREAM_CA"])
        rest()
        with urllib.request.urlopen(question(token, rest, "UPSTREAM_TLS"), timeout=20,
                                    context=context) as answer:
            check(answer.read().decode(), token * LENGTH)

    return view


@library
def httpx():
    import httpx as web

    client = web.Client(timeout=20)

    def view(token, rest):
        with client.stream("GET", question(token, rest)) as answer:
            check("".join(answer.iter_text()), token * LENGTH)

    return view


@library
def pycurl():
    import pycurl as web

    def view(token, rest):
        found = []

        def written(piece):
            rest()
            found.append(bytes(piece))

        client = web.Curl()
        client.setopt(web.URL, question(token, rest, "UPSTREAM_TLS"))
        client.setopt(web.CAINFO, os.environ["UPSTREAM_CA"])
        client.setopt(web.NOSIGNAL, 1)
        client.setopt(web.WRITEFUNCTION, written)
        client.perform()
        client.close()
        check(b"".join(found).decode(), token * LENGTH)

    return view


@library
def grpcio():
    import grpc

    echo = grpc.insecure_channel(os.environ["GRPC"]).unary_unary("/unicoro.Slow/Echo")

    def view(token, rest):
        request = f"{token} {rest.seconds:.4f}".encode()
        check(echo(request, timeout=20).decode(), token)
        waiting = [echo.future(request, timeout=20) for _ in range(3)]
        check([answer.result().decode() for answer in waiting], [token] * 3)

    return view


async def ask_with_aiohttp(token, rest):
    import asyncio

    import aiohttp

    async with aiohttp.ClientSession() as session:
        async def ask():
            async with session.get(question(token, rest)) as answer:
                return await answer.text()

        check(await asyncio.gather(ask(), ask()), [token * LENGTH] * 2)


@library
def aiohttp():
    import asyncio

    import aiohttp  # noqa: F401

    def view(token, rest):
        asyncio.run(ask_with_aiohttp(token, rest))

    return view


@library
def uvloop():
    import asyncio
    import socket

    import uvloop as loops

    async def sleep_and_call(token, rest):
        await asyncio.sleep(rest.seconds / 2)
        # No pipe: uvloop closes its descriptor twice, which by then is another thread's.
        one, other = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=one)
        with other:
            other.sendall(token.encode())
        check(await reader.read(), token.encode())
        writer.close()
        rest()  # a blocking call inside of a callback of libuv's
        check(await asyncio.to_thread(lambda: token), token)

    def view(token, rest):
        loop = loops.new_event_loop()
        try:
            loop.run_until_complete(sleep_and_call(token, rest))
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            loop.close()

    return view


@library
def httptools():
    import httptools as parsers

    class Found:
        def __init__(self, rest):
            self.rest, self.headers, self.body = rest, {}, b""

        def on_header(self, name, value):
            self.rest()
            self.headers[name] = value

        def on_body(self, body):
            self.rest()
            self.body += body

    def view(token, rest):
        found = Found(rest)
        parser = parsers.HttpRequestParser(found)
        parser.feed_data(f"POST /{token} HTTP/1.1\r\nHost: h{token}\r\nContent-Length: "
                         f"{len(token)}\r\n\r\n{token}".encode())
        check((found.headers[b"Host"], found.body), (f"h{token}".encode(), token.encode()))
        fails(parsers.HttpParserError, parsers.HttpRequestParser(found).feed_data, b"\0\r\n")
        check(parsers.parse_url(f"http://h/{token}?a".encode()).path, f"/{token}".encode())

    return view


@library
def pyzmq():
    import zmq

    context = zmq.Context()  # it has a thread

    def view(token, rest):
        with context.socket(zmq.PAIR) as one, context.socket(zmq.PAIR) as other:
            one.linger = other.linger = 0
            one.bind(f"inproc://{token}")
            other.connect(f"inproc://{token}")
            check(other.poll(rest.seconds * 500), 0)
            one.send_multipart([token.encode(), b"2"])
            rest()
            check(other.recv_multipart(), [token.encode(), b"2"])

    return view


@library
def confluent_kafka():
    import confluent_kafka as kafka

    # No broker is there: its messages are overdue, and any request that polls hears of them.
    producer = kafka.Producer({
        "bootstrap.servers": "127.0.0.1:1", "log_level": 0, "error_cb": lambda error: None,
        "reconnect.backoff.ms": 1000, "message.timeout.ms": 1000})
    wrong = []

    def view(token, rest):
        def heard(error, message):
            rest()
            if error is None or message.value() != token.encode():
                wrong.append((token, error, message.value()))

        producer.produce("topic", token.encode(), on_delivery=heard)
        producer.flush(max(rest.seconds, 0.001))
        check(wrong, [])

    return view
