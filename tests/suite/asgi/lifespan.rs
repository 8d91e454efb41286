//! The lifespan protocol: its order, its state, and starts that fail.

use nix::sys::signal::Signal;

use crate::support::{Engine, Launch, Server};

#[test]
fn it_begins_before_the_first_request_and_ends_behind_the_last() {
    let launch = Launch::new(Engine::Coroutine).args(&["asynchronous:with_lifespan"]);
    let server = launch.start_by_itself();
    assert_eq!(server.get("/").text(), "of the start");
    let mut last = server.waiting_client("/until_file");
    server.wait_for_notes("waiting");
    server.signal(Signal::SIGTERM);
    server.scratch.write("go-on", "");
    assert_eq!(last.response().text(), "of the start");
    server.wait_for_notes("shutdown");
    let expected = "startup\nanswered /\nwaiting\nanswered /until_file\nshutdown\n";
    assert_eq!(server.notes(), expected);
    server.end_of_stop();
}

#[test]
fn each_worker_of_a_reload_has_its_own() {
    let server = Server::start(Engine::Coroutine, "asynchronous:with_lifespan", &[]);
    assert_eq!(server.get("/").text(), "of the start");
    let before = server.worker_pid();
    server.signal(Signal::SIGHUP);
    server.wait_for_workers_without(before, 1);
    assert_eq!(server.notes(), "startup\nanswered /\nstartup\nshutdown\n");
    server.stop();
}

fn failing(arguments: &[&str]) -> (i32, String) {
    let mut server = Launch::new(Engine::Coroutine).args(arguments).start();
    (server.exit_code(), server.log())
}

#[test]
fn a_start_that_fails_ends_with_its_reason_and_exit_code_3() {
    let (code, log) = failing(&["asynchronous:start_fails"]);
    assert_eq!(code, 3, "{log}");
    assert!(log.contains("no database"), "{log}");
    let (code, log) = failing(&["--lifespan", "on", "asynchronous:start_raises"]);
    assert_eq!(code, 3, "{log}");
    assert!(log.contains("ValueError: at the start") && log.contains("in start_raises"), "{log}");
}

#[test]
fn an_application_that_knows_none_is_served_unless_it_must() {
    for mode in ["auto", "off"] {
        let arguments = ["--lifespan", mode];
        let server = Server::start(Engine::Coroutine, "asynchronous:start_raises", &arguments);
        assert_eq!(server.get("/").text(), "well");
        server.stop();
    }
    let server =
        Server::start(Engine::Coroutine, "asynchronous:with_lifespan", &["--asgi-lifespan", "off"]);
    assert_eq!(server.get("/").text(), "no state");
    server.stop();
}
