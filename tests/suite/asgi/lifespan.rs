//! The lifespan protocol: its order, its state, and starts that fail.

use nix::sys::signal::Signal;

use crate::support::{Engine, Launch, Server, processes, wait};

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
    assert!(log.contains("could not start the app:\nno database"), "{log}");
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

#[test]
fn one_that_ends_where_nothing_was_asked_of_it_is_said() {
    let server = Server::start(Engine::Coroutine, "asynchronous:start_raises", &[]);
    assert_eq!(server.get("/").text(), "well");
    server.wait_for_log("seems to know no lifespan: it has ended with ValueError: at the start");
    server.stop();
    let mut server = Server::start(Engine::Coroutine, "lifespans:dies_while_serving", &[]);
    server.expect_errors();
    assert_eq!(server.get("/").text(), "Hello, world!");
    server.scratch.write("die", "");
    server.wait_for_log("the application's lifespan has ended before its worker");
    server.wait_for_log("ValueError: while it served");
    assert_eq!(server.get("/").text(), "Hello, world!");
    server.stop();
}

/// How often the log has it.
fn count(log: &str, text: &str) -> usize {
    log.matches(text).count()
}

#[test]
fn what_starlette_raises_behind_its_failure_is_said_once() {
    let (code, log) = failing(&["fast:start_fails"]);
    assert_eq!(code, 3, "{log}");
    assert_eq!(count(&log, "ValueError: no database at the start"), 1, "{log}");
    assert!(!log.contains("lifespan has ended"), "{log}");
    let mut server = Server::start(Engine::Coroutine, "fast:end_fails", &[]);
    server.expect_errors();
    assert_eq!(server.get("/").status, 404);
    server.signal(Signal::SIGTERM);
    assert_eq!(server.exit_code(), 0);
    let log = server.log();
    assert!(log.contains("the application's lifespan.shutdown has failed:"), "{log}");
    assert_eq!(count(&log, "ValueError: no database at the end"), 1, "{log}");
    assert!(!log.contains("lifespan has ended"), "{log}");
}

#[test]
fn what_is_raised_behind_the_end_is_said_as_that() {
    let mut server = Server::start(Engine::Coroutine, "lifespans:dies_behind_its_end", &[]);
    server.expect_errors();
    assert_eq!(server.get("/").text(), "Hello, world!");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.exit_code(), 0);
    let log = server.log();
    assert!(log.contains("has ended behind lifespan.shutdown.complete, by an exception"), "{log}");
    assert_eq!(count(&log, "ValueError: behind the end"), 1, "{log}");
}

#[test]
fn a_worker_lives_as_long_as_the_loop_of_its_lifespan_turns() {
    let server =
        Server::start(Engine::Coroutine, "lifespans:slow_at_both_ends", &["--timeout", "5"]);
    assert_eq!(server.get("/").text(), "Hello, world!");
    server.signal(Signal::SIGTERM);
    server.wait_for_notes("startup\nshutdown\n");
    assert!(!server.log().contains("WORKER TIMEOUT"), "{}", server.log());
    server.end_of_stop();
}

#[test]
fn a_task_factory_that_it_sets_may_wrap_each_request() {
    for kind in ["asyncio", "uvloop"] {
        let app = "lifespans:sets_task_factory";
        let mut server = Server::start(Engine::Coroutine, app, &["--loop", kind]);
        server.expect_errors();
        assert_eq!(server.get("/").text(), "Hello, world!", "{}", server.log());
        assert_eq!(server.get("/cancels_next").text(), "the next");
        assert_eq!(server.get("/").status, 500);
        server.wait_for_log("Error handling request GET /\n");
        assert_eq!(server.get("/fails_next").text(), "the next");
        assert_eq!(server.get("/").status, 500);
        server.wait_for_log("ValueError: the factory's own");
        assert_eq!(server.get("/").text(), "Hello, world!");
        server.stop();
    }
}

#[test]
fn one_that_blocks_its_loop_is_killed_and_named() {
    let mut server = Server::start(Engine::Coroutine, "lifespans:blocks", &["--timeout", "3"]);
    server.expect_errors();
    server.wait_for_log(" s, at lifespan.startup (");
    server.signal(Signal::SIGINT);
    drop(server);
}

#[test]
fn a_worker_that_ends_by_itself_and_whose_shutdown_has_no_end_is_killed() {
    let arguments = ["--graceful-timeout", "1", "--timeout", "3"];
    let mut server = Server::start(Engine::Coroutine, "lifespans:never_ends", &arguments);
    server.expect_errors();
    assert_eq!(server.get("/").text(), "Hello, world!");
    let worker = server.worker_pid();
    processes::signal(worker, Signal::SIGTERM);
    server.wait_for_notes("shutdown");
    server.wait_for_log(" s, at lifespan.shutdown (");
    server.wait_for_workers_without(worker, 1);
    assert_eq!(server.get("/").text(), "Hello, world!");
    server.signal(Signal::SIGINT);
    drop(server);
}

#[test]
fn with_reload_a_start_that_fails_is_shown_until_it_is_mended() {
    for forced in [&[][..], &["--interface", "asgi"], &["-k", "uvicorn.workers.UvicornWorker"]] {
        let launch = Launch::new(Engine::Coroutine).args(&["--reload"]).args(forced);
        let app = "from lifespans import start_fails_unless_mended as app\n";
        launch.scratch.write("site_app.py", app);
        let mut server = launch.args(&["site_app:app"]).start();
        server.expect_errors();
        assert_eq!(server.get("/").status, 500);
        assert!(server.get("/").text().contains("no database"));
        server.scratch.write("mended", "");
        server.scratch.write("site_app.py", &format!("{app}#\n"));
        server.wait_for_text("Hello, world!");
        server.scratch.write("site_app.py", "import no_such_module\n");
        wait::until_true("the error to be served", || {
            server.get("/").text().contains("No module named 'no_such_module'")
        });
        server.stop();
    }
}
