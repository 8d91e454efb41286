//! What the application starts has the signal mask and the dispositions that the supervisor was
//! started with, whoever forks: the server's own arrangements are not for others.

use std::process::Command;

use nix::sys::signal::Signal;

use crate::support::compiler::compile_for;
use crate::support::{Engine, Launch, Server};

const WAYS: [&str; 13] = [
    "by_subprocess",
    "by_subprocess_and_a_function",
    "by_fork",
    "by_posix_spawn",
    "by_system",
    "by_popen",
    "by_vfork_in_c",
    "by_vfork_and_a_wait_in_c",
    "by_fork_in_c",
    "by_popen_in_c",
    "by_multiprocessing_fork",
    "by_multiprocessing_spawn",
    "by_multiprocessing_forkserver",
];

fn start(engine: Engine, wrapper: &[&str]) -> Server {
    let launch = Launch::new(engine);
    let library = compile_for(&launch.scratch, &["cc"], "children.c");
    let words = |_: &_| wrapper.iter().map(|word| (*word).to_owned()).collect();
    launch.env("CHILDREN", library).args(&["children"]).inside_of(words).start()
}

/// A mask of /proc/PID/status: bit N - 1 for signal N.
fn mask(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let line = line.unwrap_or_else(|| panic!("no {name} in {status:?}"));
    u64::from_str_radix(line.trim(), 16).unwrap() & !GLIBCS
}

/// 32 and 33, which glibc keeps to itself.
const GLIBCS: u64 = 0b11 << 31;

fn bits(signals: &[Signal]) -> u64 {
    signals.iter().map(|signal| 1 << (*signal as i32 - 1)).sum()
}

/// Python itself ignores these, in what it starts as well.
const PYTHONS: [Signal; 2] = [Signal::SIGPIPE, Signal::SIGXFSZ];
/// The server's.
const HANDLED: [Signal; 6] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGHUP,
    Signal::SIGUSR1,
    Signal::SIGABRT,
];

/// Whatever the tests themselves were started by: nohup has SIGHUP ignored.
const PLAIN: [&str; 2] = ["env", "--default-signal"];

/// What a program has that these words start, in this test's own place.
fn as_started(words: &[&str]) -> (u64, u64) {
    let words = words.iter().chain(&["grep", "^Sig", "/proc/self/status"]).collect::<Vec<_>>();
    let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
    let status = String::from_utf8(output.stdout).unwrap();
    (mask(&status, "SigBlk:"), mask(&status, "SigIgn:") & !bits(&PYTHONS))
}

fn children_have(server: &Server, (blocked, ignored): (u64, u64)) {
    for way in WAYS {
        let status = server.get(&format!("/{way}")).text();
        assert_eq!(mask(&status, "SigBlk:"), blocked, "{way}: blocked");
        assert_eq!(mask(&status, "SigIgn:") & !bits(&PYTHONS), ignored, "{way}: ignored");
        // multiprocessing's children ignore SIGINT while they begin, and Python handles it after.
        let handled = bits(&HANDLED) & !bits(&[Signal::SIGINT]);
        assert_eq!(mask(&status, "SigCgt:") & handled, 0, "{way}: handled");
    }
}

each_of! { Sync, Gthread, Coroutine; fn children_begin_with_what_the_supervisor_began_with(engine) {
    let server = start(engine, &PLAIN);
    children_have(&server, as_started(&PLAIN));
    assert_eq!(server.get("/terminated").text(), "[-15, -1]");
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn what_the_supervisor_was_started_to_ignore_and_block_stays_so(engine) {
    // INT and QUIT, as a script's `&` has it.
    let words =
        ["env", "--ignore-signal=HUP,INT,QUIT", "--block-signal=USR2", "--block-signal=USR1"];
    let server = start(engine, &words);
    let (blocked, ignored) = as_started(&words);
    assert_ne!((blocked, ignored), as_started(&PLAIN));
    children_have(&server, (blocked, ignored));
    server.stop();
}}

each_of! { Sync, Gthread, Coroutine; fn what_a_worker_must_hear_is_ignored_by_no_child(engine) {
    let server = start(engine, &["env", "--default-signal", "--ignore-signal=TERM,USR1,ABRT"]);
    children_have(&server, as_started(&PLAIN));
    assert_eq!(server.get("/terminated").text(), "[-15, -1]");
    server.stop();
}}

// gunicorn: its handlers live on in children that are forked, the application's as well.
each_of! { Sync, Gthread, Coroutine, Gunicorn, GunicornSync; fn a_forked_child_keeps_what_the_application_handles(engine) {
    let server = start(engine, &["env", "OWN_HANDLER=1"]);
    assert_eq!(server.get("/own_handler_in_a_fork").text(), "heard");
    server.stop();
}}

// As under gunicorn: subprocess must hear how a child has ended.
each_of! { Sync, Gthread, Coroutine, Gunicorn, GunicornSync; fn the_end_of_children_is_heard_however_the_server_was_started(engine) {
    let server = start(engine, &["env", "--ignore-signal=CHLD"]);
    assert_eq!(server.get("/exit_code").text(), "3");
    server.stop();
}}
