//! Functions that block, beside an event loop: the loop's default executor has green threads for them,
//! and anyio's threads can be green.

use nix::sys::signal::Signal;

use crate::support::{Engine, Launch, Server};

fn launch(arguments: &[&str]) -> Launch {
    Launch::new(Engine::Coroutine).args(&["threads_beside:app"]).args(arguments)
}

fn start(arguments: &[&str]) -> Server {
    launch(arguments).start()
}

/// As many wait together as there are clients, or nobody is answered.
fn they_meet(count: usize, path: &str, arguments: &[&str], limit: &str, place: &str) {
    let mut launch = launch(arguments).env("TOGETHER", count.to_string());
    if !limit.is_empty() {
        launch = launch.env("LIMIT", limit);
    }
    let server = launch.start();
    server.answers_at_once(count, path, place);
    // And the pool's threads serve again.
    server.answers_at_once(count, path, place);
    server.stop();
}

#[test]
fn functions_of_the_default_executor_wait_together_in_green_threads() {
    they_meet(300, "/to_thread", &[], "", "on few OS threads");
    they_meet(300, "/to_thread", &["--loop", "asyncio"], "", "on few OS threads");
    they_meet(100, "/sync_to_async", &[], "", "on few OS threads");
}

#[test]
fn endpoints_that_are_no_coroutines_wait_together_in_green_threads() {
    they_meet(300, "/def", &["--anyio-threads", "300"], "", "on few OS threads");
}

#[test]
fn the_application_may_raise_anyios_limit_itself() {
    they_meet(60, "/def", &[], "60", "on as many OS threads");
    they_meet(60, "/def", &["--anyio-threads", "10"], "60", "on few OS threads");
}

#[test]
fn functions_beyond_requests_in_progress_wait_for_their_turn() {
    let server = launch(&["--requests-in-progress", "2"]).env("TOGETHER", "2").start();
    server.answers_at_once(20, "/to_thread", "on few OS threads");
    server.stop();
}

#[test]
fn what_a_function_sees_and_raises_is_as_in_a_thread() {
    for arguments in [&["--anyio-threads", "5"][..], &[]] {
        let mut server = start(arguments);
        server.expect_errors();
        assert_eq!(server.get("/context?one").text(), "one, one, nothing");
        assert_eq!(server.get("/context?two").text(), "two, two, nothing");
        assert_eq!(server.get("/fail").text(), "on purpose in fail");
        assert_eq!(server.get("/def_fails").status, 500);
        server.wait_for_log("ValueError: on purpose");
        assert_eq!(server.get("/back_to_loop").text(), "Loop");
        assert_eq!(server.get("/dependency").text(), "connection");
        server.wait_for_notes("opened\nclosed");
        assert_eq!(server.get("/fork").text(), "3");
        server.stop();
    }
}

#[test]
fn anyios_threads_outlive_their_requests() {
    let server = start(&[]);
    let first = server.get("/name").text();
    assert_eq!(server.get("/name").text(), first);
    server.stop();
}

#[test]
fn a_function_goes_on_when_nobody_waits_for_it_any_more() {
    let server = start(&[]);
    assert_eq!(server.get("/give_up").text(), "cancelled: True");
    assert!(!server.notes().contains("has ended"));
    server.scratch.write("go-on", "");
    server.wait_for_notes("the function has ended");
    server.stop();
}

#[test]
fn an_overdue_request_does_not_wait_for_its_function() {
    let mut server = start(&["--request-timeout", "1", "--anyio-threads", "5"]);
    server.expect_errors();
    assert_eq!(server.get("/overdue").status, 504);
    server.wait_for_notes("the request was cancelled");
    assert_eq!(server.get("/def_overdue").status, 504);
    server.scratch.write("go-on", "");
    server.wait_for_notes("the function has ended\nthe function has ended");
    assert_eq!(server.get("/fail").text(), "on purpose in fail");
    server.stop();
}

#[test]
fn a_stop_waits_for_functions_at_work_and_the_lifespan_has_threads_behind_them() {
    for arguments in [&["--anyio-threads", "5"][..], &["--loop", "asyncio"], &[]] {
        let server = launch(arguments).start_by_itself();
        server.get("/name");
        assert_eq!(server.get("/leave_behind").text(), "answered");
        server.signal(Signal::SIGTERM);
        server.wait_for_log("Handling signal: term");
        assert_eq!(server.notes(), "before\n");
        server.scratch.write("go-on", "");
        server.wait_for_notes("behind, by anyio");
        let expected = "before\nthe function has ended\nbehind\nbehind, by anyio\n";
        assert_eq!(server.notes(), expected);
        server.end_of_stop();
    }
}

#[test]
fn a_quick_stop_waits_for_no_function() {
    for path in ["/leave_behind", "/def_overdue"] {
        let server = launch(&["--anyio-threads", "5"]).start_by_itself();
        let mut client = server.waiting_client(path);
        if path == "/leave_behind" {
            assert_eq!(client.response().text(), "answered");
        } else {
            // Behind it, so it has begun.
            assert_eq!(server.get("/context?a").text(), "a, a, nothing");
        }
        server.signal(Signal::SIGINT);
        server.end_of_stop();
    }
}
