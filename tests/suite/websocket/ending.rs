//! The end of a worker that has WebSockets, and of one that is killed.

use nix::sys::signal::Signal;

use crate::support::websocket::Peer;
use crate::support::{Engine, Server, processes};

each_of! { Sync, Gthread, Coroutine;
fn a_stop_closes_all_with_1001_and_wakes_who_receives(engine) {
    let server = Server::start(engine, "talking", &[]);
    let mut peer = Peer::connect(&server, "/waits", &[]);
    server.signal(Signal::SIGTERM);
    assert_eq!(peer.closed().0, 1001);
    server.wait_for_notes("waits ended with 1001\n");
    server.wait_for_log("1 WebSocket is closed with 1001: the worker ends");
    server.end_of_stop();
}
}

each_of! { Gthread, Coroutine;
fn a_replaced_worker_keeps_its_own_for_the_grace(engine) {
    let arguments = ["--long-connection-grace", "3", "--max-requests", "2"];
    let server = Server::start(engine, "talking", &arguments);
    let old = server.worker_pid();
    let mut kept = Peer::connect(&server, "/echo", &[]);
    // The second request: asks for a successor.
    let mut ends = Peer::connect(&server, "/echo", &[]);
    assert_eq!(ends.close(1000, "").0, 1000);
    assert_eq!(Peer::connect(&server, "/echo", &[]).close(1000, "").0, 1000);
    server.wait_for_log("1 WebSocket is open; it may go on for 3 s");
    kept.send_text("still there");
    assert_eq!(kept.text(), "still there");
    // Beside its successor.
    assert_eq!(server.get("/plain").text(), "plain");
    assert_eq!(server.worker_pids().len(), 2);
    assert_eq!(kept.closed().0, 1001);
    server.wait_for_workers_without(old, 1);
    server.stop();
}
}

#[test]
fn a_reload_is_such_a_replacement_and_a_stop_behind_it_none() {
    let server = Server::start(Engine::Coroutine, "talking", &[]);
    let old = server.worker_pid();
    let mut kept = Peer::connect(&server, "/echo", &[]);
    server.signal(Signal::SIGHUP);
    // Within graceful_timeout, which is 30 s.
    server.wait_for_log("1 WebSocket is open; it may go on for 28 s");
    kept.send_text("still there");
    assert_eq!(kept.text(), "still there");
    assert!(server.wait_for_workers(2).contains(&old));
    let mut new = Peer::connect(&server, "/waits", &[]);
    server.signal(Signal::SIGTERM);
    assert_eq!((kept.closed().0, new.closed().0), (1001, 1001));
    server.end_of_stop();
}

#[test]
fn the_clients_of_a_worker_that_is_killed_find_out_at_once() {
    let mut server = Server::start(Engine::Coroutine, "talking", &[]);
    let mut peer = Peer::connect(&server, "/waits", &[]);
    let old = server.worker_pid();
    server.expect_errors();
    processes::signal(old, Signal::SIGKILL);
    assert!(peer.is_broken_off());
    server.wait_for_workers_without(old, 1);
    let mut peer = Peer::connect(&server, "/echo", &[]);
    peer.send_text("again");
    assert_eq!(peer.text(), "again");
    drop(peer);
    server.stop();
}
