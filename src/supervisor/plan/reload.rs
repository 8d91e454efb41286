//! HUP: make before break.
//!
//! ```text
//!   current   ■■■■■■■■■■■■■■■■■■■■■■■■■■■■■ TERM ... drained      (a failure: they just serve on)
//!   incoming          boot ── boot ── ready ■■■■■■■■■■■■■■■■■■■■
//!              HUP                          └ all are ready: promoted
//! ```
// gunicorn: stops the old workers while the new ones still boot, and the master when they fail.

use std::time::Duration;

use unicoro_sys::clock::Moment;
use unicoro_sys::process::Pid;
use unicoro_sys::signal::Signal;

use super::roster::Stage;
use super::{Action, Announcement, Plan, Terms};
use crate::logging::LogLevel;
use crate::supervisor::error::SupervisorError;

/// Workers of an abandoned generation serve nobody: they need no grace.
const ABANDONED_GRACE: Duration = Duration::from_secs(2);

impl Plan {
    /// A second HUP while one is under way starts over with the latest settings.
    pub(super) fn begin_reload(&mut self, now: Moment) {
        if self.is_stopping() {
            return;
        }
        if let Some(incoming) = self.incoming.take() {
            self.dismiss_generation(incoming.generation, now + ABANDONED_GRACE);
            self.out.push(Action::Settle { generation: self.current.generation });
        }
        self.log(LogLevel::Info, "Hang up: Master".to_owned());
        self.out.push(Action::Announce(Announcement::Reloading));
        self.out.push(Action::Reload);
    }

    pub(super) fn on_reloaded(&mut self, result: Result<Terms, SupervisorError>) {
        match result {
            Ok(_) if self.is_stopping() => {}
            Ok(terms) => self.incoming = Some(terms),
            Err(error) => self.report_failed_reload(&error.to_string()),
        }
    }

    /// The new workers are all there: the old ones may leave.
    pub(super) fn promote_incoming(&mut self, now: Moment) {
        let Some(incoming) = self.incoming else { return };
        let serves = |stage| matches!(stage, Stage::Ready | Stage::Retiring);
        if self.roster.count(incoming.generation, serves) < incoming.workers {
            return;
        }
        self.incoming = None;
        let old = std::mem::replace(&mut self.current, incoming);
        self.backoff.reset();
        self.last_failure = None;
        // Before its workers empty the queues of an address that is given up: nobody new gets in.
        self.out.push(Action::Settle { generation: incoming.generation });
        self.dismiss_generation(old.generation, now + incoming.graceful_timeout);
        if old.workers != incoming.workers {
            self.workers_changed(old.workers);
        }
        self.announce_ready();
        let text = format!("Reload done: generation {} serves", incoming.generation);
        self.log(LogLevel::Info, text);
    }

    /// Ends the new generation; the old one serves on.
    pub(super) fn abandon_incoming(&mut self, why: &str, now: Moment) {
        let Some(incoming) = self.incoming.take() else { return };
        self.dismiss_generation(incoming.generation, now + ABANDONED_GRACE);
        self.report_failed_reload(why);
    }

    fn report_failed_reload(&mut self, why: &str) {
        self.out.push(Action::Settle { generation: self.current.generation });
        self.out.push(Action::Announce(Announcement::ReloadFailed));
        self.out.push(Action::LogLines(format!(
            "Reload failed; the old workers serve on. Correct this and send HUP again: {why}"
        )));
    }

    fn dismiss_generation(&mut self, generation: u64, kill_at: Moment) {
        let members: Vec<Pid> = self
            .roster
            .iter()
            .filter(|worker| worker.generation == generation)
            .map(|worker| worker.pid)
            .collect();
        for pid in members {
            self.dismiss(pid, kill_at);
        }
    }

    /// TERM for one worker, unless it is on its way out already.
    pub(super) fn dismiss(&mut self, pid: Pid, kill_at: Moment) {
        let Some(worker) = self.roster.by_pid(pid) else { return };
        if matches!(worker.stage, Stage::Booting { .. } | Stage::Ready | Stage::Retiring) {
            worker.stage = Stage::Leaving { kill_at };
            self.send(pid, Signal::TERM);
        }
    }
}
