//! Apps that break the rules: one clear record in the log, an honest answer, and the worker lives.

use crate::support::{Engine, Server};

/// What a rule breaker must lead to.
struct Outcome {
    server: Server,
    answer: String,
}

const CLOSING: &str = "Connection: close\r\n";
/// The server has to close by itself.
const KEEPING: &str = "";

/// Asks for `way` and makes sure that the same worker serves on and complained once.
fn provoke(engine: Engine, way: &str, connection: &str) -> Outcome {
    let mut server = Server::start(engine, "misbehaving", &[]);
    assert_eq!(server.get("/ok").text(), "well");
    let worker = server.worker_pid();
    let answer =
        server.exchange(format!("GET /{way}?the=query HTTP/1.1\r\nHost: test\r\n{connection}\r\n"));
    assert_eq!(server.get("/ok").text(), "well");
    assert_eq!(server.worker_pid(), worker, "the worker was replaced");
    let complaints = server.complaints();
    assert_eq!(complaints.len(), 1, "one record, not {complaints:#?}");
    server.expect_errors();
    Outcome { server, answer }
}

/// A failure before the head was sent: a whole 500.
fn answers_500(engine: Engine, way: &str, in_log: &[&str]) {
    let Outcome { server, answer } = provoke(engine, way, CLOSING);
    assert!(answer.starts_with("HTTP/1.1 500 Internal Server Error\r\n"), "{answer}");
    for text in in_log {
        assert!(server.log().contains(text), "no {text:?} in the log");
    }
    server.stop();
}

/// A failure after the head: what was sent, and nothing that looks like a proper end.
fn breaks_off(engine: Engine, way: &str, in_log: &[&str]) {
    let Outcome { server, answer } = provoke(engine, way, KEEPING);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(!answer.contains("\r\n0\r\n\r\n"), "ended as if it were whole: {answer}");
    assert!(!answer.contains(" 500 "), "{answer}");
    for text in in_log {
        assert!(server.log().contains(text), "no {text:?} in the log");
    }
    server.stop();
}

const TRACEBACK: &str = "Traceback (most recent call last)";

each_of! { Sync, Coroutine; fn exception_is_logged_with_traceback_and_request_line(engine) {
    let text = [TRACEBACK, "in raises", "ValueError: raised by the app", "GET /raises?the=query"];
    answers_500(engine, "raises", &text);
}}

each_of! { Gunicorn; fn gunicorn_too_answers_500_and_logs_the_request(engine) {
    answers_500(engine, "raises", &[TRACEBACK, "ValueError: raised by the app", "/raises"]);
}}

each_of! { Sync, Coroutine; fn exception_after_start_response_is_still_a_500(engine) {
    answers_500(engine, "raises_after_start", &[TRACEBACK, "in raises_after_start"]);
}}

each_of! { Sync, Coroutine; fn exception_midway_breaks_the_response_off(engine) {
    breaks_off(engine, "raises_midway", &[TRACEBACK, "in raises_midway"]);
}}

each_of! { Sync, Coroutine; fn system_exit_does_not_end_the_worker(engine) {
    answers_500(engine, "exits", &["SystemExit"]);
}}

each_of! { Sync, Coroutine; fn none_for_a_body_is_named(engine) {
    answers_500(engine, "returns_none", &["None", "/returns_none"]);
}}

each_of! { Sync, Coroutine; fn number_for_a_body_is_named(engine) {
    answers_500(engine, "returns_number", &["int", "/returns_number"]);
}}

each_of! { Sync, Coroutine; fn text_for_a_body_is_named(engine) {
    answers_500(engine, "returns_text", &["str", "bytes", "/returns_text"]);
}}

each_of! { Sync, Coroutine; fn text_inside_a_body_is_named(engine) {
    answers_500(engine, "yields_text", &["str", "bytes", "/yields_text"]);
}}

each_of! { Sync, Coroutine; fn second_start_response_without_exc_info_is_an_error(engine) {
    answers_500(engine, "starts_twice", &["start_response", "in starts_twice"]);
}}

each_of! { Sync, Coroutine; fn missing_start_response_is_named(engine) {
    answers_500(engine, "never_starts", &["start_response", "/never_starts"]);
}}

each_of! { Sync, Coroutine; fn missing_start_response_and_body_is_named(engine) {
    answers_500(engine, "never_starts_and_is_empty", &["start_response"]);
}}

each_of! { Sync, Coroutine; fn status_that_is_no_string_is_an_error(engine) {
    answers_500(engine, "bad_status", &["status", "in bad_status"]);
}}

each_of! { Sync, Coroutine; fn newline_in_a_header_never_reaches_the_client(engine) {
    answers_500(engine, "newline_in_header", &["X-Split", "in newline_in_header"]);
}}

each_of! { Sync, Coroutine; fn header_that_is_no_string_is_an_error(engine) {
    answers_500(engine, "number_in_header", &["X-Number", "in number_in_header"]);
}}

each_of! { Sync, Coroutine; fn body_longer_than_its_length_is_cut(engine) {
    let Outcome { server, answer } = provoke(engine, "too_long", CLOSING);
    assert!(answer.ends_with("\r\n\r\nfour"), "{answer}");
    assert!(server.log().contains("Content-Length") && server.log().contains("/too_long"));
    server.stop();
}}

each_of! { Sync, Coroutine; fn body_shorter_than_its_length_closes_the_connection(engine) {
    let Outcome { server, answer } = provoke(engine, "too_short", KEEPING);
    assert!(answer.ends_with("\r\n\r\nmuch less"), "{answer}");
    assert!(server.log().contains("Content-Length") && server.log().contains("/too_short"));
    server.stop();
}}
