//! The iterable's close() is called once, however the response ends.

use crate::support::{Engine, Server, wait};

/// Whether close() was called once for this way of ending; the worker then serves on.
fn closes_once(engine: Engine, way: &str, fails: bool) {
    let mut server = Server::start(engine, "closing", &[]);
    server.exchange(format!("GET /{way} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"));
    wait::until_true("close() to be called", || server.notes() == "closed\n");
    assert_eq!(server.get("/whole").text(), "somebody");
    wait::until_true("close() to be called again", || server.notes() == "closed\nclosed\n");
    if fails {
        server.expect_errors();
    }
    server.stop();
}

each_of! { Sync, Coroutine, Gunicorn; fn close_is_called_after_a_whole_body(engine) {
    closes_once(engine, "whole", false);
}}

each_of! { Sync, Coroutine, Gunicorn; fn close_is_called_after_a_chunked_body(engine) {
    closes_once(engine, "chunked", false);
}}

each_of! { Sync, Coroutine, Gunicorn; fn close_is_called_when_there_is_no_body(engine) {
    closes_once(engine, "no_content", false);
}}

each_of! { Sync, Coroutine, Gunicorn; fn close_is_called_when_the_first_item_fails(engine) {
    closes_once(engine, "fails_at_once", true);
}}

each_of! { Sync, Coroutine, Gunicorn; fn close_is_called_when_a_later_item_fails(engine) {
    closes_once(engine, "fails_later", true);
}}

each_of! { Sync, Coroutine; fn close_is_called_when_the_body_is_too_short(engine) {
    closes_once(engine, "short", true);
}}

each_of! { Sync, Coroutine; fn close_is_called_when_the_body_is_too_long(engine) {
    closes_once(engine, "long", true);
}}

each_of! { Sync, Coroutine; fn close_is_called_when_start_response_never_was(engine) {
    closes_once(engine, "never_started", true);
}}

each_of! { Sync, Coroutine, Gunicorn; fn close_is_called_after_head(engine) {
    let server = Server::start(engine, "closing", &[]);
    server.exchange("HEAD /whole HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    wait::until_true("close() to be called", || server.notes() == "closed\n");
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn close_is_called_when_the_client_leaves(engine) {
    let server = Server::start(engine, "closing", &[]);
    let mut client = server.connect();
    client.send("GET /endless HTTP/1.1\r\nHost: test\r\n\r\n");
    client.some_bytes();
    drop(client);
    wait::until_true("close() to be called", || server.notes() == "endless started\nclosed\n");
    assert_eq!(server.get("/whole").status, 200);
    server.stop(); // a client that leaves is nobody's error: the log stays clean
}}
