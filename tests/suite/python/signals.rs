//! Handlers of the application's for signals that a worker hears itself: both are done.

use nix::sys::signal::Signal;

use crate::support::{Engine, Launch, Server, processes, wait};

/// A worker that hears INT and QUIT too, wherever the tests were started.
fn start(engine: Engine, app: &str, handled: &str) -> Server {
    let words = ["env", "--default-signal=INT,QUIT"].map(str::to_owned);
    let launch = Launch::new(engine).args(&[app]).env("HANDLED", handled);
    let server = launch.inside_of(|_| words.to_vec()).start();
    assert_eq!(server.get("/").status, 200);
    server
}

each_of! { Sync, Gthread, Coroutine, GunicornSync, Gunicorn; fn the_stop_calls_the_applications_handler_as_well(engine) {
    let server = start(engine, "signalled", "");
    assert_eq!(server.get("/known").text(), "True");
    server.signal(Signal::SIGTERM);
    server.wait_for_notes("SIGTERM on the main thread\n");
    assert_eq!(server.notes().lines().count(), 1, "{}", server.notes());
    if !engine.is_gunicorn() {
        server.end_of_stop();
    }
}}

// A quick stop waits for nobody else.
each_of! { Sync, Gthread, Coroutine; fn a_quick_stop_calls_it_as_well(engine) {
    for (sent, name) in [(Signal::SIGINT, "SIGINT"), (Signal::SIGQUIT, "SIGQUIT")] {
        let mut server = start(engine, "signalled", "");
        server.expect_errors(); // the worker that leaves by itself
        let (old, told) = (server.worker_pid(), format!("{name} on the main thread\n"));
        processes::signal(old, sent);
        server.wait_for_workers_without(old, 1);
        assert_eq!(server.notes(), told);
        server.stop();
    }
}}

each_of! { Sync, Gthread, Coroutine; fn usr1_calls_it_and_opens_the_logs_anew(engine) {
    let launch = Launch::new(engine).args(&["--access-logfile", "accesses", "signalled"]);
    let server = launch.start();
    assert_eq!(server.get("/").status, 200);
    std::fs::rename(server.scratch.file("accesses"), server.scratch.file("old")).unwrap();
    server.signal(Signal::SIGUSR1);
    server.wait_for_notes("SIGUSR1 on the main thread\n");
    wait::until_true("the new log", || {
        server.get("/");
        server.scratch.read("accesses").contains("GET / ")
    });
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn a_child_has_the_applications_handlers_alone(engine) {
    let server = start(engine, "signalled", "");
    // What the handler calls of ours does what the signal does without: the child ends by it.
    assert_eq!(server.get("/child").text(), format!("-{}", Signal::SIGTERM as i32));
    assert_eq!(server.notes(), "its own\nSIGTERM on the main thread\n");
    server.stop();
}}

// gunicorn: the worker has lost the signal then, and is killed at the end of the graceful timeout.
each_of! { Sync, Gthread, Coroutine; fn a_handler_that_is_set_later_takes_no_stop_away(engine) {
    let server = start(engine, "signalled", "");
    let set = server.get("/later").text();
    server.signal(Signal::SIGTERM);
    let is_set = set == "set";
    assert_eq!(is_set, engine == Engine::Sync);
    let noted = if is_set { "True\nits own\n" } else { "SIGTERM on the main thread\n" };
    server.wait_for_notes(noted);
    server.end_of_stop();
}}

#[test]
fn one_that_is_put_back_is_called_once() {
    let server = start(Engine::Sync, "signalled", "");
    assert_eq!(server.get("/for_now").text(), "put back");
    server.signal(Signal::SIGTERM);
    server.wait_for_notes("SIGTERM on the main thread\n");
    assert_eq!(server.notes().lines().count(), 1, "{}", server.notes());
    server.end_of_stop();
}

each_of! { Sync, Gthread, Coroutine; fn one_that_leaves_or_ignores_ends_the_worker_without_a_complaint(engine) {
    for (handled, noted) in [("leaves", "leaves\n"), ("ignored", "")] {
        let server = start(engine, "signalled_ends", handled);
        server.signal(Signal::SIGTERM);
        wait::until_true("its handler", || server.notes() == noted);
        server.end_of_stop();
    }
}}

each_of! { Sync, Gthread, Coroutine; fn a_handler_that_is_not_called_is_warned_of(engine) {
    let server = start(engine, "signalled_ends", "abort");
    assert!(server.log().contains("handler for SIGABRT is not called"), "{}", server.log());
    server.stop();
}}

// uvloop hears signals on the main thread only, where its loop does not run.
#[test]
fn a_loops_handlers_are_called_on_it() {
    let server = Server::start(Engine::Coroutine, "signalled_asgi", &["--asgi-loop", "asyncio"]);
    assert_eq!(server.get("/").text(), "served");
    server.signal(Signal::SIGUSR1);
    server.wait_for_notes("SIGUSR1 on the loop\n");
    server.signal(Signal::SIGTERM);
    server.end_of_stop();

    let server = Server::start(Engine::Coroutine, "signalled_asgi", &["--asgi-loop", "uvloop"]);
    assert_eq!(server.get("/").text(), "served");
    assert!(
        server
            .log()
            .contains("handler for SIGUSR1 that loop.add_signal_handler has set is not called")
    );
    server.stop();
}
