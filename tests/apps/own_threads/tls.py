"""Connections over TLS that end badly, beside sound ones: OpenSSL keeps a queue of errors for each
thread, and who finds an error there takes it for its own."""

import os
import socket
import ssl
import time
from urllib.parse import urlsplit

import certifi
import requests
from OpenSSL import SSL

from .views import Views, unless_equal

UPSTREAM = os.environ["UPSTREAM_TLS"]
CERTIFICATE = os.environ["UPSTREAM_CA"]
HOST, PORT = urlsplit(UPSTREAM).hostname, urlsplit(UPSTREAM).port

application = Views()


def trust_nobody_here():
    """One certificate of an authority that has not signed the server's."""
    end = "-----END CERTIFICATE-----\n"
    path = os.path.join(os.environ["SCRATCH"], "another.pem")
    with open(certifi.where()) as known, open(path, "w") as one:
        one.write(known.read().partition(end)[0] + end)
    return path


ANOTHER = trust_nobody_here()


@application.view
def ends_without_close_notify(number):
    answer = requests.get(f"{UPSTREAM}?token=number{number}&for=0.01&ragged=1", verify=CERTIFICATE)
    return unless_equal(answer.text, f"number{number}")


@application.view
def sound_beside_unverified(number):
    """Every other one does not trust the server."""
    is_bad = number % 2 == 0
    context = ssl.create_default_context(cafile=ANOTHER if is_bad else CERTIFICATE)
    try:
        with socket.create_connection((HOST, PORT)) as plain:
            with context.wrap_socket(plain, server_hostname=HOST) as secure:
                if is_bad:
                    return "verified"
                secure.sendall(f"GET /?token={number}&for=0.01 HTTP/1.0\r\n\r\n".encode())
                answer = b"".join(iter(lambda: secure.recv(100), b""))
                body = answer.partition(b"\r\n\r\n")[2].decode()
                return unless_equal(body, str(number))
    except ssl.SSLCertVerificationError as error:
        return None if is_bad else f"another's: {error!r}"


@application.view
def sound_beside_unverified_by_requests(number):
    is_bad = number % 2 == 0
    try:
        trusted = ANOTHER if is_bad else CERTIFICATE
        answer = requests.get(f"{UPSTREAM}?token={number}&for=0.01", verify=trusted)
        return unless_equal((is_bad, answer.text), (False, str(number)))
    except requests.exceptions.SSLError as error:
        expected = "CERTIFICATE_VERIFY_FAILED" in str(error)
        return None if is_bad and expected else f"another's: {error!r}"


@application.view
def pyopenssl_beside_unverified(number):
    """pyOpenSSL asks a function of Python's about the certificate, in the midst of the handshake."""
    is_bad = number % 2 == 0

    def verify(connection, certificate, error, depth, is_good):
        time.sleep(0.002)
        return not is_bad

    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_PEER, verify)
    with socket.create_connection((HOST, PORT)) as plain:
        secure = SSL.Connection(context, plain)
        secure.set_tlsext_host_name(HOST.encode())
        secure.set_connect_state()
        try:
            secure.do_handshake()
        except SSL.Error as error:
            reason = error.args[0][0][2]
            return unless_equal((is_bad, reason), (True, "certificate verify failed"))
        if is_bad:
            return "verified"
        secure.sendall(f"GET /?token={number}&for=0.01 HTTP/1.0\r\n\r\n".encode())
        answer = b""
        try:
            while True:
                answer += secure.recv(100)
        except (SSL.ZeroReturnError, SSL.SysCallError, SSL.Error):
            pass  # the end, without close_notify
        return unless_equal(answer.partition(b"\r\n\r\n")[2].decode(), str(number))
