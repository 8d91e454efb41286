//! Handlers of the application's for signals that a worker hears itself: both are done.

use nix::sys::signal::Signal;

use crate::support::{Engine, Launch, Scratch, Server, processes, wait};

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

// It would put the signal's default in the place of the worker's handler, or call that without end.
each_of! { Sync, Gthread, Coroutine; fn one_that_hands_on_to_the_one_before_takes_no_stop_away(engine) {
    for handled in ["handed on", "handed on to another"] {
        let server = start(engine, "signalled_ends", handled);
        assert!(server.log().contains("handler for SIGTERM is not called"), "{}", server.log());
        stops_gracefully(server, if handled == "handed on" { "" } else { "the first\n" });
    }
    let hook = "import faulthandler, signal\ndef post_worker_init(worker):\n    \
                for number in signal.SIGTERM, signal.SIGUSR1:\n        \
                faulthandler.register(number, chain=True)\n";
    let launch = Launch::new(engine).args(&["-c", "conf.py", "signalled_ends"]);
    let prepare = |scratch: &Scratch| {
        scratch.write("conf.py", hook);
        vec!["env".to_owned()]
    };
    let server = launch.env("HANDLED", "handed on later").inside_of(prepare).start();
    assert_eq!(server.get("/").status, 200);
    stops_gracefully(server, "");
}}

/// After a USR1 that kills nobody; with the request in progress answered, and these notes of the stop.
fn stops_gracefully(server: Server, noted: &str) {
    let worker = server.worker_pid();
    processes::signal(worker, Signal::SIGUSR1);
    let mut client = server.waiting_client("/held");
    server.wait_for_notes("held\n");
    assert_eq!(server.worker_pid(), worker);
    server.signal(Signal::SIGTERM);
    wait::until_true("the stop", || server.log().contains("Handling signal: term"));
    std::fs::write(server.scratch.file("may_answer"), "").unwrap();
    assert_eq!(client.response().text(), "served");
    server.wait_for_notes(&format!("held\n{noted}"));
    server.end_of_stop();
}

// systemd sends it to all processes at once, and the master sends it to the workers.
each_of! { Sync, Gthread, Coroutine; fn a_second_stop_does_not_interrupt_the_end(engine) {
    let server = start(engine, "signalled_ends", "at the end");
    let worker = server.worker_pid();
    server.signal(Signal::SIGTERM);
    server.wait_for_notes("leaves\nthe end begins\n");
    processes::signal(worker, Signal::SIGTERM);
    std::fs::write(server.scratch.file("may_end"), "").unwrap();
    server.wait_for_notes("leaves\nthe end begins\nthe end\n");
    server.end_of_stop();
}}

// The supervisor has not sent it, and still ends the worker in the end.
each_of! { Gthread, Coroutine; fn a_worker_that_leaves_by_itself_is_borne_no_longer_than_another(engine) {
    let launch = Launch::new(engine).args(&["--graceful-timeout", "1", "signalled_ends"]);
    let mut server = launch.env("HANDLED", "another").start();
    assert_eq!(server.get("/").status, 200);
    let _held = server.waiting_client("/held");
    server.wait_for_notes("held\n");
    let old = server.worker_pid();
    processes::signal(old, Signal::SIGUSR2);
    server.wait_for_workers_without(old, 1);
    assert_eq!(server.get("/").text(), "served");
    server.expect_errors();
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
