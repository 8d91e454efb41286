"""Sockets, TLS, and the HTTP clients built on them."""

import os
import socket
import ssl
import urllib.request

from .view import ask, later, read_answer, upstream, url, view, wait_until


@view
def socket_blocking(token, seconds):
    with socket.create_connection(upstream()) as connection:
        ask(connection, token, seconds)
        return read_answer(connection.recv)


@view
def socket_with_timeout(token, seconds):
    with socket.create_connection(upstream(), timeout=20) as connection:
        ask(connection, token, seconds)
        return read_answer(connection.recv)


@view
def socket_times_out(token, seconds):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(seconds)
        theirs.sendall(token.encode())
        received = ours.recv(100).decode()
        try:
            ours.recv(100)
        except TimeoutError:
            return received
        return "did not time out"


@view
def socket_receive_timeout_option(token, seconds):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        whole = int(seconds)
        option = whole.to_bytes(8, "little") + int((seconds - whole) * 1e6).to_bytes(8, "little")
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, option)
        try:
            ours.recv(100)
        except BlockingIOError:
            return token
        return "did not time out"


@view
def socket_accept(token, seconds):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def call():
            with socket.create_connection(listener.getsockname()) as connection:
                connection.sendall(token.encode())

        later(seconds, call)
        connection, _ = listener.accept()
        with connection, connection.makefile() as lines:
            return lines.read()


@view
def socket_send_to_a_full_buffer(token, seconds):
    ours, theirs = socket.socketpair()
    received = bytearray()
    sent = b"." * (4 << 20) + token.encode()

    def drain():
        while len(received) < len(sent):
            received.extend(theirs.recv(1 << 20))

    with ours, theirs:
        later(seconds, drain)
        ours.sendall(sent)
        wait_until(lambda: len(received) == len(sent))
    return received[4 << 20:].decode()


def tls_connection(timeout):
    context = ssl.create_default_context(cafile=os.environ["UPSTREAM_CA"])
    host, port = upstream("UPSTREAM_TLS")
    connection = socket.create_connection(("127.0.0.1", port), timeout=timeout)
    return context.wrap_socket(connection, server_hostname=host)


@view
def tls_blocking(token, seconds):
    with tls_connection(None) as connection:
        ask(connection, token, seconds)
        return read_answer(connection.recv)


@view
def tls_with_timeout(token, seconds):
    with tls_connection(20) as connection:
        ask(connection, token, seconds)
        return read_answer(connection.recv)


@view
def with_urllib(token, seconds):
    with urllib.request.urlopen(url("UPSTREAM", token, seconds), timeout=20) as answer:
        return answer.read().decode()


@view
def with_urllib_tls(token, seconds):
    context = ssl.create_default_context(cafile=os.environ["UPSTREAM_CA"])
    address = url("UPSTREAM_TLS", token, seconds)
    with urllib.request.urlopen(address, context=context) as answer:
        return answer.read().decode()


@view
def with_requests(token, seconds):
    import requests

    return requests.get(url("UPSTREAM", token, seconds), timeout=20).text


@view
def with_requests_tls(token, seconds):
    import requests

    address = url("UPSTREAM_TLS", token, seconds)
    return requests.get(address, timeout=20, verify=os.environ["UPSTREAM_CA"]).text


@view
def with_httpx(token, seconds):
    import httpx

    # trust_env and verify cost a tenth of a second of reading certificates each time.
    return httpx.get(url("UPSTREAM", token, seconds), timeout=20, verify=False).text


@view
def with_httpx_tls(token, seconds):
    import httpx

    context = ssl.create_default_context(cafile=os.environ["UPSTREAM_CA"])
    return httpx.get(url("UPSTREAM_TLS", token, seconds), timeout=20, verify=context).text


@view
def with_pycurl(token, seconds):
    import pycurl

    parts = []
    handle = pycurl.Curl()
    handle.setopt(handle.URL, url("UPSTREAM", token, seconds))
    handle.setopt(handle.WRITEFUNCTION, parts.append)
    handle.setopt(handle.NOSIGNAL, 1)
    handle.perform()
    handle.close()
    return b"".join(parts).decode()


@view
def with_pycurl_tls(token, seconds):
    import pycurl

    parts = []
    handle = pycurl.Curl()
    handle.setopt(handle.URL, url("UPSTREAM_TLS", token, seconds))
    handle.setopt(handle.CAINFO, os.environ["UPSTREAM_CA"])
    handle.setopt(handle.WRITEFUNCTION, parts.append)
    handle.perform()
    handle.close()
    return b"".join(parts).decode()


def grpc_stub():
    import grpc

    channel = grpc.insecure_channel(os.environ["GRPC"])
    return channel, channel.unary_unary("/unicoro.Slow/Echo")


@view
def with_grpcio(token, seconds):
    channel, echo = grpc_stub()
    with channel:
        return echo(f"{token} {seconds}".encode(), timeout=20).decode()
