//! The rules of the supervisor, one test each, without a fork.
//!
//! [`Sim`] plays the world: it answers every `Spawn` with `Spawned` and keeps what was done.

mod announcements;
mod births;
mod hangs;
mod numbers;
mod reloads;
mod retirements;
mod stops;

use std::time::Duration;

use unicoro_sys::clock::Moment;
use unicoro_sys::process::{Exit, Pid};
use unicoro_sys::signal::Signal;

use super::action::Announcement;
use super::{Action, Beat, Deeds, Event, Plan, Terms};
use crate::logging::LogLevel;
use crate::supervisor::error::SupervisorError;
use crate::supervisor::workers::report::{BootFailure, Report};

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
        self.exits_after(number, exit, Deeds::default())
    }

    fn exits_after(&mut self, number: i32, exit: Exit, deeds: Deeds) -> Vec<Action> {
        self.beats.retain(|beat| beat.pid != pid(number));
        self.feed(Event::Exited { pid: pid(number), exit, deeds })
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
