"""What is not compared, and what differs on purpose. docs/asgi.md says the latter to users."""

from talk import BEHAVIOURS

NO_MEANS = "the framework has no means for it"
# Of each framework: what it does not do, or cannot show.
LACKS = {
    "fastapi": {
        "client_leaves_a_stream": "behind @app.middleware its generator ends when it is collected",
        "client_leaves_while_it_is_waited_for": "is_disconnected() sees nothing behind @app.middleware",
    },
    "starlette": {},
    "litestar": {
        "method_of_ones_own": NO_MEANS,
    },
    "quart": {
        "disconnect_behind_the_answer": NO_MEANS,
        "file_range_of_the_end": "a 500 of its own",
        "gzip": NO_MEANS,
        "gzip_not_wanted": NO_MEANS,
        "gzip_stream": NO_MEANS,
    },
    "django": {
        "background_task": NO_MEANS,
        "background_task_that_fails": NO_MEANS,
        "client_leaves_in_its_body": "the view is not called before the body is whole",
        "cors": NO_MEANS,
        "cors_of_a_stranger": NO_MEANS,
        "cors_preflight": NO_MEANS,
        "disconnect_behind_the_answer": NO_MEANS,
        "state_is_each_requests_own": NO_MEANS,
        "state_of_the_lifespan": NO_MEANS,
        **{name: NO_MEANS for name in BEHAVIOURS if name.startswith("websocket")},
    },
    "blacksheep": {
        "background_task": NO_MEANS,
        "background_task_that_fails": NO_MEANS,
        "client_leaves_a_stream": "under uvicorn, whose send says nothing, it streams for ever",
        "disconnect_behind_the_answer": NO_MEANS,
        "longer_than_its_length": NO_MEANS,
        "shorter_than_its_length": NO_MEANS,
    },
}

