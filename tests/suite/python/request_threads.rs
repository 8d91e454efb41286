//! A request runs on a thread that `threading` knows as one of its own: with gunicorn it is one of
//! a `ThreadPoolExecutor`, or the main thread.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::{Engine, Launch, Server, processes, wait};

const AT_ONCE: usize = 10;

fn start(engine: Engine) -> Server {
    Server::start(engine, "request_threads", &[])
}

fn answer(server: &Server, path: &str) -> String {
    server.get(path).text()
}

each_of! { Sync, Gthread, Coroutine, Gunicorn; fn it_is_alive_and_no_daemon(engine) {
    let server = start(engine);
    server.answers_at_once(AT_ONCE, "/facts", "right");
    assert_eq!(answer(&server, "/join_another"), "[None] True");
    server.stop();
}}

each_of! { Gthread, Coroutine; fn each_has_a_name_and_is_no_more_listed_than_there_are(engine) {
    let server = start(engine);
    let names: Vec<_> = server.at_once(AT_ONCE, "/name").iter().map(|r| r.text()).collect();
    assert!(names.iter().all(|name| name.starts_with("request-")), "{names:?}");
    let different: HashSet<_> = names.iter().collect();
    let listed: usize = answer(&server, "/count").parse().unwrap();
    assert!(different.len() <= listed && listed <= AT_ONCE + 1, "{listed} of {names:?}");
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine, GunicornSync, Gunicorn; fn a_stop_waits_for_threads_that_a_request_has_started(engine) {
    let server = start(engine);
    assert_eq!(answer(&server, "/work"), "started");
    server.signal(Signal::SIGTERM);
    server.wait_for_notes("ending");
    server.scratch.write("go-on", "");
    server.wait_for_notes("ending\nworked");
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine, GunicornSync, Gunicorn; fn a_stop_waits_no_longer_than_the_graceful_timeout(engine) {
    let mut server = Server::start(engine, "request_threads", &["--graceful-timeout", "1"]);
    assert_eq!(answer(&server, "/work"), "started"); // which never ends
    server.signal(Signal::SIGTERM);
    server.wait_for_notes("ending");
    assert_eq!(server.exit_code(), 0);
}}

// gunicorn's pool of threads joins its own thread at the child's end, which raises.
each_of! { Sync, Gthread, Coroutine, GunicornSync; fn a_child_that_multiprocessing_forks_ends_with_0(engine) {
    let server = start(engine);
    assert_eq!(answer(&server, "/fork"), "0");
    assert_eq!(server.notes(), "ran in the child\n");
    server.stop();
}}

each_of! { Gthread, Coroutine, Gunicorn; fn what_traces_and_profiles_threads_sees_requests(engine) {
    let server = start(engine);
    server.answers_at_once(AT_ONCE, "/seen_view", "seen");
    let seen = answer(&server, "/was_seen");
    assert_eq!(seen, "seen_view:c_call seen_view:c_return seen_view:call seen_view:return");
    server.stop();
}}

// CPython 3.12 and later.
each_of! { Gthread, Coroutine, Gunicorn; fn what_profiles_all_threads_sees_requests_in_progress(engine) {
    let server = start(engine);
    if answer(&server, "/can_profile_all") == "no" {
        return server.stop();
    }
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| server.at_once(AT_ONCE, "/wait_for_profiler"));
        wait::until_true("all to wait", || answer(&server, "/count_waiting") == AT_ONCE.to_string());
        assert_eq!(answer(&server, "/profile_all"), "set");
        let seen: Vec<_> = waiting.join().unwrap().iter().map(|r| r.text()).collect();
        assert!(seen.iter().all(|text| text == "seen"), "{seen:?}");
    });
    server.stop();
}}

each_of! { Gthread, Coroutine; fn a_request_that_traces_itself_traces_no_other(engine) {
    let server = start(engine);
    let traced = std::thread::scope(|scope| {
        let on = scope.spawn(|| server.at_once(AT_ONCE, "/trace_here?on"));
        let off = server.at_once(AT_ONCE, "/trace_here?off");
        (on.join().unwrap(), off)
    });
    assert!(traced.0.iter().all(|response| response.text() == "True"));
    assert!(traced.1.iter().all(|response| response.text() == "False"));
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine, GunicornSync, Gunicorn; fn pending_calls_are_made_by_the_main_thread_of_an_idle_worker(engine) {
    let server = start(engine);
    assert_eq!(answer(&server, "/pend"), "asked");
    let made = "called by the main thread\n".repeat(5);
    wait::until_true("the calls to be made", || server.notes() == made);
    server.stop();
}}

// The worker would wait for the first thread until it is killed, and leave what the second held.
each_of! { Gthread, Coroutine; fn it_ends_before_the_worker_does(engine) {
    let mut server = start(engine);
    server.answers_at_once(AT_ONCE, "/follow", "followed");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.exit_code(), 0);
    let notes = server.notes();
    assert_eq!(notes.matches("followed").count(), AT_ONCE, "{notes}");
    assert!(notes.contains("let go"), "{notes}");
}}

