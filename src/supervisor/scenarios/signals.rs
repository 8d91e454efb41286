//! Successors, heartbeats, signals, pid files.

use super::*;

#[test]
fn a_retiring_worker_leaves_after_its_successor_came() {
    let mut master = Master::serving("");
    let first = pid_in(&master.seen("Booting worker with pid: "));
    // The fake worker retires at HUP.
    first.send(Signal::HUP).unwrap();
    master.expect("worker 3 of generation 1 is ready");
    assert_eq!(pid_in(&master.seen("Worker exited")), first);
    let log = master.stops_with_0(Signal::TERM);
    assert!(!log.contains("[ERROR]"), "{log}");
}

#[test]
fn a_hung_worker_is_named_with_its_request_and_replaced() {
    let mut master = Master::serving("hang");
    let line = master.expect("WORKER TIMEOUT (pid:");
    assert!(line.contains("at the request GET /slow ("), "{line}");
    master.expect("is ready");
    master.send(Signal::KILL);
    master.ends();
}

#[test]
fn workers_leave_when_their_supervisor_is_killed() {
    let master = Master::serving("");
    master.send(Signal::KILL);
    // The log's end is the proof.
    let (code, _) = master.ends();
    assert_eq!(code, None);
}

#[test]
fn usr1_reaches_master_and_workers_and_ttin_adds_one() {
    let mut master = Master::serving("");
    master.send(Signal::USR1);
    master.expect("worker reopens");
    master.expect("worker reopens");
    master.send(Signal::TTIN);
    master.expect("worker 3 of generation 1 is ready");
    master.send(Signal::TTOU);
    master.expect("Worker exited");
    master.stops_with_0(Signal::QUIT);
}

#[test]
fn a_pid_file_in_use_ends_with_code_1() {
    let folder = new_folder();
    fs::write(folder.join("pid"), Pid::me().to_string()).unwrap();
    let (code, log) = Master::start_in(folder, "").ends();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("is running; stop it"), "{log}");
    assert!(!log.contains("Booting"), "{log}");
}
