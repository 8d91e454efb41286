"""Where a framework's own client says another thing than a server, and why that is right."""

import sys

ASCII = "it takes and gives fields in UTF-8, a server in Latin-1 (ASGI gives bytes)"
BEGUN = "for it an answer begins with its head; a server awaits the first piece, and can still say 500"
COUNTED = "a server counts what it sends (ASGI's HTTP specification)"
ONE_JAR = "a server passes two Cookie lines as two fields; the client has one of a name"
PATHSEND = "a server with http.response.pathsend has it sent, which GZipMiddleware lets pass: no Vary"
PROXY = "what a proxy says of the client is a server's to take (forwarded_allow_ips)"
QUERY_IN_RAW_PATH = "it leaves the query in raw_path, which is without it (ASGI's HTTP specification)"
RAISES = "it raises what the application raises, or has an empty 500, where a server has an answer for it"
REFUSED = "a server refuses it before the application hears of it"
UNDERSCORES = "left out by a server, as by gunicorn (header_map)"
UNREAD_BODY = "a server is done with a request whose answer is whole; the client still gives out its body"
WITHOUT_MOUNTS = "it calls the application below its mounts"

# FastAPI's client is Starlette's.
STARLETTES = {
    "fields_of_ones_own": ASCII,
    "file": PATHSEND,
    "file_not_modified": PATHSEND,
    "longer_than_its_length": COUNTED,
    "websocket_fails": RAISES,
    "websocket_fails_before_it_is_accepted": RAISES,
}

# By framework, or under "every".
BY_RIGHT = {
    "every": {
        "expectation_unknown": REFUSED,
        "fields_with_underscores": UNDERSCORES,
        "forwarded_scheme": PROXY,
        "lengths_that_differ": REFUSED,
        "pipelined_and_closing": "a server closes behind the last answer",
        "websocket_close_of_one_byte": REFUSED,
        "websocket_close_with_a_code_not_to_be_sent": REFUSED,
        "websocket_of_another_version": REFUSED,
    },
    "fastapi": STARLETTES,
    "starlette": STARLETTES | {"disconnect_behind_the_answer": UNREAD_BODY},
    "litestar": {
        "background_task_that_fails": RAISES,
        "cookies_taken": ONE_JAR,
        "disconnect_behind_the_answer": UNREAD_BODY,
        "exception_behind_pieces": RAISES,
        "exception_in_the_first_piece": RAISES,
        "fields_of_ones_own": ASCII,
        "fields_repeated": "it joins fields of one name",
        "forwarded_client_in_lines": "it joins fields of one name",
        "longer_than_its_length": COUNTED,
        "mounted": QUERY_IN_RAW_PATH,
        "query_empty": QUERY_IN_RAW_PATH,
        "query_long": QUERY_IN_RAW_PATH,
        "query_string": QUERY_IN_RAW_PATH,
        "query_with_question_mark": QUERY_IN_RAW_PATH,
        "websocket_scope": QUERY_IN_RAW_PATH,
    },
    "quart": {
        "exception_in_the_first_piece": BEGUN,
        "fields_in_latin_1": ASCII,
        "fields_of_ones_own": ASCII,
        "longer_than_its_length": COUNTED,
        "redirect": ASCII,
        "websocket_closed_with_a_code": "it gives no reasons",
        "websocket_subprotocol": "it gives no fields of what was accepted",
    },
    "django": {
        "cookies_taken": ONE_JAR,
        "exception_in_the_first_piece": BEGUN,
        "longer_than_its_length": COUNTED,
    },
    "blacksheep": {
        "exception_behind_pieces": "what came of its stream before is lost with the exception",
        "exception_in_the_first_piece": BEGUN,
        "mounted": WITHOUT_MOUNTS,
        "mounted_root": WITHOUT_MOUNTS,
        "slash_too_few": WITHOUT_MOUNTS,
        "websocket_scope": "it makes the scope of an HTTP request with another type",
    },
}
if sys.version_info < (3, 11):
    # With the Starlette of that time (tests/requirements.txt).
    BY_RIGHT["starlette"]["exception_behind_pieces"] = RAISES
