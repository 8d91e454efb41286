//! A lock that cannot fail does not fail: whoever waits for one until the deadline is told in the
//! wait if CPython listens there, and afterwards if not; never are two inside, and the lock is as
//! it was when all have left.
//!
//! `Thread.join` is not among the waits: up to 3.12 an interrupted one takes its thread for ended.
//!
//! `cargo test --test suite overdue_locks`; `tests/versions` runs it on each CPython.

use crate::support::{Client, Engine, Server, wait};

/// Requests that are overdue while they wait.
const LATE: usize = 6;
/// Requests that come when the lock is free again.
const LATER: usize = 20;
/// Bytes of one record in the buffered writer.
const RECORD: usize = 10_000;

fn start() -> Server {
    Server::start(Engine::Coroutine, "overdue_locks", &["--request-timeout", "1"])
}

fn expect(clients: Vec<Client>, status: u16, what: &str) {
    for mut client in clients {
        let response = client.response();
        assert_eq!(response.status, status, "{what}: {}", response.text());
    }
}

fn expect_done(server: &Server, path: &str) {
    assert_eq!(server.get(path).text(), "done", "{path}");
}

/// Requests inside the application, those that are overdue too.
fn busy(server: &Server, kind: &str) -> usize {
    server.get(&format!("/busy?{kind}")).text().parse().expect("a number")
}

fn until_nobody_is_busy(server: &Server, kind: &str) {
    wait::until_true("the overdue requests to end", || busy(server, kind) == 0);
}

/// One test for each kind of lock: an OS thread keeps it while requests wait too long for it.
macro_rules! one_at_a_time {
    ($($kind:ident),+ $(,)?) => {
        mod after_a_deadline_one_at_a_time_has {
            $(
                #[test]
                fn $kind() {
                    super::one_at_a_time(&stringify!($kind).replace('_', "-"));
                }
            )+
        }
    };
}

one_at_a_time! { lock, recursive, condition, semaphore, bounded_semaphore, import, writer }

fn one_at_a_time(kind: &str) {
    let server = start();
    expect_done(&server, &format!("/take?{kind}"));
    let enter = |byte: usize| format!("/enter?{kind}&b={byte}");
    expect(server.waiting_for_each((1..=LATE).map(enter)), 504, kind);
    // Who comes now finds no door left open by those who gave up.
    let mut waiting = server.waiting_for_each((LATE + 1..=LATE + LATER / 2).map(enter));
    wait::until_true("others to wait", || busy(&server, kind) >= waiting.len());
    expect_done(&server, &format!("/give?{kind}"));
    waiting.extend(server.waiting_for_each((LATE + LATER / 2 + 1..=LATE + LATER).map(enter)));
    expect(waiting, 200, kind);
    until_nobody_is_busy(&server, kind);
    assert_eq!(server.get(&format!("/state?{kind}")).text(), "free");
    if kind == "writer" {
        expect_whole_records(&server.get("/written?writer").body);
    }
    server.stop();
}

/// No record stands inside another, and those of requests that were answered are whole.
fn expect_whole_records(bytes: &[u8]) {
    let runs: Vec<(u8, usize)> =
        bytes.chunk_by(|one, next| one == next).map(|run| (run[0], run.len())).collect();
    for byte in 0..=u8::try_from(LATE + LATER).unwrap() {
        let lengths: Vec<usize> =
            runs.iter().filter(|run| run.0 == byte).map(|run| run.1).collect();
        let was_overdue = (1..=LATE).contains(&usize::from(byte));
        let is_right = match lengths[..] {
            [] => was_overdue,
            [length] => length == RECORD || was_overdue && length < RECORD,
            _ => false,
        };
        assert!(is_right, "record {byte} has pieces of {lengths:?} bytes: {runs:?}");
    }
}

/// One test for each way to wait for something: after waits that were overdue, it comes to those who
/// wait then.
macro_rules! what_comes {
    ($($kind:ident),+ $(,)?) => {
        mod after_a_deadline_what_comes_ends_a_wait_for {
            $(
                #[test]
                fn $kind() {
                    super::what_comes(&stringify!($kind).replace('_', "-"));
                }
            )+
        }
    };
}

what_comes! { event, queue, full_queue, simple_queue, condition_wait, barrier }

fn what_comes(kind: &str) {
    let server = start();
    let late = if kind == "barrier" { 1 } else { LATE };
    let wait = || format!("/wait?{kind}");
    expect(server.waiting_for_each((0..late).map(|_| wait())), 504, kind);
    until_nobody_is_busy(&server, kind);
    assert_eq!(server.get(&format!("/state?{kind}")).text(), "free");
    let waiting = vec![server.waiting_client(&wait())];
    wait::until_true("one to wait again", || server.get(&format!("/busy?{kind}")).text() == "1");
    expect_done(&server, &format!("/come?{kind}"));
    expect(waiting, 200, kind);
    assert_eq!(server.get(&format!("/state?{kind}")).text(), "free");
    server.stop();
}
