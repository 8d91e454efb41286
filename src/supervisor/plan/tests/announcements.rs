//! What others are told: a new master, systemd.

use super::*;

#[test]
fn usr2_starts_a_new_master_unless_this_one_stops() {
    let mut sim = Sim::serving(1);
    assert!(sim.feed(Event::Signal(Signal::USR2)).contains(&Action::Upgrade));
    sim.feed(Event::Signal(Signal::TERM));
    assert!(!sim.feed(Event::Signal(Signal::USR2)).contains(&Action::Upgrade));
}

#[test]
fn systemd_hears_of_readiness_reloads_and_the_stop() {
    let mut sim = Sim::serving(1);
    let done = sim.feed(Event::Signal(Signal::HUP));
    assert!(done.contains(&Action::Announce(Announcement::Reloading)));
    let done = sim.feed(Event::Reloaded(Err(SupervisorError::Host("no".into()))));
    assert!(done.contains(&Action::Announce(Announcement::ReloadFailed)));
    let done = sim.feed(Event::Signal(Signal::TERM));
    assert!(done.contains(&Action::Announce(Announcement::Stopping)));
}