WHOLE = "the answer was whole before the application raised: the connection is kept (RFC 9112, 9.3)"
HALF_CLOSED = "a client that has closed its sending end alone is answered (RFC 9112, 9.6)"
NO_LENGTH = "a 204 has no Content-Length (RFC 9110, 8.6)"
OWN_PAGE = "what the server itself answers is a page of its own, which says the rule"
HOP_BY_HOP = "of the connection the server speaks, not the application (RFC 9110, 7.6.1)"
TOO_LONG = "nothing has left, so the client hears that it has failed"
NOTHING_LEFT = "an answer begins with the first piece of its body (ASGI's HTTP specification), so it can still be a 500"
SAID = "an answer in a WebSocket's place has a reason, and says if its connection is closed"
PROTOCOL = "the client is told why: 1002 (RFC 6455, 7.4.1)"
NOT_AWAITED = "no body is awaited, and the client is told so (RFC 9110, 10.1.1)"
VANISHED = "no close frame has come: 1006 (RFC 6455, 7.1.5)"
TOLD = "the client is told that the server has failed: 1011"
PATHSEND = "sent by http.response.pathsend, which Starlette's GZipMiddleware lets pass: no Vary"
# Why the answers differ, by framework, or under "every"; and what ours shows then.
ON_PURPOSE = {
    "every": {
        "body_chunked_with_trailer": ("trailers are no headers (RFC 9110, 6.5.1)", '["transfer-encoding'),
        "coding_unknown": ("a coding that is not known cannot be undone (RFC 9112, 6.1)", "501 Not Implemented"),
        "expectation_unknown": ("it cannot be met (RFC 9110, 10.1.1)", "417 Expectation Failed"),
        "fields_empty_and_padded": ("space around a value is no part of it (RFC 9110, 5.5)", "a b"),
        "fields_with_underscores": ("left out by default, as by gunicorn (header_map)", "x-under"),
        "host_missing": ("HTTP/1.1 asks for it (RFC 9112, 3.2)", "400 Bad Request"),
        "kept_on_1_0": ("an HTTP/1.0 client that asks for it keeps its connection (RFC 9112, 9.3)", "'keep-alive'"),
        "length_beside_chunks": (OWN_PAGE, "400 Bad Request"),
        "lengths_that_differ": (OWN_PAGE, "400 Bad Request"),
        "malformed_chunk": (OWN_PAGE, "400 Bad Request"),
        "malformed_field": (OWN_PAGE, "400 Bad Request"),
        "malformed_length": (OWN_PAGE, "400 Bad Request"),
        "malformed_line": (OWN_PAGE, "400 Bad Request"),
        "malformed_version": (OWN_PAGE, "505 HTTP Version Not Supported"),
        "method_in_lower_case": (OWN_PAGE, "400 Bad Request"),
        "stream_on_1_0": ("HTTP/1.0 knows no chunks (RFC 9112, 6.1)", "piece 2\\n(to the end)"),
        "target_absolute": ("the authority of the target replaces Host (RFC 9112, 3.2.2)", "example.org"),
        "websocket_absent": (SAID, "40"),
        "websocket_close_of_one_byte": (PROTOCOL, "one byte"),
        "websocket_close_with_a_code_not_to_be_sent": (PROTOCOL, "reserved"),
        "websocket_denied": (SAID, "4"),
        "websocket_fails_before_it_is_accepted": (SAID, "HTTP/1.1"),
        "websocket_not_utf_8": ("the client is told why: 1007 (RFC 6455, 8.1)", "not UTF-8"),
        "websocket_of_another_version": (SAID, "426 Upgrade Required"),
        "websocket_ping_too_long": (PROTOCOL, "125 bytes"),
        "websocket_refused": (SAID, "403 Forbidden"),
        "websocket_unknown_opcode": (PROTOCOL, "reserved"),
        "websocket_unmasked": (PROTOCOL, "not masked"),
    },
    "fastapi": {
        "background_task_that_fails": (WHOLE, "Hello, world!"),
        "continue_is_asked_for_in_vain": (NOT_AWAITED, "'close'"),
        "done_with_sending": (HALF_CLOSED, "nothing then 1"),
        "exception": (WHOLE, "Hello, world!"),
        "exception_behind_pieces": (WHOLE, "Hello, world!"),
        "exception_in_the_first_piece": (WHOLE, "Hello, world!"),
        "file": (PATHSEND, "accept-ranges"),
        "file_not_modified": (PATHSEND, "accept-ranges"),
        "longer_than_its_length": (TOO_LONG, "500 Internal Server Error"),
        "websocket_client_vanishes": (VANISHED, "1006"),
        "websocket_fails": (TOLD, "\\x03\\xf3"),
    },
    "starlette": {
        "background_task_that_fails": (WHOLE, "Hello, world!"),
        "continue_is_asked_for_in_vain": (NOT_AWAITED, "'close'"),
        "done_with_sending": (HALF_CLOSED, "nothing then 1"),
        "exception": (WHOLE, "Hello, world!"),
        "head_of_exception": (WHOLE, "Hello, world!"),
        "exception_in_the_first_piece": (WHOLE, "500 Internal Server Error"),
        "file": (PATHSEND, "accept-ranges"),
        "file_not_modified": (PATHSEND, "accept-ranges"),
        "longer_than_its_length": (TOO_LONG, "500 Internal Server Error"),
        "websocket_client_vanishes": (VANISHED, "1006"),
        "websocket_fails": (TOLD, "\\x03\\xf3"),
    },
    "litestar": {
        "background_task_that_fails": (WHOLE, "Hello, world!"),
        "continue_is_asked_for_in_vain": (NOT_AWAITED, "'close'"),
        "done_with_sending": (HALF_CLOSED, "nothing then 1"),
        "events": (HOP_BY_HOP, "text/event-stream"),
        "exception_in_the_first_piece": (NOTHING_LEFT, "500 Internal Server Error"),
        "longer_than_its_length": (TOO_LONG, "500 Internal Server Error"),
        "websocket_client_vanishes": (VANISHED, "1006"),
    },
    "quart": {
        "exception_in_the_first_piece": (NOTHING_LEFT, "500 Internal Server Error"),
        "longer_than_its_length": (TOO_LONG, "500 Internal Server Error"),
        "status_204": (NO_LENGTH, "204 No Content"),
    },
    "django": {
        "exception_in_the_first_piece": (NOTHING_LEFT, "500 Internal Server Error"),
        "longer_than_its_length": (TOO_LONG, "500 Internal Server Error"),
        "status_204": (NO_LENGTH, "204 No Content"),
    },
    "blacksheep": {
        "continue_is_asked_for_in_vain": (NOT_AWAITED, "'close'"),
        "done_with_sending": (HALF_CLOSED, "nothing then 1"),
        "events": (HOP_BY_HOP, "text/event-stream"),
        "exception_in_the_first_piece": (NOTHING_LEFT, "500 Internal Server Error"),
        "status_204": (NO_LENGTH, "204 No Content"),
        "websocket_client_vanishes": (VANISHED, "1006"),
    },
}
