//! Workers without a heartbeat, and a loop that sleeps.

use super::*;

#[test]
fn a_worker_without_heartbeat_gets_abrt_then_kill_and_is_replaced() {
    let mut sim = Sim::serving(1);
    sim.beat(1, sim.now);
    assert!(sim.wait(TIMEOUT).is_empty());
    let done = sim.wait(Duration::from_millis(500));
    let age = TIMEOUT + Duration::from_millis(500);
    assert!(done.contains(&Action::Abort { pid: pid(1), age }), "{done:?}");
    assert_eq!(spawned(&done), [(2, 1)], "it serves nobody: its successor need not wait");
    assert!(sent(&sim.wait(Duration::from_secs(1)), Signal::KILL).is_empty());
    assert_eq!(sent(&sim.wait(Duration::from_millis(500)), Signal::KILL), [pid(1)]);
    assert_eq!(spawned(&sim.exits(1, killed(Signal::KILL))), []);
}

#[test]
fn a_worker_that_hangs_in_its_import_is_killed_too_and_ends_a_reload() {
    let mut sim = Sim::serving(1);
    sim.hup(2, 1);
    sim.beat(2, sim.now);
    let done = sim.wait(TIMEOUT + Duration::from_millis(500));
    assert!(done.iter().any(|action| matches!(action, Action::Abort { .. })));
    assert_eq!(complaints(&done, "Reload failed"), 1);
    assert!(sent(&sim.exits(2, killed(Signal::ABRT)), Signal::TERM).is_empty());
}

#[test]
fn nobody_is_killed_because_we_were_suspended() {
    let mut sim = Sim::serving(1);
    sim.beat(1, sim.now);
    sim.now = sim.now + Duration::from_secs(3600);
    assert!(sim.tick().is_empty());
    assert!(sim.wait(TIMEOUT).is_empty());
    let done = sim.wait(Duration::from_millis(500));
    assert!(done.iter().any(|action| matches!(action, Action::Abort { .. })));
}

#[test]
fn without_a_timeout_the_loop_sleeps_until_something_happens() {
    let now = Moment::from_millis(1);
    let mut plan = Plan::new(Terms { timeout: None, ..terms(1, 1) }, false, now);
    plan.step(Event::Start, now);
    plan.step(Event::Spawned { number: 1, generation: 1, pid: pid(1) }, now);
    plan.step(Event::Report { pid: pid(1), report: Report::Ready }, now);
    assert_eq!(plan.sleep(now), None);
    let beat = Beat { pid: pid(1), at: now, is_retiring: false };
    let done = plan.step(Event::Tick(&[beat]), now + Duration::from_secs(9999));
    assert!(done.is_empty());
}
