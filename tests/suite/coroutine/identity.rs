//! To CPython and to C libraries each request is a thread of its own: what goes by the identity of
//! the thread, the process or the loop is right in each of many at once.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::client::get_and_close;
use crate::support::{Client, Engine, Launch, Load, Server, processes, wait};

fn start() -> Server {
    Server::start(Engine::Coroutine, "identity", &[])
}

/// Clients in the view, each with a number of its own.
fn enter(server: &Server, view: &str, count: usize) -> Vec<Client> {
    server.waiting_for_each((0..count).map(|number| format!("/{view}?{number}")))
}

/// All of them are answered that all is right.
fn leave(view: &str, clients: Vec<Client>) {
    for mut client in clients {
        let response = client.response();
        assert_eq!((response.status, response.text().as_str()), (200, "right"), "{view}");
    }
}

fn right(server: &Server, view: &str, count: usize) {
    leave(view, enter(server, view, count));
}

/// One test for each view that needs no more than many clients at once, twice: the second time on
/// green threads that have been used before.
macro_rules! right_at_once {
    ($($count:literal: $($view:ident),+;)+) => {
        mod right_in_each {
            $($(
                #[test]
                fn $view() {
                    let server = super::start();
                    super::right(&server, stringify!($view), $count);
                    super::right(&server, stringify!($view), $count);
                    server.stop();
                }
            )+)+
        }
    };
}

right_at_once! {
    50: thread, signal_outside_main_thread, lock_of_another, current_frames, exception_in_one,
        context, context_in_body, running_loop, sqlite_thread_check, decimal_context,
        ctypes_callback, nested_ctypes_callback, cffi_callback, async_to_sync, async_generator;
    10: fork_and_exit, fork_and_use_threads;
    3: multiprocessing_fork, multiprocessing_spawn, multiprocessing_forkserver,
        process_pool_executor;
}

#[test]
fn connection_of_one_request_is_refused_to_another() {
    let server = start();
    right(&server, "sqlite_of_another_request", 2);
    server.stop();
}

#[test]
fn waiting_requests_are_seen_in_frames_and_dumps() {
    let server = start();
    let waiting = enter(&server, "wait_in_named_function", 10);
    wait::until_true("all to wait", || server.notes().lines().count() == 10);
    right(&server, "frames_of_waiting", 1);
    right(&server, "dump_of_faulthandler", 1);
    right(&server, "finish_waiting", 1);
    leave("wait_in_named_function", waiting);
    server.stop();
}

#[test]
fn slow_import_happens_once_and_is_seen_whole() {
    let server = start();
    right(&server, "slow_import", 20);
    assert_eq!(server.notes(), "imported\n");
    server.stop();
}

#[test]
fn buffered_writer_may_be_shared() {
    let server = start();
    right(&server, "buffered_writer_starts", 1);
    right(&server, "buffered_writer", 20);
    server.wait_for_notes("read 40000 lines of 20 in 20 runs");
    server.stop();
}

/// A C function that the application calls and that blocks, in a library that nobody adapted.
#[test]
fn blocking_calls_of_ctypes_wait_together() {
    let server = start();
    let started = Instant::now();
    right(&server, "ctypes_sleep", 50); // 15 s in sequence
    assert!(started.elapsed() < Duration::from_secs(6), "took {:?}", started.elapsed());
    server.stop();
}

#[test]
fn child_that_returns_from_the_application_answers_nobody() {
    let server = start();
    for view in ["fork_and_return", "fork_and_raise"] {
        let answer = server.exchange(get_and_close(&format!("/{view}?1")));
        assert!(answer.ends_with("\r\n\r\nright"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    }
    right(&server, "nothing", 10);
    wait::until_true("the children to be gone", || {
        processes::group_members(server.pid()).len() == 2 // the supervisor and its worker
    });
    server.stop();
}

/// The worker's own handlers are not for its children, and a signal to a child is none to it.
#[test]
fn child_dies_of_a_signal_and_the_worker_does_not_notice() {
    let server = start();
    right(&server, "nothing", 1);
    let worker = server.worker_pid();
    right(&server, "fork_and_terminate", 5);
    right(&server, "nothing", 10);
    assert_eq!(server.worker_pid(), worker);
    server.stop();
}

#[test]
fn signal_handlers_of_the_application_run_in_the_main_thread() {
    let server = start();
    right(&server, "alarm", 1);
    server.wait_for_notes("signal 14 in MainThread");
    right(&server, "nothing", 1);
    server.stop();
}

each_of! { Sync, Gthread, Coroutine, Gunicorn; fn an_idle_workers_signal_handlers_run(engine) {
    let server = Server::start(engine, "identity", &[]);
    right(&server, "nothing", 1);
    processes::signal(server.worker_pid(), Signal::SIGALRM);
    server.wait_for_notes("signal 14 in MainThread");
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine, Gunicorn; fn signal_handlers_run_where_the_application_has_its_own_wakeup_fd(engine) {
    let launch = Launch::new(engine);
    launch.scratch.write(
        "woken.py",
        "import os, signal\n\
         from identity import application\n\
         ours = os.pipe2(os.O_NONBLOCK)\n\
         signal.set_wakeup_fd(ours[1])\n",
    );
    let server = launch.args(&["--pythonpath", ".", "woken"]).start();
    right(&server, "nothing", 1);
    processes::signal(server.worker_pid(), Signal::SIGALRM);
    server.wait_for_notes("signal 14 in MainThread");
    server.stop();
}}

#[test]
fn atexit_functions_run_at_the_stop() {
    let server = start();
    right(&server, "nothing", 1);
    server.signal(Signal::SIGTERM);
    server.wait_for_notes("atexit has run");
    server.end_of_stop();
}

#[test]
fn green_thread_that_retires_closes_what_it_held() {
    let server = start();
    right(&server, "takes_resource", 5);
    // They end after ten idle seconds.
    wait::until("resources to close", 2 * wait::PATIENCE, || {
        (server.notes().matches("resource closed").count() == 5).then_some(())
    });
    right(&server, "nothing", 1);
    server.stop();
}

/// An OS thread of the application that computes takes the interpreter lock away for a switch
/// interval (5 ms) at each turn: slow, but no more than slow.
#[test]
fn requests_go_on_beside_a_thread_that_computes() {
    let server = start();
    right(&server, "hog_starts", 1);
    let started = Instant::now();
    right(&server, "naps", 20); // 200 naps, which each give the lock away
    let took = started.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    right(&server, "hog_stops", 1);
    server.stop();
}

#[test]
fn stop_does_not_wait_for_daemon_threads() {
    let server = start();
    right(&server, "hog_starts", 2);
    server.stop();
}

#[test]
fn forking_requests_disturb_no_other() {
    let server = start();
    let load = Load::start(server.address, 2, "/naps?1");
    right(&server, "fork_and_exit", 20);
    load.wait_for_answers(4);
    right(&server, "fork_and_use_threads", 20);
    let (_, failed) = load.finish();
    assert_eq!(failed, 0);
    server.stop();
}

/// The identity that `threading` keeps an entry for must not grow with the number of requests.
#[test]
fn thread_registry_does_not_grow() {
    let launch = Launch::new(Engine::Coroutine);
    let server = launch.args(&["identity"]).start();
    for _ in 0..5 {
        right(&server, "thread", 20);
    }
    let answer = server.get("/count_threads?20").text();
    assert_eq!(answer, "right");
    server.stop();
}
