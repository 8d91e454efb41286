//! Workers that die, hang or lose their supervisor, and the limit of their clients.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::client::{get_and_close, get_request};
use crate::support::{Engine, Load, Server, processes, wait};

each_of! { Sync, Coroutine, Gunicorn; fn killed_worker_is_replaced_and_mentioned(engine) {
    let mut server = Server::start(engine, "hello", &["--workers", "2"]);
    let workers = server.wait_for_workers(2);
    let load = Load::start(server.address, 4, "/");
    load.wait_for_answers(50);
    processes::signal(workers[0], Signal::SIGKILL);
    let killed = Instant::now();
    assert!(server.wait_for_workers_without(workers[0], 2).contains(&workers[1]));
    let replaced = killed.elapsed();
    load.wait_for_answers(50);
    let (_, failed) = load.finish();
    // Only what the killed worker had in its hands may fail: at most one request a client.
    assert!(failed <= 4, "{failed} requests failed");
    let pid = workers[0].to_string();
    server.wait_for_log(&pid);
    let about_it = server.complaints().iter().filter(|line| line.contains(&pid)).count();
    assert!(about_it == 1 || engine.is_gunicorn(), "{about_it} lines about it");
    // A second is promised; twice that bears a busy machine.
    assert!(replaced < Duration::from_secs(2), "replaced after {replaced:?}");
    server.expect_errors();
    server.stop();
}}

each_of! { Gthread, Coroutine; fn clients_are_spread_over_the_workers(engine) {
    let server = Server::start(engine, "pid", &["--workers", "4"]);
    let mut serving = HashSet::new();
    wait::until_true("all to serve", || {
        serving.insert(server.get("/").text());
        serving.len() == 4
    });
    let (mut staying, mut counts) = (HashMap::<_, u32>::new(), HashMap::<_, u32>::new());
    let mut kept = Vec::new();
    for number in 0..200 {
        let mut client = server.connect();
        let stays = number % 2 == 0;
        client.send(if stays { get_request("/") } else { get_and_close("/") });
        let worker = client.response().text();
        if stays {
            *staying.entry(worker.clone()).or_default() += 1;
        }
        *counts.entry(worker).or_default() += 1;
        kept.push(client);
    }
    let most = |counts: &HashMap<_, u32>| *counts.values().max().unwrap();
    assert!(most(&staying) <= 37, "one has half as many again as its share of those that stay: {staying:?}");
    assert!(most(&counts) <= 100, "one has more than twice its share of all: {counts:?}");
    server.stop();
}}

each_of! { Sync, Coroutine, Gunicorn; fn workers_end_when_the_supervisor_is_killed(engine) {
    let server = Server::start(engine, "hello", &["--workers", "2"]);
    server.wait_for_workers(2);
    assert_eq!(server.get("/").status, 200);
    let group = server.pid();
    server.signal(Signal::SIGKILL);
    wait::until_true("the workers to end", || processes::group_members(group).is_empty());
}}

each_of! { Sync, Coroutine; fn workers_end_when_the_supervisor_is_killed_during_import(engine) {
    let server = Server::start(engine, "slow_import", &[]);
    server.wait_for_notes("importing");
    let group = server.pid();
    server.signal(Signal::SIGKILL);
    server.scratch.write("go-on", "");
    wait::until_true("the workers to end", || processes::group_members(group).is_empty());
}}

each_of! { Sync, GunicornSync; fn timeout_kills_a_stuck_worker_and_says_so(engine) {
    is_killed_by_the_timeout(engine, "/stuck");
}}

// Other requests of such a worker may go on, but none of them can run Python.
each_of! { Sync, Coroutine; fn timeout_kills_a_worker_whose_gil_is_kept(engine) {
    is_killed_by_the_timeout(engine, "/stuck_with_the_gil");
}}

fn is_killed_by_the_timeout(engine: Engine, path: &str) {
    let mut server = Server::start(engine, "stuck", &["--timeout", "1"]);
    let stuck = server.get("/").text();
    let mut client = server.waiting_client(path);
    server.wait_for_notes("stuck");
    assert!(client.response_or_close().is_none_or(|response| response.status == 500));
    let replacement = server.get("/").text();
    assert_ne!(replacement, stuck);
    let complaints = server.complaints().join("\n");
    assert!(complaints.to_lowercase().contains("timeout"), "{complaints}");
    assert!(complaints.contains(&stuck), "{complaints}");
    server.expect_errors();
    server.stop();
}

each_of! { Sync, Coroutine; fn idle_worker_is_not_taken_for_stuck(engine) {
    let server = Server::start(engine, "pid", &["--timeout", "1"]);
    let worker = server.get("/").text();
    // Nothing can be waited for: the rule is that nothing happens for longer than the time-out.
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(server.get("/").text(), worker);
    server.stop();
}}

each_of! { Coroutine; fn waiting_requests_are_not_taken_for_a_stuck_worker(engine) {
    let server = Server::start(engine, "blocking", &["--timeout", "1"]);
    let worker = server.worker_pid();
    let mut clients = server.waiting_clients(5, "/until_file");
    wait::until_true("all to wait", || server.notes().lines().count() == 5);
    std::thread::sleep(Duration::from_millis(2500));
    server.scratch.write("go-on", "");
    assert!(clients.iter_mut().all(|client| client.response().text() == "went on"));
    assert_eq!(server.worker_pid(), worker);
    server.stop();
}}

each_of! { Coroutine; fn worker_connections_limits_the_clients_of_a_worker(engine) {
    let server = Server::start(engine, "blocking", &["--worker-connections", "3"]);
    let mut first = server.waiting_clients(3, "/until_file");
    wait::until_true("three to wait", || server.notes().lines().count() == 3);
    let mut more = server.waiting_clients(4, "/until_file");
    assert!(more[0].is_silent_for(Duration::from_millis(300)));
    assert_eq!(server.notes().lines().count(), 3, "more than three were let in");
    server.scratch.write("go-on", "");
    for client in first.iter_mut().chain(&mut more) {
        assert_eq!(client.response().text(), "went on");
    }
    let log = server.log();
    let said = log.lines().filter(|line| line.replace('-', "_").contains("worker_connections"));
    assert_eq!(said.count(), 1, "the limit is to be mentioned once:\n{log}");
    server.stop();
}}
