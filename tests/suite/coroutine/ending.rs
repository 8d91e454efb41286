//! What runs at the end of an idle green thread may wait, as at the end of a thread: it runs as
//! that green thread, and stops nobody else.

use std::time::Duration;

use crate::support::compiler::compile;
use crate::support::{Engine, Launch, Server, wait};

/// A destructor that reads from two pipes, and says so: without a thread state, and with one that CPython
/// makes for it.
const LIBRARY: &str = r#"
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
int PyGILState_Ensure(void);
void PyGILState_Release(int);
void *PyEval_SaveThread(void);
void PyEval_RestoreThread(void *);
static __thread int is_used;
static pthread_key_t key;
static int first_pipe, second_pipe, notes;
static void destroy(void *value) {
    char bytes[2];
    dprintf(notes, "destructor begins\n");
    ssize_t count = read(first_pipe, &bytes[0], 1);
    int state = PyGILState_Ensure();
    void *saved = PyEval_SaveThread();
    dprintf(notes, "destructor has a state\n");
    count += read(second_pipe, &bytes[1], 1);
    PyEval_RestoreThread(saved);
    PyGILState_Release(state);
    dprintf(notes, count == 2 ? "destructor ends\n" : "nothing read\n");
}
void begin(int first, int second, int to) {
    first_pipe = first; second_pipe = second; notes = to;
    pthread_key_create(&key, destroy);
}
void leave(void) { is_used = 1; pthread_setspecific(key, &notes); }
"#;

fn start() -> Server {
    let launch = Launch::new(Engine::Coroutine).args(&["ending"]);
    let source = launch.scratch.write("ending.c", LIBRARY);
    compile(&["cc"], source, &launch.scratch.file("_greenlet.ending.so"));
    launch.start()
}

/// That many green threads leave something for their end, which comes after ten idle seconds.
fn leave(server: &Server, view: &str, count: usize) {
    server.answers_at_once(count, view, "right");
}

fn wait_for_notes(server: &Server, text: &str, count: usize) {
    let what = format!("{count} x {text:?} in the notes");
    wait::until(&what, 2 * wait::PATIENCE, || {
        (server.notes().matches(text).count() >= count).then_some(())
    });
}

fn goes_on(server: &Server) {
    for _ in 0..10 {
        assert_eq!(server.get("/nothing").text(), "right");
    }
}

#[test]
fn a_finaliser_waits_for_a_lock_that_a_request_has() {
    let server = start();
    leave(&server, "/leaves?waits", 5);
    let mut holder = server.waiting_client("/holds_lock");
    let worker = server.worker_pid();
    // The request runs in one of the five.
    wait_for_notes(&server, "finaliser begins", 4);
    goes_on(&server);
    assert!(!server.notes().contains("has the lock"));
    leave(&server, "/lets_go", 1);
    assert_eq!(holder.response().text(), "right");
    wait_for_notes(&server, "finaliser ends", 4);
    assert_eq!(server.worker_pid(), worker);
    server.stop();
}

#[test]
fn a_destructor_in_c_waits_for_a_request() {
    let server = start();
    leave(&server, "/leaves_in_c", 3);
    wait_for_notes(&server, "destructor begins", 3);
    goes_on(&server);
    leave(&server, "/lets_read?first", 1);
    wait_for_notes(&server, "destructor has a state", 3);
    goes_on(&server);
    leave(&server, "/lets_read?second", 1);
    wait_for_notes(&server, "destructor ends", 3);
    server.stop();
}

#[test]
fn a_finaliser_that_raises_is_reported_and_no_more() {
    let mut server = start();
    leave(&server, "/leaves?raises", 3);
    wait::until("the reports", 2 * wait::PATIENCE, || {
        (server.log().matches("ValueError: in a finaliser").count() == 3).then_some(())
    });
    goes_on(&server);
    server.expect_errors(); // the tracebacks
    server.stop();
}

#[test]
fn a_finaliser_that_waits_for_ever_stops_neither_requests_nor_the_stop() {
    let server = start();
    leave(&server, "/leaves?waits_for_ever", 3);
    wait_for_notes(&server, "finaliser waits for ever", 3);
    goes_on(&server);
    let began = std::time::Instant::now();
    server.stop();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}