// Seen: 5 ms for a round, most of it this test's own. An idle worker looks by itself once a second, so
// that rounds in which nobody told it would take 4 s.
each_of! { Sync, Gthread, Coroutine; fn an_idle_worker_makes_pending_calls_and_handles_signals_at_once(engine) {
    const ROUNDS: usize = 8;
    const AT_ONCE: Duration = Duration::from_millis(1500);
    let server = start(engine);
    let seen = |what: &str, times| {
        wait::until_true(what, || server.notes().matches(what).count() == times);
    };
    let (mut calls, mut signals) = (Duration::ZERO, Duration::ZERO);
    for round in 1..=ROUNDS {
        assert_eq!(answer(&server, "/pend?asking"), "asked");
        seen("asking", round);
        let asked = Instant::now();
        seen("called", 5 * round);
        calls += asked.elapsed();
        processes::signal(server.worker_pid(), Signal::SIGALRM);
        let sent = Instant::now();
        seen("alarm", round);
        signals += sent.elapsed();
    }
    assert!(calls < AT_ONCE, "the calls of {ROUNDS} rounds took {calls:?}");
    assert!(signals < AT_ONCE, "{ROUNDS} signals took {signals:?}");
    server.stop();
}}

// A collection in the midst of what greenlet leaves to be done frees what it is at (3.5).
each_of! { Sync, Gthread, Coroutine; fn no_garbage_is_collected_within_a_pending_call(engine) {
    let server = start(engine);
    assert_eq!(answer(&server, "/pend_and_allocate"), "asked");
    wait::until_true("the calls", || server.notes().matches("called").count() == 5);
    assert!(server.notes().starts_with("10000 allocated, False, False\n"), "{}", server.notes());
    assert_eq!(answer(&server, "/collects"), "True");
    server.stop();
}}

// CPython's list is copied with the process, and the child's calls come too soon for who took a lock.
each_of! { Gthread, Coroutine; fn a_pending_call_is_made_once_and_not_in_a_child_as_well(engine) {
    // Without an environment, whose packages have handlers of forks that let the main thread make them
    // in time.
    let server = Launch::new(engine).env("VIRTUAL_ENV", "").args(&["request_threads"]).start();
    for round in 1..=20 {
        assert_eq!(answer(&server, "/pend_and_fork"), "0");
        wait::until_true("the calls", || server.notes().matches("called").count() >= 5 * round);
    }
    assert_eq!(server.notes(), "called by the main thread\n".repeat(100));
    server.stop();
}}

// gunicorn's main thread would raise what fails.
each_of! { Sync, Gthread, Coroutine; fn a_pending_call_that_fails_keeps_none_behind_it(engine) {
    let mut server = start(engine);
    // By the wheel the main thread stands in a frame of Python's, so that the exception has a traceback.
    server.expect_errors();
    assert_eq!(answer(&server, "/pend_behind_one_that_fails"), "asked");
    let made = "called by the main thread\n".repeat(5);
    wait::until_true("the calls to be made", || server.notes() == made);
    assert!(server.log().contains("SystemError"), "{}", server.log());
    server.stop();
}}

// gunicorn's child writes to the file, as any in which CPython wakes the parent (signal.set_wakeup_fd).
each_of! { Sync, Gthread, Coroutine; fn a_child_is_interrupted_by_itself_and_writes_to_no_file_for_it(engine) {
    let server = start(engine);
    assert_eq!(answer(&server, "/interrupt_a_child"), "0 bytes");
    assert_eq!(server.notes(), "handled\ncalled by the main thread\n");
    server.stop();
}}

// Such a thread ends after 10 s without a request, and its place is used again.
each_of! { Coroutine; fn none_is_taken_for_one_that_ended_while_a_destructor_asked(engine) {
    let server = start(engine);
    server.answers_at_once(AT_ONCE, "/leave_what_asks", "left");
    wait::until_true("the threads to end", || server.notes().contains("ended on"));
    server.answers_at_once(AT_ONCE, "/facts", "right");
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine, Gunicorn; fn no_stranger_in_a_child_is_taken_for_a_requests(engine) {
    let server = start(engine);
    server.answers_at_once(AT_ONCE, "/strangers_in_a_child", "_DummyThread");
    server.stop();
}}

// gunicorn: they stay with the thread, and find whoever comes next.
each_of! { Gthread, Coroutine; fn the_next_request_finds_no_trace_function_of_the_one_before(engine) {
    let server = Server::start(engine, "left_traces", &[]);
    for _ in 0..AT_ONCE {
        assert_eq!(answer(&server, "/left"), "set");
        assert_eq!(answer(&server, "/found"), "None None");
    }
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine, GunicornSync, Gunicorn; fn greenlets_of_threads_that_have_ended_are_freed(engine) {
    let server = start(engine);
    for _ in 0..4 {
        assert_eq!(answer(&server, "/make_greenlets"), "made");
    }
    wait::until_true("the greenlets to be freed", || {
        answer(&server, "/greenlets").parse::<usize>().unwrap() < AT_ONCE
    });
    server.stop();
}}
