//! How requests, workers and servers end: deadlines, work behind an answer, and what nothing loses.

use nix::sys::signal::Signal;

use crate::support::{Engine, Launch, Server, processes, wait};

fn start(arguments: &[&str]) -> Server {
    Server::start(Engine::Coroutine, "asynchronous", arguments)
}

#[test]
fn an_overdue_request_is_cancelled_and_its_client_gets_504() {
    let server = start(&["--request-timeout", "1"]);
    let response = server.get("/overdue");
    assert_eq!(response.status, 504);
    server.wait_for_notes("cancelled");
    server.wait_for_log("GET /overdue has exceeded request_timeout (1 s); its client got 504");
    assert_eq!(server.get("/").text(), "Hello, world!");
    server.stop();
}

#[test]
fn work_behind_an_answer_does_not_keep_the_client_and_is_waited_for() {
    let server = Launch::new(Engine::Coroutine).args(&["asynchronous"]).start_by_itself();
    let mut client = server.connect();
    assert_eq!(client.get("/go_on_behind").text(), "answered");
    assert_eq!(client.get("/").text(), "Hello, world!");
    drop(client);
    server.signal(Signal::SIGTERM);
    server.wait_for_log("Handling signal: term");
    assert!(!server.notes().contains("done"));
    server.scratch.write("go-on", "");
    server.wait_for_notes("background work is done");
    server.end_of_stop();
}

#[test]
fn a_coroutine_that_computes_is_named_by_the_log() {
    let server = start(&["--blocked-after", "1"]);
    let mut client = server.waiting_client("/compute");
    server.wait_for_log("in compute");
    server.scratch.write("go-on", "");
    assert_eq!(client.response().text(), "computed");
    server.stop();
}

#[test]
fn a_coroutine_that_computes_delays_no_accept() {
    let server = start(&[]);
    let mut first = server.connect();
    assert_eq!(first.get("/").status, 200);
    let worker = server.worker_pid();
    let before = processes::open_sockets(worker);
    let mut computing = server.waiting_client("/compute");
    server.wait_for_notes("computing");
    let mut others = server.waiting_clients(20, "/");
    wait::until_true("the others to be accepted", || {
        processes::open_sockets(worker) >= before + 21 //
    });
    assert!(!server.notes().contains("computed"), "it has computed meanwhile");
    server.scratch.write("go-on", "");
    assert_eq!(computing.response().text(), "computed");
    for other in &mut others {
        assert_eq!(other.response().text(), "Hello, world!");
    }
    server.stop();
}

#[test]
fn a_loop_that_always_has_work_hears_its_clients() {
    // Nothing but the loop itself lets the reactor look.
    let server = start(&["--switch-interval", "0"]);
    let mut turning = server.waiting_client("/turn_until_file");
    server.wait_for_notes("turning");
    assert_eq!(server.get("/").text(), "Hello, world!");
    server.scratch.write("go-on", "");
    assert_eq!(turning.response().text(), "turned");
    server.stop();
}

#[test]
fn a_worker_whose_loop_was_ended_by_the_application_is_replaced() {
    let mut server = start(&[]);
    server.expect_errors();
    for (round, path) in ["/exit_in_task", "/stop_loop"].into_iter().enumerate() {
        let mut client = server.waiting_client(path);
        assert!(client.bytes_to_the_end().is_empty());
        wait::until_true("the line", || {
            server.log().matches("the event loop was ended by what it ran").count() == round + 1
        });
        wait::until_true("the next worker", || {
            server.log().matches("Booting worker").count() >= round + 2
        });
        assert_eq!(server.get("/").text(), "Hello, world!");
    }
    server.stop();
}

#[test]
fn a_forked_child_that_comes_back_ends_and_answers_nobody() {
    let server = start(&[]);
    let mut client = server.connect();
    assert_eq!(client.get("/fork_and_return").text(), "[3, 0]");
    assert_eq!(client.get("/").text(), "Hello, world!");
    server.stop();
}

#[test]
fn a_quick_stop_waits_for_no_request_and_ends_the_lifespan() {
    let server = Server::start(Engine::Coroutine, "asynchronous:with_lifespan", &[]);
    let mut client = server.waiting_client("/until_file");
    server.wait_for_notes("waiting");
    server.signal(Signal::SIGINT);
    assert!(client.bytes_to_the_end().is_empty());
    server.wait_for_notes("shutdown");
    server.end_of_stop();
}

#[test]
fn a_second_term_ends_no_request_and_no_lifespan() {
    let server = Server::start(Engine::Coroutine, "asynchronous:with_lifespan", &[]);
    let mut client = server.waiting_client("/until_file");
    server.wait_for_notes("waiting");
    for _ in 0..2 {
        processes::signal_group(server.pid(), Signal::SIGTERM);
        server.wait_for_log("Handling signal: term");
    }
    server.scratch.write("go-on", "");
    assert_eq!(client.response().status, 200);
    server.wait_for_notes("shutdown");
    server.end_of_stop();
}
