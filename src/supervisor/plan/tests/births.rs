//! Starts, and starts that fail.

use super::*;

#[test]
fn as_many_workers_as_asked_for_are_started() {
    let mut sim = Sim::new(3);
    let done = sim.feed(Event::Start);
    assert_eq!(spawned(&done), [(1, 1), (2, 1), (3, 1)]);
    assert_eq!(spawned(&sim.tick()), []);
}

#[test]
fn an_app_that_cannot_be_imported_stops_with_3_and_is_logged_once() {
    let mut sim = Sim::started(3);
    let mut done = sim.report(2, failed(BootFailure::Import, "ModuleNotFoundError: x"));
    done.extend(sim.report(1, failed(BootFailure::Import, "ModuleNotFoundError: x")));
    assert_eq!(complaints(&done, "ModuleNotFoundError"), 1);
    assert_eq!(sent(&done, Signal::TERM), [pid(1), pid(3)]);
    assert_eq!(ended(&done), None);
    done = sim.exits(2, Exit::Code(3));
    done.extend(sim.exits(1, Exit::Code(3)));
    done.extend(sim.exits(3, killed(Signal::TERM)));
    assert_eq!(spawned(&done), []);
    assert_eq!(complaints(&done, ""), 0, "{done:?}");
    assert_eq!(ended(&done), Some(3));
}

#[test]
fn an_app_that_is_missing_stops_with_4() {
    let mut sim = Sim::started(1);
    sim.report(1, failed(BootFailure::App, "no such attribute"));
    assert_eq!(ended(&sim.exits(1, Exit::Code(4))), Some(4));
}

#[test]
fn exit_code_3_without_a_report_counts_as_a_failed_import() {
    let mut sim = Sim::started(1);
    let done = sim.exits(1, Exit::Code(3));
    assert_eq!(complaints(&done, "could not import the app"), 1);
    assert_eq!(ended(&done), Some(3));
}

#[test]
fn a_worker_that_failed_but_stays_is_killed() {
    let mut sim = Sim::started(1);
    sim.report(1, failed(BootFailure::Import, "x"));
    assert_eq!(sent(&sim.wait(Duration::from_secs(5)), Signal::KILL), [pid(1)]);
}

#[test]
fn a_death_at_boot_is_retried_with_growing_pauses() {
    let mut sim = Sim::started(1);
    for (number, pause) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30)] {
        let done = sim.exits(number, killed(Signal::SEGV));
        assert_eq!(complaints(&done, "SIGSEGV"), 1);
        assert_eq!(spawned(&done), []);
        assert_eq!(spawned(&sim.wait(Duration::from_millis(pause * 1000 - 1))), []);
        assert_eq!(spawned(&sim.wait(Duration::from_millis(1))).len(), 1, "after {pause} s");
    }
    sim.ready(8);
    sim.now = sim.now + Duration::from_secs(5);
    assert_eq!(spawned(&sim.exits(8, killed(Signal::SEGV))).len(), 1);
}

#[test]
fn a_ready_worker_that_dies_is_replaced_at_once_with_one_line() {
    let mut sim = Sim::serving(2);
    let done = sim.exits(1, killed(Signal::KILL));
    assert_eq!(spawned(&done), [(3, 1)]);
    assert_eq!(complaints(&done, "(pid:1001) was killed by SIGKILL"), 1);
    assert_eq!(complaints(&done, "A new one is starting"), 1);
    assert_eq!(complaints(&done, ""), 1);
}

#[test]
fn a_replacement_that_cannot_import_leaves_the_others_serving() {
    let mut sim = Sim::serving(2);
    sim.exits(1, Exit::Code(1));
    let done = sim.report(3, failed(BootFailure::Import, "SyntaxError: y"));
    assert_eq!(complaints(&done, "SyntaxError: y"), 1);
    assert!(sent(&done, Signal::TERM).is_empty());
    assert_eq!(spawned(&sim.exits(3, Exit::Code(3))), []);
    assert_eq!(spawned(&sim.wait(Duration::from_secs(1))), [(4, 1)]);
    let done = sim.report(4, failed(BootFailure::Import, "SyntaxError: y"));
    assert_eq!(complaints(&done, "SyntaxError: y"), 0, "the same text is not logged again");
    assert_eq!(complaints(&done, "again, as above"), 1);
    sim.exits(4, Exit::Code(3));
    assert_eq!(spawned(&sim.wait(Duration::from_millis(1500))), []);
    assert_eq!(spawned(&sim.wait(Duration::from_millis(500))), [(5, 1)]);
}

#[test]
fn what_ends_a_ready_worker_is_told() {
    let mut sim = Sim::serving(1);
    let done = sim.report(1, failed(BootFailure::Setup, "the reactor panicked"));
    assert_eq!(complaints(&done, "the reactor panicked"), 1);
    assert_eq!(spawned(&sim.exits(1, Exit::Code(1))), [(2, 1)]);
}

#[test]
fn a_worker_that_cannot_be_forked_is_tried_again_later() {
    let mut sim = Sim::new(1);
    sim.plan.step(Event::Start, sim.now);
    let reason = "no memory".to_owned();
    let done = sim.plan.step(Event::SpawnFailed { reason }, sim.now);
    assert_eq!(complaints(&done, "no memory"), 1);
    assert_eq!(sim.plan.sleep(sim.now), Some(Duration::from_secs(1)));
    assert_eq!(spawned(&sim.wait(Duration::from_secs(1))), [(2, 1)]);
}
