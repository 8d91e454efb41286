//! Streams at the end of their worker: bodies that have no end of their own.

use nix::sys::signal::Signal;

use crate::support::client::Client;
use crate::support::{Engine, Server};

const GRACE: [&str; 2] = ["--long-connection-grace", "1"];

/// A client whose stream has begun.
fn begun(server: &Server, path: &str) -> Client {
    let mut client = server.connect();
    client.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    client.text_until("data: ");
    client
}

each_of! { Sync, Gthread, Coroutine;
fn a_stop_ends_streams_after_the_grace_as_if_their_clients_had_left(engine) {
    let server = Server::start(engine, "streams", &GRACE);
    let ticks = begun(&server, "/ticks");
    server.signal(Signal::SIGTERM);
    assert!(ticks.ends_cut_off());
    server.wait_for_notes("ticks ended\n");
    server.wait_for_log("1 stream is open; it may go on for 1 s");
    server.wait_for_log("1 stream is cut off: the worker ends");
    server.wait_for_log(
        "GET /ticks: it was cut off after long_connection_grace, because the worker ends",
    );
    server.end_of_stop();
}
}

each_of! { Gthread, Coroutine;
fn a_stream_that_waits_is_told_and_one_that_ends_in_time_is_whole(engine) {
    let server = Server::start(engine, "streams", &["--long-connection-grace", "3"]);
    let silent: Vec<Client> = (0..2).map(|_| begun(&server, "/silent")).collect();
    let mut short = server.connect();
    short.send("GET /short HTTP/1.1\r\nHost: x\r\n\r\n");
    short.text_until("begin ");
    server.signal(Signal::SIGTERM);
    server.wait_for_log("3 streams are open; they may go on for 3 s");
    std::fs::write(server.scratch.file("go"), "").unwrap();
    assert!(short.bytes_to_the_end().ends_with(b"end\r\n0\r\n\r\n"));
    for client in silent {
        assert!(client.ends_cut_off());
    }
    server.wait_for_notes("silent ended\nsilent ended\n");
    server.wait_for_log("2 streams are cut off: the worker ends");
    server.end_of_stop();
}
}

#[test]
fn a_replaced_worker_ends_its_streams_so_too() {
    let arguments = ["--long-connection-grace", "1", "--max-requests", "1"];
    let server = Server::start(Engine::Coroutine, "streams", &arguments);
    let old = server.worker_pid();
    let ticks = begun(&server, "/ticks");
    server.signal(Signal::SIGHUP);
    assert!(ticks.ends_cut_off());
    server.wait_for_workers_without(old, 1);
    server.wait_for_log("1 stream is cut off: the worker ends");
    server.stop();
}

#[test]
fn a_body_that_was_given_as_a_whole_or_whose_length_is_known_is_no_stream() {
    for path in ["/whole", "/of_known_length"] {
        let server = Server::start(Engine::Coroutine, "streams", &["--long-connection-grace", "0"]);
        let mut client = server.connect();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        let mut body = client.some_bytes();
        server.signal(Signal::SIGTERM);
        server.wait_for_log("Handling signal: term");
        body.extend(client.bytes_to_the_end());
        assert!(body.len() > 512 << 16, "{path}: {} bytes", body.len());
        server.end_of_stop();
    }
}
