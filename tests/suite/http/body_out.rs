//! Response bodies: framing, streaming, HEAD, 204 and 304, write().

use crate::support::{Response, Server};

fn head(server: &Server, path: &str) -> (Response, bool) {
    let mut client = server.connect();
    client.send(format!("HEAD {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"));
    let response = client.response_to_head();
    (response, client.is_closed())
}

each_of! { Sync, Coroutine, Gunicorn; fn body_with_length_is_sent_as_it_is(engine) {
    let server = Server::start(engine, "writing", &[]);
    let response = server.get("/with_length");
    assert_eq!(response.header("content-length"), Some("6"));
    assert_eq!(response.header("transfer-encoding"), None);
    assert_eq!(response.text(), "abcdef");
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn body_without_length_is_chunked(engine) {
    let server = Server::start(engine, "writing", &[]);
    let response = server.get("/without_length");
    assert_eq!(response.header("transfer-encoding"), Some("chunked"));
    assert_eq!(response.header("content-length"), None);
    assert_eq!(response.text(), "abcdef");
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn http_1_0_body_without_length_ends_with_the_connection(engine) {
    let server = Server::start(engine, "writing", &[]);
    for extra in ["", "Connection: keep-alive\r\n"] {
        let answer = server.exchange(format!("GET /without_length HTTP/1.0\r\n{extra}\r\n"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "abcdef");
        let head = head.to_ascii_lowercase();
        assert!(!head.contains("transfer-encoding") && !head.contains("keep-alive"), "{head}");
    }
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn empty_iterable_is_an_empty_body(engine) {
    let server = Server::start(engine, "writing", &[]);
    let response = server.get("/empty");
    assert_eq!((response.status, response.text().as_str()), (200, ""));
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn each_piece_is_sent_when_it_is_yielded(engine) {
    let server = Server::start(engine, "writing", &[]);
    for path in ["/stream", "/write_at_once"] {
        let mut client = server.connect();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"));
        let start = client.text_until("first");
        assert!(!start.contains("second"));
        server.scratch.write("go-on", "");
        client.text_until("second");
        drop(client);
        std::fs::remove_file(server.scratch.file("go-on")).unwrap();
    }
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn head_keeps_the_length_and_has_no_body(engine) {
    let server = Server::start(engine, "writing", &[]);
    let (response, is_closed) = head(&server, "/with_length");
    assert_eq!(response.header("content-length"), Some("6"));
    assert!(is_closed, "bytes after the head");
    let (response, is_closed) = head(&server, "/without_length");
    assert_eq!(response.status, 200);
    assert!(is_closed, "bytes after the head");
    server.stop();
}}

each_of! { Coroutine, Gunicorn; fn connection_goes_on_after_responses_without_a_body(engine) {
    let server = Server::start(engine, "writing", &[]);
    let mut client = server.connect();
    for path in ["/with_length", "/without_length"] {
        client.send(format!("HEAD {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
        assert_eq!(client.response_to_head().status, 200);
    }
    for (path, status) in [("/no_content", 204), ("/not_modified", 304), ("/with_length", 200)] {
        client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
        assert_eq!(client.response().status, status);
    }
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn no_content_has_neither_body_nor_framing(engine) {
    let server = Server::start(engine, "writing", &[]);
    let mut client = server.connect();
    client.send("GET /no_content HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    let response = client.response();
    assert_eq!((response.status, response.reason.as_str()), (204, "No Content"));
    assert_eq!(response.header("content-length"), None);
    assert_eq!(response.header("transfer-encoding"), None);
    assert!(client.is_closed());
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn not_modified_keeps_its_length_and_has_no_body(engine) {
    let server = Server::start(engine, "writing", &[]);
    let mut client = server.connect();
    client.send("GET /not_modified HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    let response = client.response();
    assert_eq!((response.status, response.header("etag")), (304, Some("\"x\"")));
    assert_eq!(response.header("content-length"), Some("6"));
    assert_eq!(response.header("transfer-encoding"), None);
    assert!(client.is_closed());
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn write_comes_before_the_iterable(engine) {
    let server = Server::start(engine, "writing", &[]);
    assert_eq!(server.get("/write").text(), "onetwosix");
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn large_bodies_arrive_unharmed(engine) {
    let server = Server::start(engine, "writing", &[]);
    for path in ["/large", "/large_without_length"] {
        let body = server.get(path).body;
        assert_eq!(body.len(), 8 << 20);
        let is_whole = body.iter().enumerate().all(|(at, &byte)| usize::from(byte) == at % 256);
        assert!(is_whole, "{path}: bytes lost or out of order");
    }
    server.stop();
}}
