//! ASGI's extensions: files sent by their path, trailers, early hints.

use std::fs::{self, OpenOptions};

use crate::support::client::get_and_close;
use crate::support::{Engine, Server, wait};

fn start(arguments: &[&str]) -> Server {
    Server::start(Engine::Coroutine, "extended", arguments)
}

fn with_te(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\nTE: trailers\r\nConnection: close\r\n\r\n")
}

/// What follows the head.
fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").expect("a head").1
}

#[test]
fn a_request_is_offered_what_its_client_can_take() {
    let server = start(&[]);
    let (path, hint) = ("http.response.pathsend", "http.response.early_hint");
    assert_eq!(server.get("/").text(), format!("{path} {hint}"));
    let answer = server.exchange(with_te("/"));
    assert_eq!(body(&answer), format!("{path} {hint} http.response.trailers"));
    assert_eq!(body(&server.exchange("GET / HTTP/1.0\r\nTE: trailers\r\n\r\n")), path);
    server.stop();
    let server = start(&["--no-sendfile"]);
    assert_eq!(server.get("/").text(), hint);
    server.stop();
}

#[test]
fn what_a_request_writes_into_its_extensions_no_other_sees() {
    let server = start(&[]);
    for _ in 0..2 {
        assert_eq!(server.get("/mark").text(), "[0, 0]");
        assert_eq!(body(&server.exchange(with_te("/mark"))), "[0, 0, 0]");
    }
    server.stop();
}

#[test]
fn a_file_is_sent_by_its_path() {
    let server = start(&[]);
    let mut client = server.connect();
    for size in [0, 1, 100_000, 9_000_000] {
        let content = server.scratch.fill("file", size);
        for path in ["/file", "/chunked"] {
            assert!(client.get(path).body == content, "{path} of {size}");
        }
    }
    client.send("HEAD /file HTTP/1.1\r\nHost: test\r\n\r\n");
    let head = client.response_to_head();
    assert_eq!(head.header("content-length"), Some("9000000"));
    // A part of it, where fewer were promised.
    assert_eq!(client.get("/of_length?5").body.len(), 5);
    assert_eq!(client.get("/file").body.len(), 9_000_000);
    drop(client);
    server.stop();
}

#[test]
fn what_cannot_be_sent_raises_where_it_is_sent() {
    let mut server = start(&[]);
    server.expect_errors();
    assert_eq!(
        server.get("/refused").text(),
        "FileNotFoundError IsADirectoryError OSError ValueError"
    );
    assert_eq!(server.get("/missing").status, 500);
    server.wait_for_log("FileNotFoundError: [Errno 2] No such file or directory: '");
    server.stop();
}

#[test]
fn a_file_that_is_shorter_than_was_promised_costs_the_connection() {
    let mut server = start(&["--log-level", "debug"]);
    server.expect_errors();
    server.scratch.fill("file", 10);
    let mut client = server.connect();
    client.send("GET /of_length?20 HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(
        client.bytes_to_the_end().split(|byte| *byte == b'\n').next_back().unwrap().len(),
        10
    );
    // And one that becomes so while it is sent.
    let size = 50_000_000;
    server.scratch.fill("file", size);
    let mut client = server.waiting_client("/file");
    let mut received = client.some_bytes().len();
    let file = OpenOptions::new().write(true).open(server.scratch.file("file")).unwrap();
    file.set_len(1000).unwrap();
    received += client.bytes_to_the_end().len();
    assert!(received < size, "{received}");
    server.wait_for_log("GET /file: its file became shorter while it was sent");
    fs::remove_file(server.scratch.file("file")).unwrap();
    server.stop();
}

#[test]
fn others_have_their_turn_while_a_file_leaves() {
    let server = start(&[]);
    let content = server.scratch.fill("file", 50_000_000);
    assert!(server.get("/file_and_turns").body == content);
    server.wait_for_notes("many turns: True");
    server.stop();
}

#[test]
fn a_file_leaves_whole_while_the_end_of_its_client_is_awaited() {
    let server = start(&[]);
    let content = server.scratch.fill("file", 50_000_000);
    assert!(server.get("/file_beside_receive").body == content);
    server.stop();
}

