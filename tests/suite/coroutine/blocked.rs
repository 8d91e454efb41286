//! The BLOCKED line names the right cause, each told from the others by what was seen.

use crate::coroutine::locks;
use crate::support::client::get_request;
use crate::support::{Client, Engine, Server, wait};

/// The line that the log has of a view that blocks, on a server with these arguments.
fn line_of(view: &str, arguments: &[&str]) -> String {
    let server = Server::start(Engine::Coroutine, "blocked", arguments);
    line_about(server, &format!("/{view}"), view)
}

/// The same of one that computes in C for three seconds, called as `how` says: see tests/apps/locks.py.
fn line_of_c(how: &str, arguments: &[&str]) -> String {
    let server = locks::in_c().args(arguments).args(&["locks"]).start();
    line_about(server, &format!("/{how}/unseen?3000000"), "application")
}

/// `function` is in its stack.
fn line_about(server: Server, path: &str, function: &str) -> String {
    assert_eq!(server.get(path).status, 200);
    // Reading its stack may end what blocks: then the answer comes before the line.
    wait::until_true("the log to say so", || server.log().contains("BLOCKED"));
    wait::until_true("its stack", || server.log().contains(&format!("in {function}\n")));
    let log = server.log();
    let line = log.lines().find(|line| line.contains("BLOCKED")).unwrap().to_owned();
    assert!(line.contains(&format!("because of GET {path} (")), "{line}");
    server.stop();
    line
}

#[test]
fn c_that_computes_without_the_gil_is_named_where_there_is_one_carrier() {
    let line = line_of_c("c", &["--carriers", "1"]);
    assert!(
        line.contains("it computes in C without the GIL, and all carriers are taken"),
        "{line}"
    );
}

#[test]
fn a_wait_that_no_hook_sees_is_named_where_there_is_one_carrier() {
    let line = line_of("waits_unseen", &["--carriers", "1"]);
    assert!(
        line.contains("it waits in the system call nanosleep, which unicoro cannot intercept"),
        "{line}"
    );
}

#[test]
fn c_that_computes_with_the_gil_is_named() {
    let line = line_of_c("keeping", &[]);
    assert!(line.contains("it computes in a C call that keeps the GIL"), "{line}");
}

/// One that computes beside the others comes back before it takes the GIL.
#[test]
fn c_that_computes_with_the_gil_is_named_after_it_has_computed_without() {
    let line = line_of_c("both", &[]);
    assert!(line.contains("it computes in a C call that keeps the GIL"), "{line}");
}

/// Another one that computes without the GIL, and loses the role after it, is not to blame.
#[test]
fn c_that_keeps_the_gil_is_named_beside_others_that_compute_and_wait() {
    let server = locks::start_in_c();
    let mut others: Vec<Client> = (0..2).map(|_| server.connect()).collect();
    for other in &mut others {
        other.send(get_request("/c/rest_and_compute?700000"));
    }
    let mut keeper = server.connect();
    keeper.send(get_request("/keeping/fight_for_mutexes?4000000"));
    let mut waiting = server.connect();
    waiting.send(get_request("/c/rest?1000"));
    server.wait_for_log("BLOCKED");
    for client in others.iter_mut().chain([&mut keeper, &mut waiting]) {
        assert_eq!(client.response().text(), "0");
    }
    server.wait_for_log("No longer blocked");
    let log = server.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("BLOCKED")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].contains("because of GET /keeping/fight_for_mutexes?4000000 ("), "{log}");
    assert!(lines[0].contains("it computes in a C call that keeps the GIL"), "{log}");
    server.stop();
}

#[test]
fn c_that_waits_with_the_gil_is_named() {
    let line = line_of("waits_with_the_gil", &[]);
    let expected = "it waits in the system call clock_nanosleep, in a C call that keeps the GIL";
    assert!(line.contains(expected), "{line}");
}

#[test]
fn c_that_waits_with_the_gil_for_what_another_request_has_is_named() {
    let server = locks::start_in_c();
    let (mut holder, mut keeper) = (server.connect(), server.connect());
    holder.send(get_request("/c/mutex?4000000"));
    // Answered when the other one has the mutex.
    assert_eq!(server.get("/c/rest?50000").text(), "0");
    keeper.send(get_request("/keeping/mutex?3"));
    for client in [&mut holder, &mut keeper] {
        assert_eq!(client.response().text(), "0");
    }
    let log = server.log();
    let line = log.lines().find(|line| line.contains("BLOCKED")).unwrap();
    let cause = "it waits for a lock that another request has, in a C call that keeps the GIL";
    assert!(line.contains("because of GET /keeping/mutex?3 (") && line.contains(cause), "{line}");
    server.stop();
}

#[test]
fn python_that_computes_is_named_where_nothing_interrupts_it() {
    let line = line_of("in_python", &["--switch-interval", "0"]);
    assert!(line.contains("it computes in Python, and nothing interrupts it"), "{line}");
}

#[test]
fn c_without_the_gil_is_named_where_nobody_looks_for_it() {
    let line = line_of_c("c", &["--switch-interval", "0"]);
    assert!(line.contains("and no carrier has come to go on with the others"), "{line}");
}

/// With carriers to spare, C without the GIL blocks nobody, and nothing is said.
#[test]
fn nothing_is_said_where_others_can_run() {
    let blocked = Server::start(Engine::Coroutine, "blocked", &[]);
    for view in ["waits_unseen", "in_python"] {
        assert_eq!(blocked.get(&format!("/{view}")).text(), "done");
    }
    let in_c = locks::start_in_c();
    assert_eq!(in_c.get("/c/unseen?3000000").text(), "0");
    for server in [blocked, in_c] {
        let log = server.log();
        assert!(!log.contains("BLOCKED"), "{log}");
        server.stop();
    }
}
