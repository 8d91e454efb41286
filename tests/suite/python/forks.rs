//! A connection that the server closes is closed for its client, even while a child that the
//! application has forked lives on with a copy of the descriptor.

use std::fs::File;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::client::get_request;
use crate::support::{Client, Engine, Launch, Server, processes, wait};

/// Lets the children go that wait for it.
fn let_children_go(server: &Server) {
    File::create(server.scratch.file("go-on")).unwrap();
}

fn stop(server: Server) {
    let_children_go(&server);
    server.stop();
}

fn start(engine: Engine, arguments: &[&str]) -> Server {
    Launch::new(engine).args(arguments).args(&["forking"]).start()
}

/// A client that has connected and sent `bytes`, which the worker has seen.
fn early(server: &Server, bytes: &str) -> Client {
    let mut client = server.connect();
    client.send(bytes);
    // Behind it in the queue, so that it was accepted when this is answered.
    assert_eq!(server.get("/hello").text(), "hello");
    client
}

fn fork(server: &Server) {
    assert_eq!(server.get("/fork").text(), "forked");
}

/// Reading to the end must not take until the child ends, which it does not before it is told to:
/// the client's patience would end first.
fn reads_to_the_end(client: &mut Client, answer: &str) {
    let text = String::from_utf8(client.bytes_to_the_end()).unwrap();
    assert!(text.contains(answer), "{text:?}");
}

each_of! { Sync, Gthread, Coroutine, Gunicorn, GunicornSync; fn the_client_whose_request_forked_sees_the_end(engine) {
    let server = start(engine, &[]);
    let mut client = server.waiting_client("/fork");
    reads_to_the_end(&mut client, "forked");
    stop(server);
}}

each_of! { Sync, Gthread, Coroutine, Gunicorn, GunicornSync; fn clients_see_the_end_beside_a_process_pool(engine) {
    let server = start(engine, &[]);
    let mut client = server.waiting_client("/pool");
    reads_to_the_end(&mut client, "[1, 4, 9]");
    assert_eq!(server.get("/end_pools").text(), "ended");
    stop(server);
}}

each_of! { Sync, Gthread, Coroutine, Gunicorn, GunicornSync; fn a_child_may_have_many_threads(engine) {
    let server = start(engine, &[]);
    for _ in 0..3 {
        assert_eq!(server.get("/crowd").text(), "the child's exit code: 0");
    }
    stop(server);
}}

each_of! { Sync, Gthread, Coroutine; fn a_refused_client_sees_the_end(engine) {
    let server = start(engine, &[]);
    let mut client = early(&server, "GET / HTTP/1.1\r\n");
    fork(&server);
    client.send("broken\r\n\r\n");
    reads_to_the_end(&mut client, "HTTP/1.1 400 ");
    stop(server);
}}

each_of! { Sync, Gthread, Coroutine; fn a_client_that_is_too_slow_sees_the_end(engine) {
    let server = start(engine, &["--client-header-timeout", "1"]);
    let mut client = early(&server, "GET / HTTP/1.1\r\n");
    fork(&server);
    reads_to_the_end(&mut client, "HTTP/1.1 408 ");
    stop(server);
}}

// gunicorn: does not shut down what it closes for having been idle.
each_of! { Gthread, Coroutine; fn an_idle_client_sees_the_end(engine) {
    let server = start(engine, &["--keep-alive", "1"]);
    let mut client = early(&server, &get_request("/hello"));
    assert_eq!(client.response().text(), "hello");
    fork(&server);
    assert!(client.is_closed());
    stop(server);
}}

each_of! { Gthread, Coroutine; fn an_idle_client_that_makes_room_sees_the_end(engine) {
    let server = start(engine, &["--worker-connections", "2", "--keep-alive", "60"]);
    let mut client = early(&server, &get_request("/hello"));
    assert_eq!(client.response().text(), "hello");
    fork(&server);
    // One that takes long: as soon as it is answered its own connection makes room.
    let mut busy = server.connect();
    busy.send(get_request("/sleep"));
    server.wait_for_notes("sleeping");
    let mut last = server.connect();
    last.send(get_request("/hello"));
    assert!(client.is_closed());
    assert_eq!(last.response().text(), "hello");
    stop(server);
}}

each_of! { Coroutine; fn the_client_of_an_overdue_request_sees_the_end(engine) {
    let server = start(engine, &["--request-timeout", "1"]);
    let mut client = server.waiting_client("/sleep");
    server.wait_for_notes("sleeping");
    fork(&server);
    reads_to_the_end(&mut client, "HTTP/1.1 504 ");
    stop(server);
}}

each_of! { Gthread, Coroutine; fn an_idle_client_of_a_stopped_server_sees_the_end(engine) {
    let server = start(engine, &["--keep-alive", "60"]);
    let mut client = early(&server, &get_request("/hello"));
    assert_eq!(client.response().text(), "hello");
    fork(&server);
    server.signal(Signal::SIGTERM);
    assert!(client.is_closed());
    let_children_go(&server);
    server.end_of_stop();
}}

each_of! { Sync, Gthread, Coroutine; fn nobody_waits_at_the_port_of_a_stopped_server(engine) {
    for arguments in [&[][..], &["--reuse-port"]] {
        let server = Launch::new(engine).args(arguments).args(&["forking"]).start_by_itself();
        // A worker with a socket of its own listens when it has booted.
        wait::until_true("the worker to listen", || TcpStream::connect(server.address).is_ok());
        fork(&server);
        let worker = server.worker_pid();
        server.signal(Signal::SIGTERM);
        wait::until_true("the worker to end", || !processes::is_alive(worker));
        let refused = TcpStream::connect_timeout(&server.address, Duration::from_secs(5));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConnectionRefused, "{arguments:?}");
        let_children_go(&server);
        server.end_of_stop();
    }
}}

// gunicorn: the child answers the client as well, and goes on as a worker.
each_of! { Sync, Gthread, Coroutine; fn a_child_that_comes_back_ends_as_a_process_of_its_own(engine) {
    let mut server = start(engine, &[]);
    for (way, code) in
        [("exit-5", "5"), ("exit", "0"), ("exit-words", "1"), ("fail", "1"), ("fail-late", "1"), ("return", "0")]
    {
        assert_eq!(server.get(&format!("/{way}")).text(), code, "{way}");
    }
    let log = server.log();
    for words in ["the child's last words\n", "ValueError: the child failed\n", "ValueError: the child failed late\n"] {
        assert_eq!(log.matches(words).count(), 1, "{words} in {log}");
    }
    server.expect_errors();
    server.stop();
}}
