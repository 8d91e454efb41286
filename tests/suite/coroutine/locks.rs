//! Locks of C libraries that requests share: a wait that OS threads survive, green threads survive,
//! and a deadlock that they do not survive is named and costs as little time as it can.

use crate::support::compiler::compile_for;
use crate::support::{Engine, Launch, Server, backing};

/// What the barrier and the condition variables of the library wait for.
const TOGETHER: usize = 10;

fn with_library(compiler: &str, source: &str) -> Launch {
    let launch = Launch::new(Engine::Coroutine);
    let library = compile_for(&launch.scratch, &[compiler], source);
    launch.env("LOCKS", library)
}

/// With the library's functions, for the application `locks`.
pub fn in_c() -> Launch {
    with_library("cc", "locks.c")
}

/// Serves them.
pub fn start_in_c() -> Server {
    in_c().args(&["locks"]).start()
}

/// So many requests at once: all are answered, and none found another where it must be alone.
fn all_are_answered(server: &Server, count: usize, path: &str) {
    server.answers_at_once(count, path, "0");
}

#[test]
fn one_connection_of_psycopg2_serves_many_requests_at_once() {
    let launch = Launch::new(Engine::Coroutine).env("DATABASE_URL", backing::database_url());
    let server = launch.args(&["locks"]).start();
    all_are_answered(&server, 30, "/shared/psycopg");
    server.stop();
}

#[test]
fn one_connection_of_sqlite_serves_many_requests_while_another_keeps_the_database() {
    let server = Launch::new(Engine::Coroutine).args(&["locks"]).start();
    all_are_answered(&server, 1, "/shared/other");
    all_are_answered(&server, 20, "/shared/sqlite");
    server.stop();
}

/// One test for each function of a library.
macro_rules! survives {
    ($compiler:literal $source:literal: $($function:ident),+) => {
        $(
            #[test]
            fn $function() {
                let server = super::with_library($compiler, $source).args(&["locks"]).start();
                let path = concat!("/c/", stringify!($function));
                super::all_are_answered(&server, super::TOGETHER, path);
                server.stop();
            }
        )+
    };
}

mod requests_that_share_a_lock_wait_for_each_other {
    survives! { "cc" "locks.c":
    mutex, recursive_mutex, timed_mutex, rwlock, spin_lock, barrier, condition, c11 }
    survives! { "c++" "locks.cpp": cplusplus }
}

#[test]
fn requests_and_os_threads_wait_for_each_others_locks() {
    for function in ["mutex", "recursive_mutex", "timed_mutex", "rwlock", "spin_lock"] {
        let server = start_in_c();
        let (by_threads, by_requests) = (format!("/thread/{function}"), format!("/c/{function}"));
        let threads = server.waiting_clients(TOGETHER, &by_threads);
        all_are_answered(&server, TOGETHER, &by_requests);
        for mut client in threads {
            assert_eq!(client.response().text(), "0", "{function}");
        }
        server.stop();
    }
}

#[test]
fn requests_and_os_threads_meet_at_barriers_and_signal_each_other() {
    for function in ["barrier", "condition"] {
        let server = start_in_c();
        let half = TOGETHER / 2;
        let threads = server.waiting_clients(half, &format!("/thread/{function}"));
        all_are_answered(&server, half, &format!("/c/{function}"));
        for mut client in threads {
            assert_eq!(client.response().text(), "0", "{function}");
        }
        server.stop();
    }
}

#[test]
fn a_wait_for_a_condition_variable_lets_others_run_and_ends_by_whoever_signals() {
    for releasing in ["/c/release?20000", "/thread/release"] {
        let server = start_in_c();
        let mut waiting = server.waiting_client("/c/take");
        // Answered while the other waits.
        all_are_answered(&server, 1, "/c/mutex");
        all_are_answered(&server, 1, releasing);
        assert_eq!(waiting.response().text(), "0");
        server.stop();
    }
}

/// The engine allocates in the midst of its own work, where no request may take the processor.
#[test]
fn an_allocators_locks_are_never_waited_for_by_parking() {
    let launch = with_library("cc", "locks.c");
    let launch = launch.env("LD_PRELOAD", "libjemalloc.so.2");
    // One lock for all, which is always contended.
    let server = launch.env("MALLOC_CONF", "narenas:1,tcache:false").args(&["locks"]).start();
    let threads = server.waiting_clients(20, "/thread/allocate");
    all_are_answered(&server, 40, "/c/allocate");
    for mut client in threads {
        assert_eq!(client.response().text(), "0");
    }
    server.stop();
}

/// A request that keeps the GIL in C, and wants a lock that another request has, waits for it.
macro_rules! is_waited_for_with_the_gil {
    ($($function:ident),+) => {
        $(
            #[test]
            fn $function() {
                let server = super::with_library("cc", "locks.c").args(&["locks"]).start();
                let name = stringify!($function);
                let path = format!("/c/{name}?300000");
                let mut clients = server.waiting_clients(3, &path);
                // Only now does the first have the lock: it was asked first, and this one is answered.
                super::all_are_answered(&server, 1, "/c/rest?50000");
                let path = format!("/keeping/{name}?3");
                clients.extend(server.waiting_clients(3, &path));
                for client in &mut clients {
                    assert_eq!((client.response().status, name), (200, name));
                }
                super::all_are_answered(&server, 1, "/c/rest?0");
                server.stop();
            }
        )+
    };
}

mod a_lock_that_another_request_has {
    is_waited_for_with_the_gil!(mutex, recursive_mutex, rwlock, spin_lock, unseen);
}

#[test]
fn one_connection_of_sqlite_binds_parameters_for_many_requests_at_once() {
    let server = Launch::new(Engine::Coroutine).args(&["locks"]).start();
    all_are_answered(&server, 1, "/shared/other");
    all_are_answered(&server, 20, "/shared/bound");
    server.stop();
}

/// One has the mutex and calls into Python, another has the GIL and wants the mutex: nothing can end
/// that, between OS threads either.
#[test]
fn two_requests_that_wait_for_each_other_for_good_are_named_and_the_worker_ends() {
    deadlock(with_library("cc", "locks.c"));
}

/// The GIL is not to be had any more then.
#[test]
fn python_logging_takes_no_last_words() {
    let launch = with_library("cc", "locks.c");
    launch.scratch.write(
        "gunicorn.conf.py",
        "import logging\nlogging.getLogger('gunicorn.error').addFilter(lambda record: True)\n",
    );
    deadlock(launch);
}

fn deadlock(launch: Launch) {
    let mut server = launch.args(&["--timeout", "60", "locks"]).start();
    server.expect_errors();
    let worker = server.worker_pid();
    let one = server.waiting_client("/calling/mutex_and_call?500000");
    all_are_answered(&server, 1, "/c/rest?50000");
    let other = server.waiting_client("/keeping/mutex?3");
    server.wait_for_log("DEADLOCK: ");
    // The next worker serves.
    all_are_answered(&server, 1, "/c/rest?0");
    assert_ne!(server.worker_pid(), worker);
    let log = server.log();
    let line = log.lines().find(|line| line.contains("DEADLOCK: ")).unwrap();
    let (first, second) = ("GET /calling/mutex_and_call?500000", "GET /keeping/mutex?3");
    assert!(line.contains(first) && line.contains(second), "{line}");
    drop((one, other));
    server.stop();
}
