//! The rules of the supervisor, one test each, without a fork.
//!
//! [`Sim`] plays the world: it answers every `Spawn` with `Spawned` and keeps what was done.

use std::time::Duration;

use super::action::Announcement;
use super::{Action, Beat, Deeds, Event, Plan, Terms};
use crate::logging::LogLevel;
use crate::supervisor::workers::report::{BootFailure, Report};
use crate::sys::clock::Moment;
use crate::sys::process::{Exit, Pid};
use crate::sys::signal::Signal;

const GRACE: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(30);

struct Sim {
    plan: Plan,
    now: Moment,
    beats: Vec<Beat>,
}

/// The pid of the worker with this number.
fn pid(number: i32) -> Pid {
    Pid::from_raw(1000 + number).unwrap()
}

fn terms(generation: u64, workers: usize) -> Terms {
    Terms { generation, workers, timeout: Some(TIMEOUT), graceful_timeout: GRACE }
}

fn failed(failure: BootFailure, text: &str) -> Report {
    Report::Failed { failure, text: text.to_owned() }
}

fn killed(signal: Signal) -> Exit {
    Exit::Signal { signal, core: false }
}

impl Sim {
    /// Before `Start`.
    fn new(workers: usize) -> Sim {
        let now = Moment::from_millis(1_000_000);
        Sim { plan: Plan::new(terms(1, workers), false, now), now, beats: Vec::new() }
    }

    fn started(workers: usize) -> Sim {
        let mut sim = Sim::new(workers);
        sim.feed(Event::Start);
        sim
    }

    /// Workers 1 to `workers` are ready.
    fn serving(workers: usize) -> Sim {
        let mut sim = Sim::started(workers);
        for number in 1..=workers {
            sim.ready(number as i32);
        }
        sim
    }

    fn feed(&mut self, event: Event<'_>) -> Vec<Action> {
        let mut done = self.plan.step(event, self.now);
        let births: Vec<(u64, u64)> = done
            .iter()
            .filter_map(|action| match action {
                Action::Spawn { number, generation } => Some((*number, *generation)),
                _ => None,
            })
            .collect();
        for (number, generation) in births {
            let pid = pid(number as i32);
            done.extend(self.plan.step(Event::Spawned { number, generation, pid }, self.now));
        }
        done
    }

    fn tick(&mut self) -> Vec<Action> {
        let beats = self.beats.clone();
        self.feed(Event::Tick(&beats))
    }

    /// Time goes by in steps that no watchdog takes for a suspension.
    fn wait(&mut self, span: Duration) -> Vec<Action> {
        let end = self.now + span;
        let mut done = Vec::new();
        while self.now < end {
            self.now = (self.now + Duration::from_millis(500)).min(end);
            done.extend(self.tick());
        }
        done
    }

    fn signal(&mut self, signal: Signal) -> Vec<Action> {
        self.feed(Event::Signal(signal))
    }

    fn ready(&mut self, number: i32) -> Vec<Action> {
        self.report(number, Report::Ready)
    }

    fn report(&mut self, number: i32, report: Report) -> Vec<Action> {
        self.feed(Event::Report { pid: pid(number), report })
    }

    fn exits(&mut self, number: i32, exit: Exit) -> Vec<Action> {
        self.beats.retain(|beat| beat.pid != pid(number));
        self.feed(Event::Exited { pid: pid(number), exit, deeds: Deeds::default() })
    }

    /// HUP, and the settings are fine.
    fn hup(&mut self, generation: u64, workers: usize) -> Vec<Action> {
        let mut done = self.signal(Signal::HUP);
        assert!(done.contains(&Action::Reload));
        done.extend(self.feed(Event::Reloaded(Ok(terms(generation, workers)))));
        done
    }

    fn beat(&mut self, number: i32, at: Moment) {
        self.beats.push(Beat { pid: pid(number), at, is_retiring: false });
    }
}

fn spawned(done: &[Action]) -> Vec<(u64, u64)> {
    done.iter()
        .filter_map(|action| match action {
            Action::Spawn { number, generation } => Some((*number, *generation)),
            _ => None,
        })
        .collect()
}

fn sent(done: &[Action], wanted: Signal) -> Vec<Pid> {
    done.iter()
        .filter_map(|action| match action {
            Action::Send { pid, signal } if *signal == wanted => Some(*pid),
            _ => None,
        })
        .collect()
}

fn ended(done: &[Action]) -> Option<i32> {
    done.iter().find_map(|action| match action {
        Action::End(code) => Some(*code),
        _ => None,
    })
}

/// Lines at warning or above that contain `text`.
fn complaints(done: &[Action], text: &str) -> usize {
    done.iter()
        .filter(|action| match action {
            Action::Log(LogLevel::Debug | LogLevel::Info, _) => false,
            Action::Log(_, line) | Action::LogLines(line) => line.contains(text),
            _ => false,
        })
        .count()
}

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
fn a_worker_that_cannot_be_forked_is_tried_again_later() {
    let mut sim = Sim::new(1);
    sim.plan.step(Event::Start, sim.now);
    let reason = "no memory".to_owned();
    let done = sim.plan.step(Event::SpawnFailed { reason }, sim.now);
    assert_eq!(complaints(&done, "no memory"), 1);
    assert_eq!(sim.plan.sleep(sim.now), Some(Duration::from_secs(1)));
    assert_eq!(spawned(&sim.wait(Duration::from_secs(1))), [(2, 1)]);
}

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
fn a_second_term_shortens_the_wait() {
    for second in [Signal::TERM, Signal::INT, Signal::QUIT] {
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
    let done = sim.feed(Event::Reloaded(Err("gunicorn.conf.py line 3".to_owned())));
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
    let done = sim.feed(Event::Reloaded(Err("no".to_owned())));
    assert!(done.contains(&Action::Announce(Announcement::ReloadFailed)));
    let done = sim.feed(Event::Signal(Signal::TERM));
    assert!(done.contains(&Action::Announce(Announcement::Stopping)));
}
