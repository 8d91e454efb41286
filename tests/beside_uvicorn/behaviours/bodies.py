"""What clients send."""

from talk import FORM, MULTIPART, behaviour, chunked, part, plain, request

LARGE = "0123456789abcdef" * 65536
FILE = part("field", "a value") + part("file", "\x01\x02" * 1000, "f.txt") + "--xyz--\r\n"
LARGE_FILE = part("field", "b") + part("file", LARGE * 2, "large.txt") + "--xyz--\r\n"
TWO_FIELDS = part("field", "a\r\n--xy") + part("file", "", "empty.txt") + "--xyz--\r\n"

plain("body_text", request("POST /echo", body="hello", kind="text/plain"))
plain("body_empty", request("POST /echo", body=""))
plain("body_of_get", request("GET /count", body="abc"))
plain("body_large", request("POST /count", body=LARGE))
plain("body_chunked", chunked("POST /echo", "abc", "de", "f" * 300))
plain("body_chunked_empty", chunked("POST /echo"))
plain("body_chunked_with_trailer", chunked("POST /echo", "abc", trailer="X-Trailer: 1\r\n"))
plain("body_chunked_large", chunked("POST /count", *["x" * 10_000] * 100))
plain("json", request("POST /json", body='{"a": [1, null, "\\u00e9"]}', kind="application/json"))
plain("json_malformed", request("POST /json", body='{"a": ', kind="application/json"), (400, 422))
plain("json_of_wrong_shape", request("POST /json", body="[1]", kind="application/json"), (200, 400, 422))
plain("form", request("POST /form", body="field=1&other=%20+%C3%A9&field=2", kind=FORM))
plain("form_missing_a_field", request("POST /form", body="other=2", kind=FORM), (200, 400, 422))
plain("form_in_parts", request("POST /form", body=part("field", "1") + "--xyz--\r\n", kind=MULTIPART))
plain("upload", request("POST /upload", body=FILE, kind=MULTIPART))
plain("upload_large", request("POST /upload", body=LARGE_FILE, kind=MULTIPART))
plain("upload_with_what_looks_like_an_end", request("POST /upload", body=TWO_FIELDS, kind=MULTIPART))
plain("upload_malformed", request("POST /upload", body="junk", kind=MULTIPART), (200, 400, 422, 500))
plain("unread", request("POST /hello_by_post", body="x" * 1000))
plain("unread_chunked", chunked("POST /hello_by_post", "x" * 1000))
plain("expectation_unknown", request("POST /count", "Expect: much", body="hello"), (200, 417))
EXTENDED = b"3;a=b\r\nabc\r\n0\r\n\r\n"
plain("body_chunked_with_extension", request("POST /count", "Transfer-Encoding: chunked") + EXTENDED)


@behaviour
def continue_is_asked_for_in_vain(talk):
    """The application answers without a look at the body: no 100 is sent."""
    head = request("POST /hello_by_post", "Expect: 100-continue", "Content-Length: 5")
    talk.sent.append(head)
    with talk.connect() as connection:
        connection.send(head)
        talk.expect(connection.answer(), (100, 200))


@behaviour
def body_in_pieces(talk):
    data = request("POST /echo", body="a" * 10 + "b" * 10)
    talk.sent.append(data)
    with talk.connect() as connection:
        for piece in (data[:20], data[20:-15], data[-15:-5], data[-5:]):
            connection.send(piece)
        talk.expect(connection.answer(), 200)
        talk.look_whether_kept(connection)


@behaviour
def continue_is_asked_for(talk):
    head = request("POST /count", "Expect: 100-continue", "Content-Length: 5")
    talk.sent.append(head)
    with talk.connect() as connection:
        connection.send(head)
        talk.expect(connection.answer(), 100)
        connection.send(b"hello")
        talk.expect(connection.answer(), 200)
        talk.look_whether_kept(connection)


@behaviour
def continue_is_asked_for_by_who_does_not_wait(talk):
    data = request("POST /count", "Expect: 100-continue", body="hello")
    talk.sent.append(data)
    with talk.connect() as connection:
        connection.send(data)
        status = connection.answer()
        # The 100 may be left out (RFC 9110, 10.1.1): it is not compared.
        if status == 100:
            talk.heard.pop()
            status = connection.answer()
        talk.expect(status, 200)
        talk.look_whether_kept(connection)
