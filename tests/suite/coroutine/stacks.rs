//! Green threads that use their stack to its end, or more.

use std::time::{Duration, Instant};

use crate::support::client::get_and_close;
use crate::support::{Engine, Server, wait};

/// An idle green worker ends after ten seconds, and its stack is kept for another.
const ENDED_AFTER: Duration = Duration::from_secs(13);

#[test]
fn a_stack_that_was_used_to_its_end_is_used_again() {
    let server = Server::start(Engine::Coroutine, "deep", &[]);
    let worker = server.worker_pid();
    assert_eq!(server.get("/touch_the_end").text(), "touched");
    let touched = Instant::now();
    wait::until_true("the green worker to end", || touched.elapsed() > ENDED_AFTER);
    assert_eq!(server.get("/hello").text(), "hello");
    assert_eq!(server.worker_pid(), worker);
    server.stop();
}

#[test]
fn a_stack_that_overflows_is_named_and_costs_its_worker_only() {
    let mut server = Server::start(Engine::Coroutine, "deep", &[]);
    let worker = server.worker_pid();
    let answer = server.exchange(get_and_close("/overflow"));
    assert_eq!(answer, "");
    server.wait_for_log("has overflowed the stack of its green thread; raise coroutine_stack_size");
    assert_eq!(server.get("/hello").text(), "hello");
    assert_ne!(server.worker_pid(), worker);
    server.expect_errors();
    server.stop();
}

#[test]
fn cpython_knows_where_a_stack_ends() {
    let server = Server::start(Engine::Coroutine, "deep", &[]);
    let worker = server.worker_pid();
    assert_eq!(server.get("/free").text(), "1000 freed");
    assert_eq!(server.get("/recurse").text(), "refused");
    assert_eq!(server.worker_pid(), worker);
    server.stop();
}
