//! gevent's own tests, which its wheel brings along, in requests: what passes in a plain thread
//! passes in a green thread, and the worker ends as asked afterwards. What cannot be asked for
//! stands in docs/from-gunicorn.md and, by name, in [`LEFT_OUT`].
//!
//! One module a worker and one after the other: they change gevent's own settings, and many have
//! time limits of some hundredths of a second. So one that fails gets another two tries, alone, and
//! one last in a plain thread: what fails there too is not ours. What is skipped counts as failed
//! if a plain thread does not skip it. `SUITE_LONG=1` runs all the modules.

use std::process::Command;

use crate::support::{Engine, Server, repository, virtual_environment};

/// In CI: what a request uses.
const SHORT: &str = "\
    event fileobject iwait local lock os pywsgi queue select semaphore server subprocess \
    threadpool_executor_patched timeout";

/// The rest.
const LONG: &str = "\
    _config _ident _monitor api api_timeout ares_host_result ares_timeout close_backend_fd \
    compat contextvars core core_async core_callback core_fork core_stat core_timer core_watcher \
    destroy destroy_default_loop events exc_info greenio greenlet greenletset hub hub_join \
    hub_join_timeout issue1686 issue1864 issue2013 issue230 issue330 issue467 issue600 issue607 \
    issue639 issues461_471 joinall loop_callback order pool real_greenlet refcount_core \
    resolver_dnspython selectors server_pywsgi signal socket_close socket_dns socket_dns6 \
    socket_errors socket_ex socket_send_memoryview socket_timeout socketpair ssl systemerror \
    thread threadpool util";

/// Modules' tests that are not asked for, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    // It watches the standard output, which is a file here: epoll takes none.
    ("core", "TestLibuvCffi.test_io"),
    // The main thread's hub has libev's default loop.
    ("destroy", "test_destroy_hub"),
    // Somebody else could still wake the one that waits, so the hub does not give up.
    ("queue", "test_peek_empty"),
    ("semaphore", "test_fair_or_hangs"),
    // That child watchers do not work in a thread: here they do.
    ("subprocess", "test_subprocess_in_native_thread"),
    // That other threads' pools, and concurrent.futures, refuse: here they work.
    ("threadpool", "test_cannot_spawn_from_other_thread"),
    ("threadpool", "TestTPE.test_future_wait_module_function"),
    // A task's end is told in the pool's thread, not in the hub.
    ("threadpool", "test_exception_in_on_async_doesnt_crash"),
];

#[test]
fn gevents_own_tests_pass_in_a_request() {
    let is_long = std::env::var_os("SUITE_LONG").is_some();
    let names = SHORT.split_whitespace().chain(LONG.split_whitespace().filter(|_| is_long));
    let faults: Vec<String> = names.flat_map(faults_of).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What fails or is skipped in a request only, of the module's tests.
fn faults_of(name: &str) -> Vec<String> {
    let module = format!("gevent.tests.test__{name}");
    let left_out = LEFT_OUT.iter().filter(|(of, _)| *of == name).map(|(_, test)| *test);
    let left_out = left_out.collect::<Vec<_>>().join(",");
    let outcomes = in_a_request(&module, &format!("-{left_out}"));
    let all = |outcome| names(&outcomes, outcome);
    println!("{name}: {} passed, {} skipped", all("ok ").len(), all("skipped ").len());
    assert!(!all("ok ").is_empty(), "{name}: {outcomes}");
    let skipped = match all("skipped ").join(",") {
        none if none.is_empty() => none,
        skipped => in_a_thread(&module, &skipped),
    };
    let fails_again = |test: &str| {
        (0..2).all(|_| !in_a_request(&module, test).starts_with("ok "))
            && in_a_thread(&module, test).starts_with("ok ")
    };
    let suspects = [all("failed "), names(&skipped, "ok ")].concat();
    let faults = suspects.iter().filter(|test| fails_again(test));
    faults.map(|test| format!("{name}: {test}\n{outcomes}")).collect()
}

/// The names of the tests that ended with this outcome.
fn names<'a>(outcomes: &'a str, outcome: &str) -> Vec<&'a str> {
    outcomes.lines().filter_map(|line| line.strip_prefix(outcome)).collect()
}

fn in_a_request(module: &str, choice: &str) -> String {
    let mut server = Server::start(Engine::Coroutine, "gevent_tests", &[]);
    let outcomes = server.get(&format!("/{module}?{choice}")).text();
    // The tests print tracebacks. The end is waited for less long than the worker is given.
    server.expect_errors();
    server.stop();
    outcomes
}

fn in_a_thread(module: &str, choice: &str) -> String {
    let output = Command::new(virtual_environment().join("bin/python3"))
        .arg(repository().join("tests/apps/gevent_tests.py"))
        .args([module, choice])
        .output()
        .expect("python3 can be run");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
