//! Stopping: gracefully, quickly, and the end of a graceful stop's patience.

use std::time::Duration;

use unicoro_sys::clock::Moment;
use unicoro_sys::signal::Signal;

use super::roster::Stage;
use super::{Action, Announcement, Phase, Plan};
use crate::logging::LogLevel;

/// From QUIT to KILL in a quick stop: enough to run exit handlers.
const QUICK_GRACE: Duration = Duration::from_secs(3);
/// What is left of a stop after an INT or QUIT that comes into it, as in gunicorn.
const SHORTENED: Duration = Duration::from_secs(2);
/// A worker stuck in the kernel cannot be killed: then the master goes without it.
pub(super) const UNREAPED_LIMIT: Duration = Duration::from_secs(5);

impl Plan {
    /// TERM: workers finish what they have begun. A second one says nothing new: timeout(1) sends one to
    /// its child and one to the group, and so do platforms.
    pub(super) fn stop_gracefully(&mut self, now: Moment) {
        if !self.is_stopping() {
            let deadline = now + self.current.graceful_timeout;
            self.stop(Signal::TERM, deadline, 0);
        }
    }

    /// INT and QUIT: workers are told to end at once.
    pub(super) fn stop_quickly(&mut self, now: Moment) {
        match self.phase {
            Phase::Stopping { .. } => self.hurry(now),
            Phase::Starting | Phase::Serving => self.stop(Signal::QUIT, now + QUICK_GRACE, 0),
        }
    }

    /// The app cannot be loaded: nothing will ever serve.
    pub(super) fn give_up(&mut self, code: i32, now: Moment) {
        self.stop(Signal::TERM, now + QUICK_GRACE, code);
    }

    /// Ends the loop when nobody is left, or nobody who can be killed.
    pub(super) fn end_when_alone(&mut self, code: i32, now: Moment) {
        let is_unreapable =
            |stage| matches!(stage, Stage::Killed { at } if at + UNREAPED_LIMIT <= now);
        if self.roster.iter().all(|worker| is_unreapable(worker.stage)) {
            self.out.push(Action::End(code));
        }
    }

    fn stop(&mut self, signal: Signal, deadline: Moment, code: i32) {
        self.phase = Phase::Stopping { code };
        self.incoming = None;
        // Our copies first: once the workers have drained and closed theirs, a new connection is
        // refused instead of waiting for nobody.
        self.out.push(Action::Announce(Announcement::Stopping));
        self.out.push(Action::CloseListeners);
        for worker in self.roster.iter_mut() {
            let is_told = match worker.stage {
                Stage::Failed { .. } | Stage::Aborted { .. } | Stage::Killed { .. } => continue,
                Stage::Leaving { .. } => true,
                _ => false,
            };
            let kill_at = worker.stage.kill_at().map_or(deadline, |before| before.min(deadline));
            worker.stage = Stage::Leaving { kill_at };
            // A worker that boots may have no handler for QUIT yet, and would leave a core file.
            let signal = if worker.ready_at.is_some() { signal } else { Signal::TERM };
            // A second TERM says nothing new, or, worse, something else.
            if !(is_told && signal == Signal::TERM) {
                self.out.push(Action::Send { pid: worker.pid, signal });
            }
        }
    }

    fn hurry(&mut self, now: Moment) {
        let latest = now + SHORTENED;
        for worker in self.roster.iter_mut() {
            if let Stage::Leaving { kill_at } = &mut worker.stage {
                *kill_at = latest.min(*kill_at);
            }
        }
        let seconds = SHORTENED.as_secs();
        self.log(LogLevel::Info, format!("Workers that have not left in {seconds} s are killed"));
    }
}
