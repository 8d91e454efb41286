"""What an application is told of a request."""

from talk import behaviour, plain, request

for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
    plain(f"method_{method.lower()}", request(f"{method} /echo"))

plain("method_of_ones_own", request("PURGE /purge"))
plain("query_string", request("GET /echo?a=1&a=2&b=&c=%20+%C3%A9&=x&d&e=%zz"))
plain("query_parsed", request("GET /args?a=1&a=2&b=&c=%20%2B+%C3%A9"))
plain("query_empty", request("GET /echo?"))
plain("path_percent_encoded", request("GET /echo/a%20b/%C3%A9%25"))
plain("path_with_encoded_slash", request("GET /echo/a%2Fb"))
plain("path_with_dot_segments", request("GET /echo/a/../b/./c"), (200, 404))
plain("path_with_empty_segments", request("GET /echo/a//b"), (200, 404))
plain("path_not_utf_8", request("GET /echo/%ff"))
plain("path_with_sub_delimiters", request("GET /echo/a;b=1,c@d:e!$&'()*+~"))
plain("path_parameter", request("GET /items/7"))
plain("path_parameter_of_wrong_kind", request("GET /items/seven"), (400, 404, 422))
plain("path_with_two_slashes_first", request("GET //echo"), (200, 301, 404))
plain("query_with_question_mark", request("GET /echo?a?b=c/d:e@f"))
plain("query_long", request("GET /echo?" + "q" * 3000))
plain("method_in_lower_case", request("get /echo"), (200, 400, 404, 405))
plain("target_absolute", request("GET http://example.org/echo?a"))
plain("target_asterisk", request("OPTIONS *"), (200, 204, 404, 405))
plain("host_with_port", b"GET /echo HTTP/1.1\r\nHost: example.org:8080\r\n\r\n")
plain("fields_repeated", request("GET /echo", "X-A: 1", "X-B: 2", "x-a: 3", "X-A: 4"))
plain("fields_empty_and_padded", request("GET /echo", "X-Empty:", "X-Padded: \t a b \t "))
plain("fields_in_latin_1", request("GET /echo", "X-Latin: caf\xe9"))
plain("fields_with_underscores", request("GET /echo", "X_Under: 1", "X-Under: 2"))
plain("field_long", request("GET /echo", "X-Long: " + "x" * 7000))
plain("fields_many", request("GET /echo", *(f"X-{number}: {number}" for number in range(90))))
plain("fields_of_content_negotiation", request("GET /echo", "Accept: text/html, */*;q=0.5", "Accept-Language: de"))
plain("cookies_taken", request("GET /cookies", 'Cookie: a=b; c="d e"; f=', "Cookie: g=h"))
plain("authorization", request("GET /echo", "Authorization: Basic YTpi"))
plain("version_1_0", request("GET /echo HTTP/1.0"))
plain("mounted", request("GET /mounted/echo?a"))
plain("mounted_root", request("GET /mounted/"), (200, 404))
plain("slash_too_few", request("GET /mounted"), (200, 301, 307, 308, 404))
plain("forwarded_scheme", request("GET /echo", "X-Forwarded-Proto: https"))
plain("forwarded_client", request("GET /echo", "X-Forwarded-For: 203.0.113.7"))
plain("forwarded_clients", request("GET /echo", "X-Forwarded-For: 203.0.113.7, 198.51.100.3, 127.0.0.1"))
plain("forwarded_client_with_port", request("GET /echo", "X-Forwarded-For: [2001:db8::7]:81"))
plain("forwarded_client_in_lines", request("GET /echo", "X-Forwarded-For: 203.0.113.7", "X-Forwarded-For: 127.0.0.1"))
plain("forwarded_host", request("GET /echo", "X-Forwarded-Host: example.org", "X-Forwarded-Port: 81"))
plain("forwarded_nonsense", request("GET /echo", "X-Forwarded-Proto: gopher", "X-Forwarded-For:"))
plain("state_of_the_lifespan", request("GET /state"))


@behaviour
def state_is_each_requests_own(talk):
    talk.ask(request("GET /state?change"))
    talk.ask(request("GET /state"))
