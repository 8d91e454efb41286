"""What applications answer."""

from talk import behaviour, plain, request

plain("text", request("GET /hello"))
plain("json_answered", request("GET /json"))
plain("head_of_text", request("HEAD /hello"), (200, 404, 405))
plain("head_of_stream", request("HEAD /stream"), (200, 404, 405))
plain("head_of_file", request("HEAD /file"), (200, 404, 405))
plain("head_of_absent", request("HEAD /absent"), (404,))
plain("head_of_exception", request("HEAD /fail"), (404, 405, 500))
plain("head_of_json", request("HEAD /json"), (200, 400, 404, 405))
plain("nothing_in_200", request("GET /empty"))
plain("large", request("GET /large"))
plain("cookies_set", request("GET /set_cookies"))
plain("fields_of_ones_own", request("GET /fields"))
for status in (201, 202, 204, 299, 304, 400, 404, 418, 451, 503, 599):
    plain(f"status_{status}", request(f"GET /status/{status}"), status)
plain("redirect", request("GET /redirect"), (302, 307))
plain("stream", request("GET /stream"))
plain("stream_with_length", request("GET /stream_with_length"))
plain("stream_long", request("GET /long_stream"))
plain("stream_empty", request("GET /empty_stream"))
plain("stream_on_1_0", request("GET /stream HTTP/1.0"))
plain("events", request("GET /events", "Accept: text/event-stream"))
plain("file", request("GET /file"))
plain("file_range", request("GET /file", "Range: bytes=0-9"), (200, 206))
plain("file_range_of_the_end", request("GET /file", "Range: bytes=-10"), (200, 206))
plain("file_range_open", request("GET /file", "Range: bytes=99990-"), (200, 206))
plain("file_range_beyond", request("GET /file", "Range: bytes=400000-"), (200, 416))
plain("file_ranges", request("GET /file", "Range: bytes=0-1,5-6"), (200, 206, 416))
plain("file_not_modified", request("GET /file", "If-None-Match: *"), (200, 304))
plain("gzip", request("GET /zipped", "Accept-Encoding: gzip"))
plain("gzip_not_wanted", request("GET /zipped"))
plain("gzip_stream", request("GET /long_stream", "Accept-Encoding: gzip"))
plain("cors", request("GET /hello", "Origin: https://example.org"))
plain("cors_of_a_stranger", request("GET /hello", "Origin: https://example.com"), (200, 400))
plain(
    "cors_preflight",
    request("OPTIONS /hello", "Origin: https://example.org", "Access-Control-Request-Method: GET"),
    (200, 204),
)
plain("middleware", request("GET /hello", "X-Ask-Middleware: 1"))
plain("absent", request("GET /absent"), 404)
plain("method_not_allowed", request("DELETE /hello"), (404, 405))
plain("refused_by_an_exception", request("GET /refuse"), 418)
plain("exception", request("GET /fail"), 500)
plain("exception_of_ones_own", request("GET /fault"), 409)
plain("exception_in_the_first_piece", request("GET /fail_in_first_piece"), (200, 500))
plain("exception_behind_pieces", request("GET /fail_late"))
plain("longer_than_its_length", request("GET /longer"))
plain("shorter_than_its_length", request("GET /shorter"))
plain("synchronous", request("GET /synchronous"))


@behaviour
def session(talk):
    with talk.connect() as connection:
        connection.send(request("GET /session?set=7"))
        talk.expect(connection.answer(), 200)
        cookie = next(value for name, value in connection.fields if name.lower() == "set-cookie")
    talk.ask(request("GET /session", f"Cookie: {cookie.split(';')[0]}"))
