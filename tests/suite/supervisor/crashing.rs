//! Requests that end their worker: the others hardly notice, and the log says which it was.

use std::time::Duration;

use crate::support::{Launch, Load, Server, wait};

/// More than whole crews of two workers that may die young in a row.
const CRASHES: usize = 15;
/// How often a client comes with one.
const PAUSE: Duration = Duration::from_millis(300);

fn crash(server: &Server, how: &str) {
    let mut client = server.waiting_client(&format!("/crash?{how}"));
    assert!(client.response_or_close().is_none());
}

/// The line about the death of the worker.
fn obituary(server: &Server, word: &str) -> String {
    wait::until("a line about the death", wait::PATIENCE, || {
        server.complaints().into_iter().find(|line| line.contains(word))
    })
}

each_of! { Sync, Gthread, Coroutine, Gunicorn, GunicornSync; fn who_repeats_a_crashing_request_shuts_nobody_out(engine) {
    let mut server = Launch::new(engine).args(&["--workers", "2", "crashing"]).start();
    assert_eq!(server.get("/").text(), "well");
    let load = Load::start(server.address, 1, "/");
    load.wait_for_answers(10);
    for _ in 0..CRASHES {
        crash(&server, "exit");
        // Not a wait for a condition: it is how often the client comes.
        std::thread::sleep(PAUSE);
    }
    load.wait_for_answers(10);
    let longest = load.tally().longest;
    load.finish();
    // A second is promised.
    assert!(longest < Duration::from_secs(5), "a request took {longest:?}");
    assert!(!server.log().contains("The next try is in"), "there was a pause");
    server.expect_errors();
    server.stop();
}}

// Nobody else has been answered meanwhile.
each_of! { Sync, Gthread, Coroutine, Gunicorn, GunicornSync; fn who_crashes_one_worker_after_the_other_makes_nobody_wait(engine) {
    let mut server = Launch::new(engine).args(&["--workers", "2", "crashing"]).start();
    for _ in 0..CRASHES {
        crash(&server, "exit");
    }
    assert_eq!(server.get("/").text(), "well");
    assert!(!server.log().contains("The next try is in"), "there was a pause");
    server.expect_errors();
    server.stop();
}}

// gunicorn: names none.
each_of! { Sync, Gthread, Coroutine; fn the_log_names_the_request_at_which_a_worker_died(engine) {
    let mut server = Server::start(engine, "crashing", &[]);
    for (how, ended) in [("exit", "exited with code 7"), ("kill", "SIGKILL"), ("fault", "SIGSEGV")] {
        assert_eq!(server.get("/").text(), "well");
        crash(&server, how);
        let line = obituary(&server, ended);
        // Perhaps with the one before, whose client was faster than its end.
        assert!(line.contains(&format!(" GET /crash?{how} (")), "{line}");
    }
    server.expect_errors();
    server.stop();
}}

each_of! { Gthread, Coroutine; fn the_log_names_all_requests_that_were_in_progress(engine) {
    let mut server = Server::start(engine, "crashing", &[]);
    let _clients = server.waiting_clients(2, "/wait");
    wait::until_true("both to wait", || server.notes().lines().count() == 2);
    assert_eq!(server.get("/").text(), "well");
    crash(&server, "kill");
    let line = obituary(&server, "SIGKILL");
    let requests = line.split(" at the requests ").nth(1).unwrap_or_default();
    assert_eq!(requests.matches("GET /crash?kill (").count(), 1, "{line}");
    assert_eq!(requests.matches("GET /wait (").count(), 2, "{line}");
    server.expect_errors();
    server.stop();
}}

each_of! { Gthread, Coroutine; fn of_many_requests_in_progress_the_log_names_some_and_counts_the_others(engine) {
    let mut server = Server::start(engine, "crashing", &[]);
    let _clients = server.waiting_clients(15, "/wait");
    wait::until_true("all to wait", || server.notes().lines().count() == 15);
    crash(&server, "kill");
    let line = obituary(&server, "SIGKILL");
    assert!(line.contains(" others"), "{line}");
    server.expect_errors();
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine, Gunicorn; fn a_file_that_becomes_too_long_is_an_error_of_its_request_only(engine) {
    let server = Server::start(engine, "crashing", &[]);
    assert_eq!(server.get("/write_too_much").text(), "File too large");
    server.stop();
}}

each_of! { Gthread, Coroutine; fn a_worker_whose_epoll_was_closed_is_replaced(engine) {
    let mut server = Server::start(engine, "hostile", &[]);
    let worker = server.worker_pid();
    assert_eq!(server.get("/close_event_polls").text(), "closed");
    server.wait_for_workers_without(worker, 1);
    assert_eq!(server.get("/hello").text(), "hello");
    assert!(server.log().contains("epoll_wait failed, so this worker ends"));
    server.expect_errors();
    server.stop();
}}
