//! Request bodies: Content-Length and chunked, through every way of reading wsgi.input.

use std::fmt::Write;

use crate::support::client::get_and_close;
use crate::support::{Engine, Response, Server};

/// A body with lines of several kinds: empty, short, and the last without its newline.
const LINES: &str = "alpha\n\nbe\ngamma delta";

/// POSTs `LINES` with Content-Length and chunked; both must give the same answer, a line an item.
fn reads(engine: Engine, way: &str, expected: &[&str]) {
    let server = Server::start(engine, "reading", &[]);
    let length = LINES.len();
    for framed in [
        format!("Content-Length: {length}\r\n\r\n{LINES}"),
        format!("Transfer-Encoding: chunked\r\n\r\n{}", in_chunks(LINES, 4)),
    ] {
        let response = post(&server, way, &framed);
        assert_eq!(response.text().lines().collect::<Vec<_>>(), expected, "{framed}");
    }
    server.stop();
}

/// A POST whose remaining head and body are `framed`.
fn post(server: &Server, way: &str, framed: &str) -> Response {
    let mut client = server.connect();
    client.send(format!("POST /{way} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{framed}"));
    client.response()
}

fn in_chunks(text: &str, size: usize) -> String {
    let mut chunks = String::new();
    for piece in text.as_bytes().chunks(size) {
        let piece = std::str::from_utf8(piece).unwrap();
        write!(chunks, "{:x}\r\n{piece}\r\n", piece.len()).unwrap();
    }
    chunks + "0\r\n\r\n"
}

each_of! { Sync, Coroutine, Gunicorn; fn read_gives_the_whole_body(engine) {
    reads(engine, "read_all", &[r"b'alpha\n\nbe\ngamma delta'"]);
}}

each_of! { Sync, Coroutine, Gunicorn; fn read_after_the_end_gives_nothing(engine) {
    reads(engine, "read_twice", &[r"b'alpha\n\nbe\ngamma delta'", "b''", "b''", "b''"]);
}}

each_of! { Sync, Coroutine, Gunicorn; fn read_with_size_gives_all_in_pieces(engine) {
    reads(engine, "read_in_fives", &["b'alpha'", r"b'\n\nbe\n'", "b'gamma'", "b' delt'", "b'a'"]);
}}

each_of! { Sync, Coroutine, Gunicorn; fn read_of_nothing_takes_nothing(engine) {
    reads(engine, "read_nothing", &["b''", "b''", r"b'alpha\n\nbe\ngamma delta'"]);
}}

each_of! { Sync, Coroutine, Gunicorn; fn readline_ends_at_newline_or_size(engine) {
    reads(engine, "readline", &[r"b'alpha\n'", r"b'\n'", r"b'be\n'", "b'gamma delta'"]);
}}

each_of! { Sync, Coroutine, Gunicorn; fn readlines_gives_every_line(engine) {
    reads(engine, "readlines", &[r"b'alpha\n'", r"b'\n'", r"b'be\n'", "b'gamma delta'"]);
}}

each_of! { Sync, Coroutine; fn readlines_stops_at_its_hint(engine) {
    let expected = [r"[b'alpha\n']", r"[b'\n', b'be\n', b'gamma delta']"];
    reads(engine, "readlines_with_hint", &expected);
}}

each_of! { Sync, Coroutine, Gunicorn; fn iteration_gives_every_line(engine) {
    reads(engine, "iterate", &[r"b'alpha\n'", r"b'\n'", r"b'be\n'", "b'gamma delta'"]);
}}

each_of! { Sync, Coroutine, Gunicorn; fn ways_of_reading_mix(engine) {
    reads(engine, "mixed", &["b'al'", r"b'pha\n'", r"b'\n'", r"[b'be\n', b'gamma delta']", "b''"]);
}}

each_of! { Coroutine, Gunicorn; fn read_never_goes_past_the_body(engine) {
    let server = Server::start(engine, "reading", &[]);
    let chunked = format!("Transfer-Encoding: chunked\r\n\r\n{}", in_chunks("body", 3));
    for framed in ["Content-Length: 4\r\n\r\nbody", &chunked] {
        let mut client = server.connect();
        client.send(format!("POST /read_far_past HTTP/1.1\r\nHost: test\r\n{framed}"));
        client.send(get_and_close("/read_all"));
        assert_eq!(client.response().text(), "b'body'\nb''");
        assert_eq!(client.response().text(), "b''");
    }
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn request_without_a_body_reads_as_empty(engine) {
    let server = Server::start(engine, "reading", &[]);
    assert_eq!(server.get("/read_twice").text(), "b''\nb''\nb''\nb''");
    server.stop();
}}

each_of! { Sync, Coroutine; fn body_is_read_as_it_comes(engine) {
    let server = Server::start(engine, "reading", &[]);
    let mut client = server.connect();
    client.send("POST /line_by_line HTTP/1.1\r\nHost: test\r\nContent-Length: 13\r\n\r\nfirst\n");
    server.wait_for_notes("read first");
    client.send("second\n");
    assert_eq!(client.response().text(), "b'first\\n'\nb'second\\n'");
    drop(client);

    let mut client = server.connect();
    client.send("POST /line_by_line HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send("6\r\nthird\n\r\n");
    server.wait_for_notes("read third");
    client.send("7;an=extension\r\nfourth\n\r\n0\r\nA-Trailer: yes\r\n\r\n");
    assert_eq!(client.response().text(), "b'third\\n'\nb'fourth\\n'");
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn body_may_arrive_byte_by_byte(engine) {
    let server = Server::start(engine, "reading", &[]);
    let mut client = server.connect();
    let request = format!(
        "POST /iterate HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        in_chunks(LINES, 6)
    );
    for byte in request.as_bytes() {
        client.send([*byte]);
    }
    assert_eq!(client.response().text().lines().count(), 4);
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn large_body_arrives_unharmed(engine) {
    let server = Server::start(engine, "reading", &[]);
    let body = "0123456789abcdef".repeat(5 << 16);
    let length = body.len();
    let by_length = post(&server, "digest", &format!("Content-Length: {length}\r\n\r\n{body}"));
    let chunks = in_chunks(&body, 40_000);
    let by_chunks = post(&server, "digest", &format!("Transfer-Encoding: chunked\r\n\r\n{chunks}"));
    assert!(by_length.text().starts_with(&format!("{length}\n")), "{}", by_length.text());
    assert_eq!(by_length.text(), by_chunks.text());
    server.stop();
}}

each_of! { Sync, Coroutine; fn body_cut_short_by_the_client_is_no_whole_body(engine) {
    let server = Server::start(engine, "reading", &[]);
    let mut client = server.connect();
    client.send("POST /read_all HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\nonly this");
    client.finish_sending();
    let response = client.response_or_close();
    assert!(response.is_none_or(|response| response.status != 200), "taken for complete");
    assert_eq!(server.get("/read_all").status, 200);
    // Whose fault it is decides the level: the client's, so no error of ours or the app's.
    server.stop();
}}
