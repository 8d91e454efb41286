//! max_requests: workers are replaced after a number of requests, and nobody notices.

use std::collections::HashSet;

use crate::support::{Load, Server, wait};

each_of! { Sync, Coroutine, Gunicorn; fn max_requests_replaces_workers(engine) {
    let server = Server::start(engine, "pid", &["--max-requests", "5"]);
    // A worker serves on until its successor is ready, so how many requests it takes is open.
    let mut pids = HashSet::new();
    wait::until_true("the fourth worker", || {
        pids.insert(server.get("/").text());
        pids.len() >= 4
    });
    server.stop();
}}

each_of! { Sync, Coroutine; fn recycling_fails_no_request(engine) {
    let server = Server::start(engine, "pid", &["--max-requests", "50", "--workers", "2"]);
    let load = Load::start(server.address, 4, "/");
    load.wait_for_answers(100);
    let first = server.worker_pids();
    wait::until_true("both workers to be replaced", || {
        server.worker_pids().iter().all(|pid| !first.contains(pid))
    });
    load.wait_for_answers(300);
    load.finish_without_loss();
    server.stop();
}}
