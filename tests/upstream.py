"""A server for the apps' own HTTP clients: answers after 0.3 s, plain and over TLS.

Prints two addresses and lives until its stdin ends. Arguments: certificate and key.
"""

import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Slow(BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0.3)
        body = b"from upstream"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

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


def main():
    plain = Server(("127.0.0.1", 0), Slow)
    tls = Server(("127.0.0.1", 0), Slow)
    tls.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.context.load_cert_chain(*sys.argv[1:3])
    for server in (plain, tls):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{plain.server_port}/ https://localhost:{tls.server_port}/", flush=True)
    sys.stdin.read()


main()
