//! Answers that leave together wait for nobody: neither for the next request, nor for a client that does
//! not read.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::client::get_request;
use crate::support::{Client, Engine, Server};

/// A server that serves one request at a time, and is busy with one until [`open`]: all others stand in
/// line meanwhile. No request that computes lets others run.
fn shut() -> (Server, Client) {
    const ALONE: [&str; 6] =
        ["--requests-in-progress", "1", "--carriers", "1", "--switch-interval", "0"];
    let server = Server::start(Engine::Coroutine, "together", &ALONE);
    // Only what is short is held: the first ones are not.
    for _ in 0..100 {
        assert_eq!(server.get("/soon").text(), "soon");
    }
    let gate = server.waiting_client("/gate");
    server.wait_for_notes("shut");
    (server, gate)
}

fn open(server: &Server, gate: &mut Client) {
    fs::write(server.scratch.path().join("open"), "").unwrap();
    assert_eq!(gate.response().text(), "open");
}

#[test]
fn an_answer_does_not_wait_for_the_next_request_that_keeps_the_gil() {
    let (server, mut gate) = shut();
    let mut soon = server.connect();
    soon.send(get_request("/soon"));
    let mut keeper = server.waiting_client("/keeps_the_gil");
    open(&server, &mut gate);
    assert_eq!(soon.response().text(), "soon");
    let came = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let ended: f64 = keeper.response().text().parse().unwrap();
    assert!(came < ended, "{}", came - ended);
    server.stop();
}

#[test]
fn an_answer_does_not_wait_for_its_own_close() {
    let (server, mut gate) = shut();
    let mut soon = server.connect();
    soon.send(get_request("/closes_slowly"));
    let mut next = server.waiting_client("/soon");
    open(&server, &mut gate);
    assert_eq!(soon.response().text(), "soon");
    assert!(!server.notes().contains("closed"));
    assert_eq!(next.response().text(), "soon");
    server.stop();
}

#[test]
fn answers_to_clients_that_do_not_read_are_whole_and_in_order() {
    const REQUESTS: usize = 600;
    let server = Server::start(Engine::Coroutine, "together", &[]);
    let mut clients: Vec<Client> = (0..8).map(|_| server.connect()).collect();
    for client in &mut clients {
        let requests: String =
            (0..REQUESTS).map(|n| get_request(&format!("/numbered?{n}"))).collect();
        client.send(requests);
    }
    for client in clients.iter_mut().rev() {
        for n in 0..REQUESTS {
            let text = client.response().text();
            let number = format!("{n} ");
            assert_eq!(text, number.repeat(12_000 / number.len()), "{n}");
        }
    }
    server.stop();
}
