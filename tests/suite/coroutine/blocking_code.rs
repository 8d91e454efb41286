//! `-k coroutine`: plain blocking code, hundreds at once, on one OS thread.
//!
//! The times say "together, not one after the other" and no more: sequential, each would take ten
//! times its limit or longer.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::support::backing::{database_url, with_upstream};
use crate::support::{Engine, Launch, Server, processes, wait};

/// An OS thread more or fewer is no matter; one per request is. Eight of them are carriers.
const MOST_THREADS: u64 = 16;

fn start() -> Server {
    let server = Server::start(Engine::Coroutine, "blocking", &[]);
    assert_eq!(server.get("/short_sleep").text(), "slept");
    server
}

/// `count` clients at once must all get `answer` within `limit`.
fn together(server: &Server, count: usize, path: &str, answer: &str, limit: Duration) {
    let started = Instant::now();
    server.answers_at_once(count, path, answer);
    let took = started.elapsed();
    assert!(took < limit, "{count} x {path} took {took:?}");
}

#[test]
fn sleeping_views_sleep_together() {
    let server = start();
    together(&server, 200, "/sleep", "slept", Duration::from_secs(10));
    server.stop();
}

/// Two green workers are idle when twenty requests come in one turn of the reactor (it was held up):
/// the others are not made only when something else happens, such as the end of the first sleep.
#[test]
fn requests_beyond_the_idle_green_workers_begin_at_once() {
    let server = Server::start(Engine::Coroutine, "blocking", &["--switch-interval", "0"]);
    together(&server, 2, "/short_sleep", "slept", wait::PATIENCE);
    let mut computing = server.waiting_client("/compute");
    together(&server, 20, "/noted_sleep", "slept", wait::PATIENCE);
    assert_eq!(computing.response().text(), "computed");
    let begun: Vec<u64> = server.notes().lines().map(|time| time.parse().unwrap()).collect();
    assert_eq!(begun.len(), 20);
    let milliseconds = begun[19] - begun[0];
    assert!(milliseconds < 400, "the last began {milliseconds} ms after the first");
    server.stop();
}

#[test]
fn database_driver_in_c_waits_together() {
    let launch = Launch::new(Engine::Coroutine).env("DATABASE_URL", database_url());
    let server = launch.args(&["blocking"]).start();
    together(&server, 1, "/database", "rested", wait::PATIENCE);
    together(&server, 100, "/database", "rested", Duration::from_secs(8));
    server.stop();
}

#[test]
fn a_database_connection_can_be_shared() {
    let launch = Launch::new(Engine::Coroutine).env("DATABASE_URL", database_url());
    let server = launch.args(&["blocking"]).start();
    together(&server, 1, "/shared_database", "rested", wait::PATIENCE);
    together(&server, 30, "/shared_database", "rested", wait::PATIENCE);
    server.stop();
}

#[test]
fn event_wakes_every_long_poll_on_few_threads() {
    let server = start();
    let mut clients = server.waiting_clients(300, "/wait_for_event");
    wait::until_true("all to wait", || server.notes().lines().count() == 300);
    let threads = processes::status_number(server.worker_pid(), "Threads");
    assert!(threads <= MOST_THREADS || server.engine.is_gunicorn(), "{threads} threads");
    assert_eq!(server.get("/set_event").text(), "done");
    for client in &mut clients {
        assert_eq!(client.response().text(), "set");
    }
    server.stop();
}

#[test]
fn condition_wakes_every_waiter() {
    let server = start();
    let mut clients = server.waiting_clients(50, "/wait_for_condition");
    wait::until_true("all to wait", || server.notes().lines().count() == 50);
    assert_eq!(server.get("/notify").text(), "done");
    for client in &mut clients {
        assert_eq!(client.response().text(), "notified");
    }
    server.stop();
}

#[test]
fn queue_hands_each_item_to_one_waiter() {
    let server = start();
    let mut clients = server.waiting_clients(50, "/wait_for_item");
    wait::until_true("all to wait", || server.notes().lines().count() == 50);
    for number in 0..50 {
        assert_eq!(server.get(&format!("/put_item?{number}")).text(), "done");
    }
    let items: HashSet<String> =
        clients.iter_mut().map(|client| client.response().text()).collect();
    assert_eq!(items.len(), 50, "{items:?}");
    server.stop();
}

#[test]
fn recursive_lock_lets_one_in_at_a_time() {
    let server = start();
    together(&server, 100, "/mutual_exclusion", "0", wait::PATIENCE);
    server.stop();
}

#[test]
fn requests_at_once_have_identities_of_their_own() {
    let server = start();
    let answers = server.at_once(50, "/identity");
    let identities: HashSet<String> = answers.iter().map(|answer| answer.text()).collect();
    assert_eq!(identities.len(), 50);
    server.stop();
}

#[test]
fn thread_local_values_do_not_mix() {
    let server = start();
    let clients = (0..50).map(|number| {
        let path = format!("/thread_local?{number}");
        (number.to_string(), server.waiting_client(&path))
    });
    let clients: Vec<_> = clients.collect();
    for (value, mut client) in clients {
        assert_eq!(client.response().text(), value);
    }
    server.stop();
}

/// 40 clients of the app at once, each of which asks a server that takes 0.3 s: 12 s in sequence.
fn asks_upstream_together(path: &str) {
    let server = with_upstream(Launch::new(Engine::Coroutine)).args(&["blocking"]).start();
    together(&server, 1, path, "from upstream", wait::PATIENCE);
    together(&server, 40, path, "from upstream", Duration::from_secs(6));
    server.stop();
}

#[test]
fn blocking_sockets_wait_together() {
    asks_upstream_together("/with_socket");
}

#[test]
fn urllib_waits_together() {
    asks_upstream_together("/with_urllib");
}

#[test]
fn urllib_over_tls_waits_together() {
    asks_upstream_together("/with_urllib_tls");
}

#[test]
fn requests_wait_together() {
    asks_upstream_together("/with_requests");
}

#[test]
fn requests_over_tls_wait_together() {
    asks_upstream_together("/with_requests_tls");
}

#[test]
fn views_may_start_and_join_threads() {
    let server = start();
    together(&server, 10, "/with_thread", "3", wait::PATIENCE);
    server.stop();
}

#[test]
fn views_may_run_subprocesses() {
    let server = start();
    together(&server, 10, "/with_subprocess", "ran", wait::PATIENCE);
    server.stop();
}

/// What such a module makes at its first use, one request makes and the others wait for: in a futex.
#[test]
fn modules_in_rust_are_first_used_by_many_at_once() {
    let server = Server::start(Engine::Coroutine, "rust_modules", &[]);
    server.answers_at_once(16, "/first.test", "first.test");
    server.stop();
}

/// As many images have it. An allocator calls hooks before anything else has run.
#[test]
fn another_allocator_can_be_preloaded() {
    let launch = Launch::new(Engine::Coroutine).env("LD_PRELOAD", "libjemalloc.so.2");
    let server = launch.args(&["blocking"]).start();
    together(&server, 20, "/short_sleep", "slept", wait::PATIENCE);
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", server.worker_pid())).unwrap();
    assert!(maps.contains("libjemalloc"), "tests/setup installs it");
    server.stop();
}
