//! Connections that live on: keep-alive, pipelining, HTTP/1.0, and the sync engine that closes.

use crate::support::client::{get_and_close, get_request};
use crate::support::{Engine, Server};

each_of! { Coroutine, Gunicorn; fn connection_serves_one_request_after_another(engine) {
    let server = Server::start(engine, "path", &[]);
    let mut client = server.connect();
    for number in 0..20 {
        let response = client.get(&format!("/{number}"));
        assert_eq!(response.text(), format!("GET /{number}"));
        assert!(!response.says_close());
    }
    server.stop();
}}

each_of! { Sync; fn sync_worker_closes_after_each_response(engine) {
    let server = Server::start(engine, "hello", &[]);
    let mut client = server.connect();
    assert!(client.get("/").says_close());
    assert!(client.is_closed());
    server.stop();
}}

each_of! { Coroutine, Gunicorn; fn pipelined_requests_are_answered_in_order(engine) {
    let server = Server::start(engine, "path", &[]);
    let mut client = server.connect();
    client.send((0..10).map(|number| get_request(&format!("/{number}"))).collect::<String>());
    for number in 0..10 {
        assert_eq!(client.response().text(), format!("GET /{number}"));
    }
    server.stop();
}}

each_of! { Coroutine; fn pipelined_request_in_parts_is_answered(engine) {
    let server = Server::start(engine, "path", &[]);
    let mut client = server.connect();
    client.send(get_request("/one") + "GET /two HT");
    assert_eq!(client.response().text(), "GET /one");
    client.send("TP/1.1\r\nHo");
    client.send("st: test\r\n\r\n");
    assert_eq!(client.response().text(), "GET /two");
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn connection_close_is_obeyed(engine) {
    let server = Server::start(engine, "hello", &[]);
    let mut client = server.waiting_client("/");
    assert!(client.response().says_close());
    assert!(client.is_closed());
    server.stop();
}}

each_of! { Coroutine; fn close_counts_anywhere_in_the_connection_header(engine) {
    let server = Server::start(engine, "hello", &[]);
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: test\r\nConnection: TE, Close\r\nTE: trailers\r\n\r\n");
    assert!(client.response().says_close());
    assert!(client.is_closed());
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn http_1_0_closes_by_default(engine) {
    let server = Server::start(engine, "hello", &[]);
    let mut client = server.connect();
    client.send("GET / HTTP/1.0\r\n\r\n");
    let response = client.response();
    assert_eq!((response.status, response.text().as_str()), (200, "Hello, world!"));
    assert!(client.is_closed());
    server.stop();
}}

each_of! { Coroutine, Gunicorn; fn http_1_0_stays_open_when_asked(engine) {
    let server = Server::start(engine, "hello", &[]);
    let mut client = server.connect();
    for _ in 0..3 {
        client.send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
        let response = client.response();
        assert_eq!(response.text(), "Hello, world!");
        let connection = response.header("connection").map(str::to_ascii_lowercase);
        assert_eq!(connection.as_deref(), Some("keep-alive"));
    }
    server.stop();
}}

each_of! { Coroutine, Gunicorn; fn idle_connection_is_closed_after_keepalive_seconds(engine) {
    let server = Server::start(engine, "hello", &["--keep-alive", "1"]);
    let mut client = server.connect();
    client.get("/");
    assert!(client.is_closed());
    server.stop();
}}

each_of! { Coroutine; fn idle_connections_do_not_delay_a_stop(engine) {
    let server = Server::start(engine, "hello", &["--keep-alive", "600"]);
    let mut clients: Vec<_> = (0..50).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.get("/");
    }
    let started = std::time::Instant::now();
    server.stop();
    assert!(started.elapsed().as_secs() < 5, "the stop took {:?}", started.elapsed());
    assert!(clients.iter_mut().all(crate::support::Client::is_closed));
}}

each_of! { Coroutine; fn unread_body_is_not_taken_for_the_next_request(engine) {
    let server = Server::start(engine, "path", &[]);
    let mut client = server.connect();
    let hidden = get_request("/hidden");
    let length = hidden.len();
    client.send(format!(
        "POST /body HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n{hidden}"
    ));
    client.send(get_and_close("/next"));
    assert_eq!(client.response().text(), "POST /body");
    if let Some(response) = client.response_or_close() {
        assert_eq!(response.text(), "GET /next");
    }
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn empty_connections_harm_nobody(engine) {
    let server = Server::start(engine, "hello", &[]);
    for _ in 0..20 {
        drop(server.connect());
    }
    let mut half = server.connect();
    half.send("GET / HT");
    drop(half);
    assert_eq!(server.get("/").status, 200);
    server.stop();
}}

each_of! { Sync, Coroutine; fn half_a_head_delays_nobody(engine) {
    let server = Server::start(engine, "hello", &[]);
    let mut slow = server.connect();
    slow.send("GET / HT");
    assert_eq!(server.get("/").status, 200);
    slow.send("TP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(slow.response().status, 200);
    drop(slow);
    server.stop();
}}

#[test]
fn gunicorn_keeps_alive_on_gthread_only() {
    // What the difference between our two engines copies.
    let server = Server::start(Engine::GunicornSync, "hello", &[]);
    let mut client = server.connect();
    assert!(client.get("/").says_close());
    server.stop();
}
