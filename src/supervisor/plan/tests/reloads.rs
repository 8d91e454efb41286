//! HUP.

use super::*;

#[test]
fn old_workers_leave_only_when_all_new_ones_are_ready() {
    let mut sim = Sim::serving(2);
    assert_eq!(spawned(&sim.hup(2, 2)), [(3, 2), (4, 2)]);
    assert!(sent(&sim.ready(3), Signal::TERM).is_empty());
    let done = sim.ready(4);
    assert_eq!(sent(&done, Signal::TERM), [pid(1), pid(2)]);
    assert!(done.contains(&Action::Settle { generation: 2 }));
    sim.exits(1, Exit::Code(0));
    assert_eq!(spawned(&sim.exits(2, Exit::Code(0))), []);
    assert_eq!(spawned(&sim.exits(3, Exit::Code(1))), [(5, 2)]);
}

#[test]
fn a_reload_may_change_the_number_of_workers() {
    let mut sim = Sim::serving(3);
    sim.hup(2, 1);
    let done = sim.ready(4);
    assert_eq!(sent(&done, Signal::TERM), [pid(1), pid(2), pid(3)]);
    assert!(done.contains(&Action::WorkersChanged { new: 1, old: 3 }));
}

#[test]
fn settings_that_cannot_be_read_keep_the_old_workers() {
    let mut sim = Sim::serving(1);
    sim.signal(Signal::HUP);
    let done =
        sim.feed(Event::Reloaded(Err(SupervisorError::Host("gunicorn.conf.py line 3".into()))));
    assert_eq!(complaints(&done, "gunicorn.conf.py line 3"), 1);
    assert_eq!(spawned(&done), []);
    assert!(done.contains(&Action::Settle { generation: 1 }));
}

#[test]
fn a_new_generation_that_fails_is_ended_and_the_old_one_serves_on() {
    type Fate = fn(&mut Sim) -> Vec<Action>;
    let fates: [(&str, Fate); 4] = [
        ("cannot import", |sim| sim.report(3, failed(BootFailure::Import, "the reason"))),
        ("dies at boot", |sim| sim.exits(3, killed(Signal::SEGV))),
        ("leaves with 3", |sim| sim.exits(3, Exit::Code(3))),
        ("dies when ready", |sim| {
            sim.ready(3);
            sim.exits(3, Exit::Code(1))
        }),
    ];
    for (name, fate) in fates {
        let mut sim = Sim::serving(2);
        sim.hup(2, 2);
        let done = fate(&mut sim);
        assert_eq!(complaints(&done, "Reload failed; the old workers serve on"), 1, "{name}");
        assert_eq!(complaints(&done, ""), 1, "{name}: one record says why");
        assert_eq!(sent(&done, Signal::TERM), [pid(4)], "{name}");
        assert_eq!(spawned(&done), [], "{name}");
        assert!(done.contains(&Action::Settle { generation: 1 }), "{name}");
        let done = sim.exits(4, Exit::Code(3));
        assert_eq!((complaints(&done, ""), spawned(&done).len()), (0, 0), "{name}");
    }
}

#[test]
fn a_new_worker_that_a_request_ends_is_replaced_if_it_has_answered_others() {
    let mut sim = Sim::serving(2);
    sim.hup(2, 2);
    sim.ready(3);
    let in_progress = Some("the request GET /crash".to_owned());
    let answered = Deeds { has_answered: true, in_progress: in_progress.clone() };
    assert_eq!(spawned(&sim.exits_after(3, Exit::Code(7), answered)), [(5, 2)]);
    sim.ready(4);
    let done = sim.ready(5);
    assert_eq!(sent(&done, Signal::TERM), [pid(1), pid(2)]);
    sim.hup(3, 2);
    sim.ready(6);
    let done = sim.exits_after(6, Exit::Code(7), Deeds { has_answered: false, in_progress });
    assert_eq!(complaints(&done, "Reload failed"), 1);
}

#[test]
fn the_next_reload_heals() {
    let mut sim = Sim::serving(1);
    sim.hup(2, 1);
    sim.report(2, failed(BootFailure::Import, "broken"));
    sim.exits(2, Exit::Code(3));
    assert_eq!(spawned(&sim.hup(3, 1)), [(3, 3)]);
    assert_eq!(sent(&sim.ready(3), Signal::TERM), [pid(1)]);
}

#[test]
fn a_second_hup_starts_over() {
    let mut sim = Sim::serving(1);
    sim.hup(2, 1);
    let done = sim.hup(3, 1);
    assert_eq!(sent(&done, Signal::TERM), [pid(2)]);
    assert_eq!(spawned(&done), [(3, 3)]);
    assert!(sent(&sim.ready(2), Signal::TERM).is_empty(), "too late to take over");
    assert_eq!(sent(&sim.ready(3), Signal::TERM), [pid(1)]);
}

#[test]
fn an_old_worker_that_dies_during_a_reload_is_replaced_from_the_old_generation() {
    let mut sim = Sim::serving(1);
    sim.hup(2, 1);
    assert_eq!(spawned(&sim.exits(1, killed(Signal::KILL))), [(3, 1)]);
}

#[test]
fn term_during_a_reload_stops_both_generations() {
    let mut sim = Sim::serving(1);
    sim.hup(2, 1);
    assert_eq!(sent(&sim.signal(Signal::TERM), Signal::TERM), [pid(1), pid(2)]);
    sim.exits(1, Exit::Code(0));
    assert_eq!(ended(&sim.exits(2, killed(Signal::TERM))), Some(0));
}

#[test]
fn a_worker_told_to_leave_is_not_told_twice() {
    let mut sim = Sim::serving(2);
    assert_eq!(sent(&sim.signal(Signal::TTOU), Signal::TERM), [pid(1)]);
    assert_eq!(sent(&sim.signal(Signal::TERM), Signal::TERM), [pid(2)]);
}
