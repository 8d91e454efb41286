//! max_requests: workers are replaced after a number of requests, and nobody notices.

use std::collections::HashSet;

use crate::load::Load;
use crate::server::Server;

each_of! { Sync, Coroutine, Gunicorn; fn max_requests_replaces_workers(engine) {
    let server = Server::start(engine, "pid", &["--max-requests", "5"]);
    let pids: HashSet<String> = (0..30).map(|_| server.get("/").text()).collect();
    assert!((4..=10).contains(&pids.len()), "{} workers served 30 requests", pids.len());
    server.stop();
}}

each_of! { Sync, Coroutine; fn recycling_fails_no_request(engine) {
    let server = Server::start(engine, "pid", &["--max-requests", "50", "--workers", "2"]);
    let load = Load::start(server.address, 4, "/");
    load.wait_for_answers(500);
    let (answered, failed) = load.finish();
    assert!(failed == 0, "{failed} requests failed, {answered} were answered");
    server.stop();
}}
