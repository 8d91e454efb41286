//! More workers, fewer, none; logs opened anew.

use super::*;

#[test]
fn ttin_and_ttou_change_the_number_and_the_oldest_goes() {
    let mut sim = Sim::serving(1);
    let done = sim.signal(Signal::TTIN);
    assert_eq!(spawned(&done), [(2, 1)]);
    assert!(done.contains(&Action::WorkersChanged { new: 2, old: 1 }));
    sim.ready(2);
    assert_eq!(sent(&sim.signal(Signal::TTOU), Signal::TERM), [pid(1)]);
    assert_eq!(spawned(&sim.exits(1, Exit::Code(0))), []);
    let done = sim.signal(Signal::TTOU);
    assert!(sent(&done, Signal::TERM).is_empty(), "never fewer than one");
}

#[test]
fn usr1_reaches_a_worker_that_boots_only_when_it_is_ready() {
    let mut sim = Sim::serving(1);
    sim.signal(Signal::TTIN);
    let done = sim.signal(Signal::USR1);
    assert!(done.contains(&Action::ReopenLogs));
    assert_eq!(sent(&done, Signal::USR1), [pid(1)]);
    assert_eq!(sent(&sim.ready(2), Signal::USR1), [pid(2)]);
}

#[test]
fn winch_stops_the_workers_of_a_daemon_only() {
    let mut sim = Sim::serving(1);
    assert!(sent(&sim.signal(Signal::WINCH), Signal::TERM).is_empty());
    sim.plan.is_daemon = true;
    assert_eq!(sent(&sim.signal(Signal::WINCH), Signal::TERM), [pid(1)]);
    assert_eq!(spawned(&sim.exits(1, Exit::Code(0))), []);
    assert_eq!(spawned(&sim.hup(2, 1)), [(2, 2)]);
}
