//! A request and its answer: the scope, what `send` makes of messages, and what the application may do
//! meanwhile.

use std::os::unix::net::UnixStream;

use crate::support::client::{exchange_over, get_and_close};
use crate::support::{Client, Engine, Launch, Response, Server, wait};

fn start(arguments: &[&str]) -> Server {
    Server::start(Engine::Coroutine, "asynchronous", arguments)
}

fn shown(response: &Response, what: &str) {
    assert!(response.text().contains(what), "no {what} in {}", response.text());
}

#[test]
fn the_scope_is_whole() {
    let server = start(&["--forwarded-allow-ips", "*"]);
    let mut client = server.connect();
    client.send(
        "POST /a%20%C3%A9%2Fb?c=%20d HTTP/1.1\r\nHost: example\r\nX-Two: 1\r\nx-two: \u{e9}\r\n\
         X-Forwarded-Proto: https\r\nContent-Length: 0\r\n\r\n",
    );
    let response = client.response();
    for what in [
        r#""type": "http""#,
        r#""asgi": {"version": "3.0", "spec_version": "2.5"}"#,
        r#""http_version": "1.1""#,
        r#""method": "POST""#,
        r#""scheme": "https""#,
        r#""path": "/a \u00e9/b""#,
        r#""raw_path": "/a%20%C3%A9%2Fb""#,
        r#""query_string": "c=%20d""#,
        r#""root_path": """#,
        r#"["host", "example"], ["x-two", "1"], ["x-two", "\u00c3\u00a9"]"#,
        r#""client": "127.0.0.1""#,
        r#""server": "127.0.0.1""#,
        r#""state": {}"#,
    ] {
        shown(&response, what);
    }
    client.send("GET /scope HTTP/1.0\r\n\r\n");
    shown(&client.response(), r#""http_version": "1.0""#);
    server.stop();
}

#[test]
fn root_path_stands_before_the_path() {
    let server = start(&["--root-path", "/api"]);
    let response = server.get("/scope?x");
    for what in [r#""root_path": "/api""#, r#""path": "/api/scope""#, r#""raw_path": "/api/scope""#]
    {
        shown(&response, what);
    }
    server.stop();
}

#[test]
fn answers_are_framed_as_their_heads_say() {
    let server = start(&[]);
    let mut client = server.connect();
    let response = client.get("/");
    assert_eq!((response.status, response.text().as_str()), (200, "Hello, world!"));
    assert_eq!(response.header("content-length"), Some("13"));
    let streamed = client.get("/stream");
    assert_eq!(streamed.header("transfer-encoding"), Some("chunked"));
    assert_eq!(streamed.text(), "abcdef");
    let empty = client.get("/no_content");
    assert_eq!((empty.status, empty.header("content-length")), (204, None));
    client.send("HEAD / HTTP/1.1\r\nHost: test\r\n\r\n");
    let head = client.response_to_head();
    assert_eq!((head.status, head.header("content-length")), (200, Some("13")));
    // All on one connection, and the pipelined ones in their order.
    let two = ["/own_context?1", "/own_context?2"];
    client.send(two.map(|path| format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")).concat());
    let answers = [client.response().text(), client.response().text()];
    assert_eq!(answers, ["nothing then 1", "nothing then 2"]);
    server.stop();
}

#[test]
fn each_request_has_a_context_of_its_own() {
    let server = start(&[]);
    let paths = (0..20).map(|number| format!("/own_context?{number}"));
    let mut clients = server.waiting_for_each(paths);
    for (number, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.response().text(), format!("nothing then {number}"));
    }
    server.stop();
}

#[test]
fn many_requests_wait_together() {
    let server = start(&[]);
    let began = std::time::Instant::now();
    server.answers_at_once(200, "/sleep", "slept");
    // One after the other, a minute.
    assert!(began.elapsed().as_secs() < 20);
    server.stop();
}

#[test]
fn asyncio_works_in_an_application() {
    for (name, module) in [("asyncio", "asyncio"), ("uvloop", "uvloop"), ("auto", "uvloop")] {
        let server = start(&["--loop", name]);
        let text = server.get("/facilities").text();
        assert_eq!(text, format!("thread http.request child True {module}"));
        server.stop();
    }
}

#[test]
fn an_application_that_fails_is_answered_500_and_logged() {
    let mut server = start(&[]);
    server.expect_errors();
    for path in ["/fail", "/fail_before_body"] {
        assert_eq!(server.get(path).status, 500);
    }
    server.wait_for_log("ValueError: on purpose");
    assert!(!server.log().contains("unicoro._asgi"), "{}", server.log());
    assert_eq!(server.get("/answer_nothing").status, 500);
    server.wait_for_log("GET /answer_nothing: the application returned without a response");
    // What has left cannot be taken back: the client sees that it is not whole.
    let answer = server.exchange("GET /fail_begun HTTP/1.1\r\nHost: test\r\n\r\n");
    assert!(answer.ends_with("\r\n\r\nabc"), "{answer}");
    assert_eq!(server.get("/").text(), "Hello, world!");
    server.stop();
}

#[test]
fn a_body_that_is_longer_than_its_head_says_is_refused_where_it_is_sent() {
    let mut server = start(&[]);
    server.expect_errors();
    assert_eq!(server.get("/longer").status, 500);
    server.wait_for_log("RuntimeError: Response content longer than Content-Length");
    // Behind what has left already: the client sees that it is not whole.
    let answer = server.exchange("GET /longer?late HTTP/1.1\r\nHost: test\r\n\r\n");
    assert!(answer.ends_with("\r\n\r\nab"), "{answer}");
    server.stop();
}

#[test]
fn the_client_is_whom_trusted_proxies_name() {
    let request = "GET /scope HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: 203.0.113.7, 127.0.0.1\r\nConnection: close\r\n\r\n";
    for (arguments, client) in
        [(&[][..], "203.0.113.7"), (&["--forwarded-allow-ips", "192.0.2.1"], "127.0.0.1")]
    {
        let server = start(arguments);
        let answer = server.exchange(request);
        assert!(answer.contains(&format!(r#""client": "{client}""#)), "{answer}");
        server.stop();
    }
}

#[test]
fn messages_that_are_wrong_are_refused_where_they_are_sent() {
    let server = start(&[]);
    let wrong = "RuntimeError RuntimeError TypeError ValueError TypeError";
    assert_eq!(server.get("/misuse").text(), wrong);
    server.wait_for_notes("sent, after response already completed.\nhttp.disconnect");
    server.stop();
}

#[test]
fn what_is_wrong_with_a_message_is_said_where_it_is_awaited() {
    let server = start(&[]);
    let text = server.get("/misuse_in_words").text();
    let said: Vec<&str> = text.lines().collect();
    for (said, what) in said.iter().zip([
        "give headers.items(), and bytes, not dict: {b'a': b'b'}",
        "a header is [name, value], both bytes, and not (b'a', b'b', b'c')",
        "the name of a header is bytes, not str: 'x-name'",
        "the value of the header b'x-value' is bytes, not NoneType: None",
        "the value of the header b'x-value' is bytes, not int: 7",
        "the status of an http.response.start is an int from 100 to 999, not int: 70000",
        "the type of an ASGI message is a str, not int: 7",
        "an ASGI message is a dict, not list: [1]",
        "RuntimeError(\"Unexpected ASGI message 'bogus' sent.\")",
    ]) {
        assert!(said.ends_with(what), "{said}, and not {what}");
    }
    assert_eq!(said.len(), 9, "{text}");
    server.stop();
}

#[test]
fn the_server_of_a_unix_socket_is_its_path() {
    let launch = Launch::new(Engine::Coroutine);
    let path = launch.scratch.file("socket");
    let bind = format!("unix:{}", path.display());
    let server = launch.args(&["-b", &bind, "asynchronous"]).start_unbound();
    wait::until_true("the socket", || UnixStream::connect(&path).is_ok());
    let answer = exchange_over(&path, get_and_close("/server"));
    assert!(answer.ends_with(&format!("(('{}', None), None)", path.display())), "{answer}");
    server.stop();
}

#[test]
fn empty_lines_before_a_request_are_none_of_its_line() {
    let mut server = start(&[]);
    server.expect_errors();
    let answer =
        server.exchange("\r\nGET /fail HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    server.wait_for_log("Error handling request GET /fail");
    server.stop();
}

#[test]
fn a_request_that_breaks_the_rules_does_not_reach_the_application() {
    let server = start(&["--limit-request-line", "100", "--limit-request-fields", "10"]);
    let long = format!("GET /{} HTTP/1.1\r\nHost: test\r\n\r\n", "x".repeat(200));
    let many = format!("GET / HTTP/1.1\r\nHost: test\r\n{}\r\n", "A: b\r\n".repeat(20));
    for (request, status) in [
        (long.as_str(), "414"),
        (&many, "431"),
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "400",
        ),
    ] {
        let answer = server.exchange(request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    server.stop();
}

#[test]
fn the_access_log_has_a_line_for_each_request() {
    let server = start(&["--access-logfile", "-"]);
    let mut client: Client = server.connect();
    client.send("GET /stream?a HTTP/1.1\r\nHost: test\r\nUser-Agent: suite\r\n\r\n");
    client.response();
    let line = server.access_line();
    assert!(line.contains("\"GET /stream?a HTTP/1.1\" 200 6 \"-\" \"suite\""), "{line}");
    server.stop();
}
