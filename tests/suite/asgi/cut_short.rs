//! Requests that end otherwise than by themselves: cancelled, overdue, their clients gone, and heads that are longer
//! than what is held back.

use crate::support::client::get_and_close;
use crate::support::websocket::handshake;
use crate::support::{Engine, Server, processes, wait};

fn start(arguments: &[&str]) -> Server {
    Server::start(Engine::Coroutine, "cut_short", arguments)
}

/// A client of a stream that has begun.
fn begun(server: &Server, path: &str) -> crate::support::client::Client {
    let mut client = server.waiting_client(path);
    assert!(!client.some_bytes().is_empty());
    client
}

#[test]
fn a_long_head_leaves_with_the_first_piece_of_a_stream() {
    let server = start(&[]);
    let mut client = server.connect();
    let response = client.get("/long_head");
    assert_eq!((response.status, response.text().as_str()), (200, "first second"));
    let request =
        "GET /long_head?t HTTP/1.1\r\nHost: test\r\nTE: trailers\r\nConnection: close\r\n\r\n";
    assert!(server.exchange(request).ends_with("second\r\n0\r\n\r\n"));
    client.send(handshake("/long_denial", &[]));
    assert_eq!(client.response().text(), "first second");
    server.stop();
}

#[test]
fn what_is_overdue_before_its_first_step_is_answered_and_leaves_nothing() {
    let server = start(&["--request-timeout", "1"]);
    assert_eq!(server.get("/").text(), "Hello, world!");
    let before = processes::open_sockets(server.worker_pid());
    let mut first = server.waiting_client("/hold_up");
    server.wait_for_notes("held up");
    let mut others = server.waiting_clients(8, "/");
    // Longer than a request may take.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    server.scratch.write("go-on", "");
    for other in &mut others {
        assert_eq!(other.response().status, 504);
    }
    assert!([200, 504].contains(&first.response().status));
    drop((first, others));
    wait::until_true("the sockets to be closed", || {
        processes::open_sockets(server.worker_pid()) <= before
    });
    assert_eq!(server.get("/").text(), "Hello, world!");
    server.stop();
}

#[test]
fn a_task_that_others_cancel_before_its_first_step_is_answered() {
    let mut server = start(&[]);
    server.expect_errors();
    assert_eq!(server.get("/cancel_next").text(), "the next");
    assert_eq!(server.get("/").status, 500);
    server.wait_for_log("Error handling request GET /");
    assert_eq!(server.get("/").text(), "Hello, world!");
    server.stop();
}

#[test]
fn a_client_that_has_left_takes_no_place_whatever_the_application_does() {
    for path in ["/say_whole_and_wait", "/say_whole_and_wait?more"] {
        let server = start(&["--worker-connections", "1"]);
        let client = begun(&server, path);
        drop(client);
        assert_eq!(server.get("/").text(), "Hello, world!");
        server.wait_for_notes("told: BrokenPipeError\nthen http.disconnect\n");
        let gone = "the client left before it had the whole response";
        let line = format!("GET {path}: {gone}");
        assert_eq!(server.log().matches(&line).count(), 1, "{}", server.log());
        server.scratch.write("go-on", "");
        server.wait_for_notes("over");
        server.stop();
    }
}

#[test]
fn a_fault_behind_a_client_that_has_left_is_logged_and_what_comes_of_that_is_not() {
    let mut server = start(&[]);
    drop(begun(&server, "/fail_of_it"));
    server.wait_for_notes("left");
    drop(begun(&server, "/fail_in_group?alone"));
    server.wait_for_notes("left\nleft");
    assert_eq!(server.get("/").text(), "Hello, world!");
    server.assert_no_errors();
    server.expect_errors();
    drop(begun(&server, "/ignore_and_fail"));
    server.wait_for_log("Error handling request GET /ignore_and_fail");
    server.wait_for_log("KeyError: 'a fault of its own'");
    drop(begun(&server, "/fail_in_group"));
    server.wait_for_log("KeyError: 'a fault in the group'");
    drop(begun(&server, "/fail_by_upstream"));
    server.wait_for_log("BrokenPipeError: [Errno 32] the upstream's");
    server.stop();
}

#[test]
fn an_overdue_request_gives_its_place_back_whatever_the_application_does() {
    let arguments = ["--request-timeout", "1", "--worker-connections", "1"];
    let server = start(&arguments);
    let mut client = server.connect();
    client.send(get_and_close("/swallow"));
    assert_eq!(client.response().status, 504);
    server.wait_for_notes("swallowed");
    assert_eq!(server.get("/").text(), "Hello, world!");
    server.scratch.write("go-on", "");
    server.wait_for_notes("over");
    server.stop();
}

#[test]
fn a_fault_behind_the_end_of_its_time_is_logged() {
    let mut server = start(&["--request-timeout", "1"]);
    server.expect_errors();
    assert_eq!(server.get("/fail_in_cleaning_up").status, 504);
    server.wait_for_log("KeyError: 'in what cleans up'");
    server.stop();
}
