//! Workers that ask for a successor.

use super::*;

#[test]
fn a_retiring_worker_serves_until_its_successor_is_ready() {
    let mut sim = Sim::serving(2);
    let done = sim.report(1, Report::Retiring);
    assert_eq!(spawned(&done), [(3, 1)]);
    assert!(sent(&done, Signal::TERM).is_empty());
    assert_eq!(spawned(&sim.report(1, Report::Retiring)), [], "said twice, heard once");
    assert_eq!(sent(&sim.ready(3), Signal::TERM), [pid(1)]);
    let done = sim.exits(1, Exit::Code(0));
    assert_eq!((complaints(&done, ""), spawned(&done).len()), (0, 0));
}

#[test]
fn a_retiring_worker_may_leave_by_itself() {
    let mut sim = Sim::serving(1);
    sim.report(1, Report::Retiring);
    let done = sim.exits(1, Exit::Code(0));
    assert_eq!((complaints(&done, ""), spawned(&done).len()), (0, 0));
    assert!(sent(&sim.ready(2), Signal::TERM).is_empty());
}

#[test]
fn a_slot_that_says_retiring_is_as_good_as_a_report() {
    let mut sim = Sim::serving(1);
    sim.beats.push(Beat { pid: pid(1), at: sim.now, is_retiring: true });
    assert_eq!(spawned(&sim.tick()), [(2, 1)]);
    assert_eq!(spawned(&sim.tick()), []);
}

#[test]
fn a_retiring_worker_stays_while_its_successor_fails() {
    let mut sim = Sim::serving(1);
    sim.report(1, Report::Retiring);
    let mut done = sim.report(2, failed(BootFailure::Import, "broken"));
    done.extend(sim.exits(2, Exit::Code(3)));
    done.extend(sim.wait(Duration::from_secs(1)));
    assert!(sent(&done, Signal::TERM).is_empty());
    assert_eq!(spawned(&done), [(3, 1)]);
    assert_eq!(sent(&sim.ready(3), Signal::TERM), [pid(1)]);
}
