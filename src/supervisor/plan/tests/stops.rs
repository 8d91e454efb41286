//! TERM, INT, and what is left of patience.

use super::*;

#[test]
fn term_lets_workers_finish_and_kills_after_the_graceful_timeout() {
    let mut sim = Sim::serving(2);
    let done = sim.signal(Signal::TERM);
    assert_eq!(sent(&done, Signal::TERM), [pid(1), pid(2)]);
    assert!(done.contains(&Action::CloseListeners));
    assert_eq!(ended(&sim.exits(1, Exit::Code(0))), None);
    assert!(sent(&sim.wait(GRACE - Duration::from_millis(1)), Signal::KILL).is_empty());
    assert_eq!(sent(&sim.wait(Duration::from_millis(1)), Signal::KILL), [pid(2)]);
    assert_eq!(ended(&sim.exits(2, killed(Signal::KILL))), Some(0));
}

#[test]
fn term_during_boot_is_obeyed() {
    let mut sim = Sim::started(2);
    assert_eq!(sent(&sim.signal(Signal::TERM), Signal::TERM), [pid(1), pid(2)]);
    sim.ready(1);
    let done = sim.exits(2, killed(Signal::TERM));
    assert_eq!(complaints(&done, ""), 0);
    assert_eq!(ended(&sim.exits(1, Exit::Code(0))), Some(0));
}

#[test]
fn int_is_a_quick_stop() {
    let mut sim = Sim::serving(1);
    sim.signal(Signal::TTIN);
    let done = sim.signal(Signal::INT);
    assert_eq!(sent(&done, Signal::QUIT), [pid(1)]);
    assert_eq!(sent(&done, Signal::TERM), [pid(2)], "one that boots has no handler for QUIT");
    assert_eq!(sent(&sim.wait(Duration::from_secs(3)), Signal::KILL), [pid(1), pid(2)]);
}

#[test]
fn a_second_term_changes_nothing() {
    let mut sim = Sim::serving(2);
    sim.signal(Signal::TERM);
    assert!(sent(&sim.signal(Signal::TERM), Signal::TERM).is_empty());
    assert_eq!(ended(&sim.exits(1, Exit::Code(0))), None);
    assert!(sent(&sim.wait(GRACE - Duration::from_millis(1)), Signal::KILL).is_empty());
    assert_eq!(sent(&sim.wait(Duration::from_millis(1)), Signal::KILL), [pid(2)]);
}

#[test]
fn int_and_quit_shorten_the_wait_of_a_graceful_stop() {
    for second in [Signal::INT, Signal::QUIT] {
        let mut sim = Sim::serving(1);
        sim.signal(Signal::TERM);
        let done = sim.signal(second);
        assert!(sent(&done, Signal::TERM).is_empty());
        assert_eq!(sim.plan.sleep(sim.now), Some(Duration::from_secs(1)));
        assert_eq!(sent(&sim.wait(Duration::from_secs(2)), Signal::KILL), [pid(1)]);
    }
}

#[test]
fn a_worker_that_cannot_be_killed_does_not_hold_the_master() {
    let mut sim = Sim::serving(1);
    sim.signal(Signal::INT);
    assert_eq!(ended(&sim.wait(Duration::from_secs(7))), None);
    assert_eq!(ended(&sim.wait(Duration::from_secs(1))), Some(0));
}

#[test]
fn nothing_is_started_while_stopping() {
    let mut sim = Sim::serving(2);
    sim.signal(Signal::TERM);
    let mut done = sim.exits(1, killed(Signal::SEGV));
    done.extend(sim.signal(Signal::TTIN));
    done.extend(sim.signal(Signal::HUP));
    assert_eq!(spawned(&done), []);
    assert!(!done.contains(&Action::Reload));
}
