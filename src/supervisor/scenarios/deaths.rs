//! Workers that do not start, die, hang or retire.

use super::*;

#[test]
fn a_broken_app_ends_with_code_3_and_one_traceback() {
    let (code, log) = Master::start("broken").ends();
    assert_eq!(code, Some(3), "{log}");
    assert_eq!(log.matches("ModuleNotFoundError").count(), 1, "{log}");
    assert!(log.contains("\n  ModuleNotFoundError: nope\n"), "{log}");
}

#[test]
fn workers_that_die_at_boot_are_tried_again_after_a_pause() {
    let mut master = Master::start("crash-at-boot");
    master.expect("was killed by SIGKILL");
    master.expect("The next try is in 1 s");
    master.expect("Booting worker");
    master.expect("The next try is in 2 s");
    master.stops_with_0(Signal::TERM);
}

#[test]
fn a_panic_costs_one_worker() {
    let mut master = Master::start("panic");
    master.expect("exited with code 70");
    master.stops_with_0(Signal::TERM);
}

#[test]
fn a_worker_that_is_killed_is_replaced() {
    let mut master = Master::serving("");
    let first = pid_in(&master.seen("Booting worker with pid: "));
    first.send(Signal::KILL).unwrap();
    let line = master.expect("was killed by SIGKILL");
    assert_eq!(pid_in(&line), first);
    master.expect("worker 3 of generation 1 is ready");
    master.stops_with_0(Signal::TERM);
}
