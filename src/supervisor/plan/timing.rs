//! When the plan has to be asked again although nothing happens, and what is due then.

use std::time::Duration;

use unicoro_sys::clock::Moment;
use unicoro_sys::process::Pid;
use unicoro_sys::signal::Signal;

use super::event::Beat;
use super::roster::Stage;
use super::stop::UNREAPED_LIMIT;
use super::watchdog::interval;
use super::{Action, Plan};
use crate::logging::LogLevel;
use crate::supervisor::workers::report::Report;

/// From ABRT to KILL: time to dump stacks.
const ABORT_GRACE: Duration = Duration::from_millis(1500);

impl Plan {
    /// How long the loop may sleep; `None`: until something happens.
    #[must_use]
    pub fn sleep(&self, now: Moment) -> Option<Duration> {
        let deadlines = self.roster.iter().filter_map(|worker| match worker.stage {
            Stage::Killed { at } if self.is_stopping() => Some(at + UNREAPED_LIMIT),
            stage => stage.kill_at(),
        });
        let looks = self.longest_look().map(|interval| now + interval);
        let spawn = self.is_short_of_workers().then(|| self.backoff.not_before());
        deadlines.chain(looks).chain(spawn).min().map(|due| due - now)
    }

    /// Heartbeats, and workers that asked for a successor without a report.
    pub(super) fn on_tick(&mut self, beats: &[Beat], now: Moment) {
        self.watchdog.look(now, self.shortest_timeout());
        for beat in beats {
            if beat.is_retiring {
                self.on_report(beat.pid, Report::Retiring, now);
            }
            self.abort_if_hung(*beat, now);
        }
    }

    /// Workers that overstayed get KILL.
    pub(super) fn kill_overdue(&mut self, now: Moment) {
        let overdue: Vec<Pid> = self
            .roster
            .iter()
            .filter(|worker| worker.stage.kill_at().is_some_and(|kill_at| kill_at <= now))
            .map(|worker| worker.pid)
            .collect();
        for pid in overdue {
            if let Some(worker) = self.roster.by_pid(pid) {
                worker.stage = Stage::Killed { at: now };
            }
            let text = format!("Worker (pid:{pid}) did not leave in time: it gets SIGKILL");
            self.log(LogLevel::Warning, text);
            self.send(pid, Signal::KILL);
        }
    }

    /// A worker that boots is watched as well: an import that hangs would never end.
    fn abort_if_hung(&mut self, beat: Beat, now: Moment) {
        let age = self.watchdog.age(beat.at, now);
        let Some(worker) = self.roster.by_pid(beat.pid) else { return };
        let is_done_for = matches!(worker.stage, Stage::Aborted { .. } | Stage::Killed { .. });
        let generation = worker.generation;
        let terms = self.incoming.filter(|terms| terms.generation == generation);
        let Some(timeout) = terms.unwrap_or(self.current).timeout else { return };
        if is_done_for || age <= timeout {
            return;
        }
        worker.stage = Stage::Aborted { kill_at: now + ABORT_GRACE };
        self.out.push(Action::Abort { pid: beat.pid, age });
        if terms.is_some() {
            self.abandon_incoming("a new worker hung before it was ready", now);
        }
    }

    fn shortest_timeout(&self) -> Option<Duration> {
        let incoming = self.incoming.and_then(|terms| terms.timeout);
        self.current.timeout.into_iter().chain(incoming).min()
    }

    fn longest_look(&self) -> Option<Duration> {
        if self.roster.is_empty() { None } else { self.shortest_timeout().map(interval) }
    }
}
