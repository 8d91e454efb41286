//! The end, soon or late.

use super::*;

#[test]
fn a_quick_stop_is_clean_too() {
    let log = Master::serving("").stops_with_0(Signal::INT);
    assert!(!log.contains("[WARNING]"), "{log}");
}

#[test]
fn ctrl_c_reaches_workers_as_well_and_none_is_replaced() {
    for scenario in ["", "slow-boot"] {
        let mut master = match scenario {
            "" => Master::serving(scenario),
            _ => Master::start(scenario),
        };
        master.seen("Booting worker");
        let group = format!("-{}", master.pid());
        Command::new("kill").args(["-INT", "--", &group]).status().unwrap();
        let (code, log) = master.ends();
        assert_eq!(code, Some(0), "{log}");
        assert!(!log.contains("worker 3 "), "{log}");
        assert!(log.matches("Booting worker").count() <= 2, "{log}");
        assert!(!log.contains("[WARNING]") && !log.contains("[ERROR]"), "{log}");
    }
}

// The kernel goes through a process group one by one, a service manager through its control group.
#[test]
fn a_stop_of_all_may_reach_the_master_last() {
    for (scenario, signal) in [
        ("", Signal::INT),
        ("", Signal::TERM),
        ("slow-boot", Signal::INT),
        ("slow-boot", Signal::TERM),
    ] {
        let mut master = match scenario {
            "" => Master::serving(scenario),
            _ => Master::start(scenario),
        };
        let workers = master.all_seen("Booting worker with pid: ", 2);
        let workers: Vec<Pid> = workers.iter().map(|line| pid_in(line)).collect();
        workers.iter().for_each(|worker| worker.send(signal).unwrap());
        // Until one is dead: the master buries it, or is about to.
        let deadline = Instant::now() + SOON;
        while workers.iter().all(|worker| worker.is_alive()) {
            assert!(Instant::now() < deadline, "no worker leaves at {signal:?}");
            thread::yield_now();
        }
        let log = master.stops_with_0(signal);
        assert_eq!(log.matches("Booting worker").count(), 2, "{log}");
        assert!(!log.contains("[WARNING]") && !log.contains("[ERROR]"), "{log}");
    }
}

#[test]
fn an_idle_master_uses_no_processor_time() {
    let master = Master::serving("");
    let ticks = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", master.pid())).unwrap();
        // Behind the name in parentheses: user and system time are the 12th and 13th.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let before = ticks();
    // Not a wait for anything: the time over which it is measured.
    thread::sleep(Duration::from_millis(500));
    assert!(ticks() - before <= 2, "a busy loop would use about 50 ticks");
    master.stops_with_0(Signal::TERM);
}

#[test]
fn a_term_that_comes_first_of_all_is_not_lost() {
    let mut master = Master::start("slow-boot patient");
    master.expect("Listening at");
    let log = master.stops_with_0(Signal::TERM);
    assert!(!log.contains("SIGKILL"), "{log}");
}

#[test]
fn a_worker_that_does_not_leave_is_killed_after_the_graceful_timeout() {
    let log = Master::serving("stubborn").stops_with_0(Signal::TERM);
    assert_eq!(log.matches("did not leave in time").count(), 2, "{log}");
}

#[test]
fn an_int_ends_the_patience_of_a_graceful_stop() {
    let mut master = Master::serving("stubborn patient");
    master.send(Signal::TERM);
    master.expect("Handling signal: term");
    let log = master.stops_with_0(Signal::INT);
    assert_eq!(log.matches("did not leave in time").count(), 2, "{log}");
}
