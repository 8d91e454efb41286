//! Streams of ASGI applications at the end of their worker, and requests that outlast its patience.

use nix::sys::signal::Signal;

use crate::support::client::Client;
use crate::support::{Engine, Launch, Server};

const GRACE: [&str; 2] = ["--long-connection-grace", "1"];

fn start(arguments: &[&str]) -> Server {
    Server::start(Engine::Coroutine, "cut_short", arguments)
}

/// A client whose stream has begun.
fn begun(server: &Server, path: &str) -> Client {
    let mut client = server.waiting_client(path);
    client.text_until("data: ");
    client
}

#[test]
fn a_stop_ends_streams_after_the_grace_as_if_their_clients_had_left() {
    let server = start(&GRACE);
    let ticks = begun(&server, "/ticks");
    server.signal(Signal::SIGTERM);
    server.wait_for_log("1 stream is open; it may go on for 1 s");
    assert!(ticks.ends_cut_off());
    server.wait_for_notes("ticks ended: the client is gone");
    server.wait_for_log("1 stream is cut off: the worker ends");
    server.wait_for_log(
        "GET /ticks: it was cut off after long_connection_grace, because the worker ends",
    );
    server.wait_for_notes("shutdown");
    server.end_of_stop();
}

#[test]
fn streams_that_wait_are_told_and_those_that_end_in_time_are_whole() {
    let server = start(&["--long-connection-grace", "2"]);
    let silent: Vec<Client> = (0..2).map(|_| begun(&server, "/silent")).collect();
    let mut flood = server.connect();
    flood.keep_little();
    flood.send("GET /flood HTTP/1.1\r\nHost: test\r\n\r\n");
    server.wait_for_notes("flood begun");
    let mut short = begun(&server, "/short");
    server.signal(Signal::SIGTERM);
    server.wait_for_log("4 streams are open; they may go on for 2 s");
    server.scratch.write("go-on", "");
    assert!(short.bytes_to_the_end().ends_with(b"end\r\n0\r\n\r\n"));
    for client in silent {
        assert!(client.ends_cut_off());
    }
    server.wait_for_notes("silent ended: http.disconnect");
    server.wait_for_notes("flood ended");
    server.wait_for_log("3 streams are cut off: the worker ends");
    server.wait_for_notes("shutdown");
    drop(flood);
    server.end_of_stop();
}

#[test]
fn a_whole_answer_that_is_not_taken_is_cut_off_in_time_for_the_lifespan_to_end() {
    for path in ["/whole_at_once", "/whole_by_another"] {
        let server = start(&["--graceful-timeout", "4"]);
        let mut client = server.connect();
        client.keep_little();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
        server.wait_for_notes("begun");
        server.scratch.write("go-on", "");
        server.signal(Signal::SIGTERM);
        server.wait_for_notes("shutdown");
        server.wait_for_log(&format!("GET {path} ("));
        server.wait_for_log("s old) is cut off: graceful_timeout is about to pass");
        assert!(!server.log().contains("SIGKILL"), "{}", server.log());
        server.end_of_stop();
    }
}

#[test]
fn a_connection_that_goes_back_behind_the_cut_does_not_keep_the_worker() {
    let arguments = ["--graceful-timeout", "3", "cut_short"];
    let server = Launch::new(Engine::Coroutine).args(&arguments).start_by_itself();
    let mut client = server.connect();
    client.send("GET /finish_when_cancelled HTTP/1.1\r\nHost: test\r\n\r\n");
    assert!(!client.text_until("data: ").contains("Connection: close"));
    server.signal(Signal::SIGTERM);
    server.wait_for_notes("finish_when_cancelled ended\nshutdown\n");
    assert!(client.bytes_to_the_end().ends_with(b"end"));
    assert!(!server.log().contains("SIGKILL"), "{}", server.log());
    server.end_of_stop();
}

#[test]
fn a_request_that_begins_behind_the_cut_is_refused() {
    let arguments = ["--graceful-timeout", "4", "cut_short"];
    let server = Launch::new(Engine::Coroutine).args(&arguments).start_by_itself();
    let mut client = server.connect();
    let request = |path| format!("GET /{path} HTTP/1.1\r\nHost: test\r\n\r\n");
    client.send(request("finish_when_cancelled") + &request("swallow_nothing"));
    assert!(!client.some_bytes().is_empty());
    server.signal(Signal::SIGTERM);
    server.wait_for_notes("finish_when_cancelled ended\nshutdown\n");
    let rest = String::from_utf8_lossy(&client.bytes_to_the_end()).into_owned();
    assert!(rest.contains("endHTTP/1.1 503 "), "{rest}");
    server.end_of_stop();
}

#[test]
fn a_replaced_worker_ends_its_streams_so_too() {
    let server = start(&GRACE);
    let old = server.worker_pid();
    let ticks = begun(&server, "/ticks");
    server.signal(Signal::SIGHUP);
    assert!(ticks.ends_cut_off());
    server.wait_for_workers_without(old, 1);
    server.wait_for_log("1 stream is cut off: the worker ends");
    server.stop();
}

#[test]
fn who_listens_to_nobody_is_cancelled_in_time_for_the_lifespan_to_end() {
    for path in ["/deaf", "/swallow_nothing"] {
        let arguments = ["--graceful-timeout", "4", "--long-connection-grace", "1", "cut_short"];
        let server = Launch::new(Engine::Coroutine).args(&arguments).start_by_itself();
        let mut client = match path {
            "/deaf" => begun(&server, path),
            _ => server.waiting_client(path),
        };
        if path != "/deaf" {
            server.wait_for_notes("begun");
        }
        server.signal(Signal::SIGTERM);
        server.wait_for_notes("ended\nshutdown\n");
        server.wait_for_log(&format!("GET {path} ("));
        server.wait_for_log("s old) is cancelled: graceful_timeout is about to pass");
        assert!(!server.log().contains("SIGKILL"), "{}", server.log());
        // Of an answer that has begun nothing more can come.
        let rest = String::from_utf8_lossy(&client.bytes_to_the_end()).into_owned();
        assert_eq!(rest.starts_with("HTTP/1.1 503 "), path != "/deaf", "{rest}");
        server.end_of_stop();
    }
}
