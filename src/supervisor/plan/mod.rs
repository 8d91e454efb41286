//! The decisions: state, event and time in, actions out. Nothing here touches the world, so every
//! rule of the supervisor is tested without a fork.
//!
//! ```text
//!   Starting ── first worker ready ──> Serving ── TERM, INT, QUIT ──> Stopping ── last one gone
//!      └── the app cannot be loaded ───────────────────────────────────^                 └─> End
//! ```
//!
//! The order inside a step: the event changes what is known, then `maintain` compares what there
//! is with what there should be. A decision is never taken twice: whatever an action brings about
//! comes back as an event ([`Event::Spawned`], [`Event::Exited`]).

mod action;
mod backoff;
mod event;
mod obituary;
mod reload;
mod roster;
mod stop;
mod terms;
mod timing;
mod watchdog;
mod workers;

#[cfg(test)]
mod tests;

use std::mem;

pub use action::{Action, Announcement};
pub use event::{Beat, Deeds, Event};
pub use terms::Terms;
pub use watchdog::timeout_message;

use unicoro_sys::clock::Moment;
use unicoro_sys::process::Pid;
use unicoro_sys::signal::Signal;

use self::backoff::Backoff;
use self::roster::{Roster, Stage};
use self::watchdog::Watchdog;
use crate::config::MAX_WORKERS;
use crate::logging::LogLevel;

/// Everything the supervisor knows.
#[derive(Debug)]
pub struct Plan {
    phase: Phase,
    /// The generation that serves; `workers` in it follows TTIN and TTOU.
    current: Terms,
    /// The generation that a reload started and that is not ready yet.
    incoming: Option<Terms>,
    roster: Roster,
    next_number: u64,
    backoff: Backoff,
    watchdog: Watchdog,
    /// Why the last worker could not start, so that the same text is logged once.
    last_failure: Option<String>,
    is_daemon: bool,
    out: Vec<Action>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// No worker was ever ready.
    Starting,
    Serving,
    /// The master leaves with this code when its workers are gone.
    Stopping {
        code: i32,
    },
}

impl Plan {
    /// A plan for `first`, before anything has happened.
    #[must_use]
    pub fn new(first: Terms, is_daemon: bool, now: Moment) -> Plan {
        Plan {
            phase: Phase::Starting,
            current: first,
            incoming: None,
            roster: Roster::default(),
            next_number: 1,
            backoff: Backoff::default(),
            watchdog: Watchdog::new(now),
            last_failure: None,
            is_daemon,
            out: Vec::new(),
        }
    }

    /// Takes one event; returns what to do, in this order.
    pub fn step(&mut self, event: Event<'_>, now: Moment) -> Vec<Action> {
        // A batch of spawns is carried out one by one; what is missing is known only at its end.
        let is_amid_batch = matches!(event, Event::Spawned { .. } | Event::SpawnFailed { .. });
        match event {
            Event::Start => {}
            Event::Tick(beats) => self.on_tick(beats, now),
            Event::Signal(signal) => self.on_signal(signal, now),
            Event::Spawned { number, generation, pid } => {
                self.on_spawned(number, generation, pid);
            }
            Event::SpawnFailed { reason } => self.on_spawn_failed(&reason, now),
            Event::Report { pid, report } => self.on_report(pid, report, now),
            Event::Exited { pid, exit, deeds } => self.on_exited(pid, exit, &deeds, now),
            Event::Reloaded(result) => self.on_reloaded(result),
        }
        if !is_amid_batch {
            self.maintain(now);
        }
        mem::take(&mut self.out)
    }

    fn on_signal(&mut self, signal: Signal, now: Moment) {
        let name = signal.short_name().unwrap_or("unknown");
        self.log(LogLevel::Info, format!("Handling signal: {name}"));
        match signal {
            Signal::TERM => self.stop_gracefully(now),
            Signal::INT | Signal::QUIT => self.stop_quickly(now),
            Signal::HUP => self.begin_reload(now),
            Signal::USR1 => self.reopen_logs(),
            Signal::TTIN => self.resize(self.current.workers + 1),
            Signal::TTOU => self.resize(self.current.workers.saturating_sub(1).max(1)),
            Signal::WINCH => self.stop_workers_only(),
            Signal::USR2 if !self.is_stopping() => self.out.push(Action::Upgrade),
            _ => {}
        }
    }

    /// TTIN, TTOU: a reload that is under way follows.
    fn resize(&mut self, workers: usize) {
        let (old, new) = (self.current.workers, workers.min(MAX_WORKERS));
        if new == old || self.is_stopping() {
            return;
        }
        self.current.workers = new;
        if let Some(incoming) = &mut self.incoming {
            incoming.workers = new;
        }
        self.workers_changed(old);
    }

    /// WINCH. A terminal sends it at every change of its size, hence only in the background.
    fn stop_workers_only(&mut self) {
        if !self.is_daemon {
            self.log(LogLevel::Debug, "WINCH is for a daemon only: ignored".to_owned());
            return;
        }
        let old = mem::replace(&mut self.current.workers, 0);
        self.workers_changed(old);
    }

    /// USR1. A worker that boots may not have its handler yet, and would die of the signal: it
    /// gets it when it is ready.
    fn reopen_logs(&mut self) {
        self.out.push(Action::ReopenLogs);
        for worker in self.roster.iter_mut() {
            match &mut worker.stage {
                Stage::Booting { reopen } => *reopen = true,
                _ if worker.ready_at.is_some() => {
                    self.out.push(Action::Send { pid: worker.pid, signal: Signal::USR1 });
                }
                _ => {}
            }
        }
    }

    /// Compares what there is with what there should be.
    fn maintain(&mut self, now: Moment) {
        self.kill_overdue(now);
        if let Phase::Stopping { code } = self.phase {
            self.end_when_alone(code, now);
            return;
        }
        self.promote_incoming(now);
        self.spawn_missing(now);
        self.dismiss_surplus(now);
        self.release_retired(now);
    }

    fn is_stopping(&self) -> bool {
        matches!(self.phase, Phase::Stopping { .. })
    }

    fn workers_changed(&mut self, old: usize) {
        self.out.push(Action::WorkersChanged { new: self.current.workers, old });
    }

    fn announce_ready(&mut self) {
        let workers = self.current.workers;
        self.out.push(Action::Announce(Announcement::Ready { workers }));
    }

    fn log(&mut self, level: LogLevel, text: String) {
        self.out.push(Action::Log(level, text));
    }

    fn send(&mut self, pid: Pid, signal: Signal) {
        self.out.push(Action::Send { pid, signal });
    }
}
