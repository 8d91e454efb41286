"""What one connection may carry."""

from talk import behaviour, chunked, plain, request

plain("closing", request("GET /hello", "Connection: close"))
plain("kept_on_1_0", request("GET /hello HTTP/1.0", "Connection: keep-alive"))
plain("closing_on_1_0", request("GET /hello HTTP/1.0"))
plain("upgrade_to_the_unknown", request("GET /hello", "Connection: Upgrade", "Upgrade: h2c", "HTTP2-Settings: AAMA"))
plain("post_on_1_0", request("POST /count HTTP/1.0", body="abc"))


@behaviour
def kept_for_many(talk):
    with talk.connect() as connection:
        for path in ("/hello", "/json", "/stream", "/status/304", "/absent", "/empty", "/large", "/hello"):
            connection.send(request(f"GET {path}"))
            connection.answer()


@behaviour
def pipelined(talk):
    data = b"".join(
        [
            request("GET /hello"),
            request("POST /count", body="abc"),
            request("GET /context?1"),
            request("GET /stream"),
            request("GET /json"),
        ]
    )
    talk.sent.append(data)
    with talk.connect() as connection:
        connection.send(data)
        for _ in range(5):
            talk.expect(connection.answer(), 200)
        talk.look_whether_kept(connection)


@behaviour
def pipelined_and_closing(talk):
    data = request("GET /hello") + request("GET /json", "Connection: close") + request("GET /hello")
    talk.sent.append(data)
    with talk.connect() as connection:
        connection.send(data)
        for _ in range(3):
            connection.answer()


@behaviour
def done_with_sending(talk):
    with talk.connect() as connection:
        connection.send(request("GET /context?1"))
        connection.finish_sending()
        talk.expect(connection.answer(), (200, None))


def malformed(name, data):
    plain(name, data, (400, None))


malformed("malformed_line", b"nonsense\r\n\r\n")
malformed("malformed_field", b"GET /hello HTTP/1.1\r\nHost: test\r\nno colon\r\n\r\n")
malformed("malformed_length", b"POST /count HTTP/1.1\r\nHost: test\r\nContent-Length: x\r\n\r\n")
malformed("malformed_chunk", b"POST /count HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n")
plain("malformed_version", b"GET /hello HTTP/3.7\r\nHost: test\r\n\r\n", (400, 505))
plain("host_missing", b"GET /hello HTTP/1.1\r\n\r\n", (200, 400))
malformed("lengths_that_differ", request("POST /count", "Content-Length: 2", body="abc"))
malformed("length_beside_chunks", chunked("POST /count", "abc", fields=("Content-Length: 3",)))
plain("coding_unknown", request("POST /count", "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n", (200, 501))
