"""A server for the apps' own HTTP clients: answers slowly, plain and over TLS.

`GET /` is answered with "from upstream" after 0.3 s, `GET /?token=T&for=S` with T after S seconds,
with `times=N` with N times T, and with `within=1` the pause comes in the middle of the body. With
`ragged=1` the body ends with the connection, and TLS is not told so (close_notify).
`GET /connections?pool=P` counts the open connections that have asked with `pool=P`.

Prints both addresses and the path of the certificate to trust, and lives until its stdin ends.
"""

import os
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


POOLS = {}


class Slow(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        asked = urlsplit(self.path)
        wanted = {name: values[0] for name, values in parse_qs(asked.query).items()}
        pool = wanted.get("pool")
        if asked.path == "/connections":
            return self.answer(str(list(POOLS.values()).count(pool)).encode(), 0, 0)
        POOLS[self] = pool
        body = int(wanted.get("times", 1)) * wanted.get("token", "from upstream").encode()
        begun = len(body) // 2 if wanted.get("within") == "1" else 0
        self.close_connection = self.close_connection or wanted.get("ragged") == "1"
        self.answer(body, float(wanted.get("for", 0.3)), begun)

    def answer(self, body, seconds, begun):
        if not begun:
            time.sleep(seconds)
        self.send_response(200)
        if self.close_connection:
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if begun:
            self.wfile.write(body[:begun])
            time.sleep(seconds)
        self.wfile.write(body[begun:])

    def finish(self):
        POOLS.pop(self, None)
        super().finish()

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    context = None

    def finish_request(self, request, client_address):
        # In the connection's own thread: a handshake must not hold up the others.
        if self.context is not None:
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)
        if self.context is not None:
            request.close()

    def handle_error(self, request, client_address):
        pass  # a client that has left is nobody's business


def make_certificate(directory):
    certificate, key = (os.path.join(directory, name) for name in ("certificate.pem", "key.pem"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-addext", "keyUsage=critical,digitalSignature,keyCertSign",
         "-out", certificate, "-keyout", key],
        check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return certificate, key


def main():
    with tempfile.TemporaryDirectory(prefix="unicoro-upstream.") as directory:
        certificate, key = make_certificate(directory)
        plain = Server(("127.0.0.1", 0), Slow)
        tls = Server(("127.0.0.1", 0), Slow)
        tls.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.context.load_cert_chain(certificate, key)
        for server in (plain, tls):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        addresses = f"http://127.0.0.1:{plain.server_port}/ https://localhost:{tls.server_port}/"
        print(addresses, certificate, flush=True)
        sys.stdin.read()


main()