#[test]
fn a_file_leaves_whole_while_threads_of_the_application_compute() {
    let server = start(&["--client-send-timeout", "3"]);
    let content = server.scratch.fill("file", 50_000_000);
    for _ in 0..6 {
        assert!(server.get("/file_beside_threads").body == content);
    }
    server.stop();
}

#[test]
fn a_client_that_leaves_in_a_file_is_no_error() {
    let server = start(&[]);
    server.scratch.fill("file", 50_000_000);
    for _ in 0..3 {
        let mut client = server.waiting_client("/file");
        client.some_bytes();
        drop(client);
    }
    wait::until_true("their ends", || server.log().matches("the client left").count() >= 3);
    assert!(!server.notes().contains("sent"));
    server.stop();
}

#[test]
fn frameworks_send_files_by_their_path() {
    let server = Server::start(Engine::Coroutine, "extended:app", &[]);
    let content = server.scratch.fill("file", 300_000);
    let mut client = server.connect();
    let response = client.get("/file");
    assert_eq!(response.header("x-middleware"), Some("passed"));
    assert!(response.body == content);
    client.send("HEAD /file HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(client.response_to_head().header("content-length"), Some("300000"));
    client.send("GET /file HTTP/1.1\r\nHost: test\r\nRange: bytes=5-9\r\n\r\n");
    let part = client.response();
    assert_eq!((part.status, part.body.as_slice()), (206, &content[5..10]));
    drop(client);
    server.stop();
}

#[test]
fn trailers_follow_the_body_of_a_client_that_takes_them() {
    let server = start(&[]);
    let answer = server.exchange(with_te("/trailers"));
    assert!(answer.contains("\r\ntrailer: digest, x-more\r\n"), "{answer}");
    let expected = "3\r\nabc\r\n3\r\ndef\r\n0\r\ndigest: one\r\nx-more: two\r\n\r\n";
    assert_eq!(body(&answer), expected);
    server.wait_for_notes("no body behind the body");
    server.scratch.write("file", "abc");
    let answer = server.exchange(with_te("/file_and_trailers"));
    assert_eq!(body(&answer), "3\r\nabc\r\n0\r\ndigest: one\r\n\r\n");
    // Whoever does not gets a response without.
    let mut client = server.connect();
    let response = client.get("/trailers");
    assert_eq!((response.header("trailer"), response.text().as_str()), (None, "abcdef"));
    assert_eq!(client.get("/").status, 200);
    client.send("HEAD /trailers HTTP/1.1\r\nHost: test\r\nTE: trailers\r\n\r\n");
    assert_eq!(client.response_to_head().status, 200);
    assert_eq!(client.get("/").status, 200);
    let answer = server.exchange("GET /trailers HTTP/1.0\r\nTE: trailers\r\n\r\n");
    assert_eq!(body(&answer), "abcdef");
    drop(client);
    server.stop();
}

#[test]
fn extensions_messages_out_of_turn_are_refused_where_they_are_sent() {
    let mut server = start(&[]);
    server.expect_errors();
    let said = "RuntimeError RuntimeError well RuntimeError ValueError";
    assert_eq!(server.get("/trailers_misused").text(), said);
    // Announced and not given: the client sees that its answer is not whole.
    let answer = server.exchange(with_te("/no_trailers"));
    assert!(answer.ends_with("\r\n\r\n3\r\nabc\r\n"), "{answer}");
    server.wait_for_log("the application returned without completing its response");
    server.stop();
}

#[test]
fn early_hints_come_before_the_answer() {
    let server = start(&[]);
    let mut client = server.connect();
    client.send("GET /hints HTTP/1.1\r\nHost: test\r\n\r\n");
    let hint = client.response_to_head();
    assert_eq!(hint.status, 103);
    let links: Vec<_> = hint.headers.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(links, ["</a.css>; rel=preload", "</b.js>; rel=preload"]);
    assert_eq!(client.response_to_head().header("link"), Some("</c.css>; rel=preload"));
    assert_eq!(client.response().text(), "done");
    let answer = server.exchange("GET /hints HTTP/1.0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\ndone"), "{answer}");
    assert_eq!(body(&server.exchange(get_and_close("/hints"))).matches("200 OK").count(), 1);
    server.stop();
}
