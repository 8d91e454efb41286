//! The crew: births, reports, deaths, and keeping their number right.

use std::time::Duration;

use unicoro_sys::clock::Moment;
use unicoro_sys::process::{Exit, Pid};
use unicoro_sys::signal::Signal;

use super::obituary::obituary;
use super::roster::{Stage, Worker};
use super::{Action, Deeds, Event, Phase, Plan};
use crate::logging::LogLevel;
use crate::supervisor::workers::report::{BootFailure, Report};

/// A worker that reported a failure has nothing left to do.
const FAILED_GRACE: Duration = Duration::from_secs(5);

impl Plan {
    pub(super) fn on_spawned(&mut self, number: u64, generation: u64, pid: Pid) {
        let stage = Stage::Booting { reopen: false };
        self.roster.add(Worker { number, generation, pid, ready_at: None, stage });
        self.log(LogLevel::Info, format!("Booting worker with pid: {pid}"));
    }

    pub(super) fn on_spawn_failed(&mut self, reason: &str, now: Moment) {
        self.backoff.boot_failed(now);
        let text = format!("Cannot start a worker: {reason}. {}", self.next_try(now));
        self.log(LogLevel::Error, text);
        self.abandon_incoming("no further worker can be started", now);
    }

    pub(super) fn on_report(&mut self, pid: Pid, report: Report, now: Moment) {
        match report {
            Report::Ready => self.on_ready(pid, now),
            Report::Failed { failure, text } => self.on_failed(pid, failure, &text, now),
            Report::Retiring => {
                let Some(worker) = self.roster.by_pid(pid) else { return };
                if worker.stage == Stage::Ready {
                    worker.stage = Stage::Retiring;
                }
            }
        }
    }

    pub(super) fn on_exited(&mut self, pid: Pid, exit: Exit, deeds: &Deeds, now: Moment) {
        let Some(worker) = self.roster.remove(pid) else { return };
        match worker.stage {
            Stage::Booting { .. } => match BootFailure::from_exit(exit) {
                Some(failure) => self.boot_failed(worker, failure, "it left no message", now),
                None => self.died_at_boot(worker, exit, now),
            },
            Stage::Ready => self.died(worker, exit, deeds, now),
            Stage::Retiring | Stage::Leaving { .. } => self.left(worker, exit),
            Stage::Failed { .. } => {}
            Stage::Aborted { .. } | Stage::Killed { .. } => self.log_end(pid, exit),
        }
    }

    /// Starts what is missing. A new generation has no pause: its failure ends it.
    pub(super) fn spawn_missing(&mut self, now: Moment) {
        if let Some(incoming) = self.incoming {
            self.spawn_up_to(incoming.generation, incoming.workers);
        }
        if self.is_short_of_workers() && self.backoff.not_before() <= now {
            self.backoff.started(now);
            self.spawn_up_to(self.current.generation, self.current.workers);
        }
    }

    /// TTOU: the oldest goes.
    pub(super) fn dismiss_surplus(&mut self, now: Moment) {
        let (generation, wanted) = (self.current.generation, self.current.workers);
        while self.roster.count(generation, Stage::fills_a_place) > wanted {
            let Some(oldest) = self.roster.oldest(generation, Stage::fills_a_place) else { return };
            let pid = oldest.pid;
            self.dismiss(pid, now + self.current.graceful_timeout);
        }
    }

    /// A worker that asked for a successor leaves when there is one, not before.
    pub(super) fn release_retired(&mut self, now: Moment) {
        let (generation, wanted) = (self.current.generation, self.current.workers);
        let serves = |stage| matches!(stage, Stage::Ready | Stage::Retiring);
        let is_retiring = |stage| stage == Stage::Retiring;
        while self.roster.count(generation, serves) > wanted {
            let Some(oldest) = self.roster.oldest(generation, is_retiring) else { return };
            let pid = oldest.pid;
            self.dismiss(pid, now + self.current.graceful_timeout);
        }
    }

    /// True when a worker of the current generation waits for its pause to end.
    pub(super) fn is_short_of_workers(&self) -> bool {
        let count = self.roster.count(self.current.generation, Stage::fills_a_place);
        !self.is_stopping() && count < self.current.workers
    }

    fn spawn_up_to(&mut self, generation: u64, wanted: usize) {
        let count = self.roster.count(generation, Stage::fills_a_place);
        for _ in count..wanted {
            let number = self.next_number;
            self.next_number += 1;
            self.out.push(Action::Spawn { number, generation });
        }
    }

    fn on_ready(&mut self, pid: Pid, now: Moment) {
        let Some(worker) = self.roster.by_pid(pid) else { return };
        worker.ready_at = Some(now);
        // One that was told to leave meanwhile stays on its way.
        let Stage::Booting { reopen } = worker.stage else { return };
        worker.stage = Stage::Ready;
        let is_current = worker.generation == self.current.generation;
        if reopen {
            self.send(pid, Signal::USR1);
        }
        if self.phase == Phase::Starting {
            self.phase = Phase::Serving;
            self.announce_ready();
        }
        if is_current {
            self.backoff.booted();
            self.last_failure = None;
        }
    }

    fn on_failed(&mut self, pid: Pid, failure: BootFailure, text: &str, now: Moment) {
        let Some(worker) = self.roster.by_pid(pid) else { return };
        match worker.stage {
            Stage::Booting { .. } => {}
            // It ends by itself; why, nobody else says.
            Stage::Ready | Stage::Retiring => {
                self.out.push(Action::LogLines(format!("Worker (pid:{pid}) leaves:\n{text}")));
                return;
            }
            _ => return,
        }
        worker.stage = Stage::Failed { kill_at: now + FAILED_GRACE };
        let worker = *worker;
        self.boot_failed(worker, failure, text, now);
    }

    fn boot_failed(&mut self, worker: Worker, failure: BootFailure, text: &str, now: Moment) {
        let what = format!("Worker (pid:{}) {}", worker.pid, failure.describe());
        if self.is_stopping() {
            return;
        }
        if self.is_incoming(worker) {
            self.abandon_incoming(&format!("{what}:\n{text}"), now);
            return;
        }
        if self.phase == Phase::Starting && self.incoming.is_none() {
            self.out.push(Action::LogLines(format!("{what}:\n{text}")));
            let code = failure.exit_code();
            self.log(LogLevel::Critical, format!("No worker can start: leaving with code {code}"));
            self.give_up(code, now);
            return;
        }
        self.backoff.boot_failed(now);
        let next_try = self.next_try(now);
        if self.last_failure.as_deref() == Some(text) {
            self.log(LogLevel::Error, format!("{what} again, as above. {next_try}"));
            return;
        }
        self.last_failure = Some(text.to_owned());
        self.out.push(Action::LogLines(format!("{what}. {next_try}\n{text}")));
    }

    fn died_at_boot(&mut self, worker: Worker, exit: Exit, now: Moment) {
        if self.is_stopping() {
            return;
        }
        let text = format!("{}; it was not ready yet", obituary(worker.pid, exit, None));
        if self.is_incoming(worker) {
            self.abandon_incoming(&text, now);
            return;
        }
        self.backoff.boot_failed(now);
        let text = format!("{text}. {}", self.next_try(now));
        self.log(LogLevel::Error, text);
    }

    /// True for a death that we have not asked for, of a kind that a stop of all processes causes.
    #[must_use]
    pub fn looks_like_a_stop(&self, death: &Event<'_>) -> bool {
        let &Event::Exited { pid, exit, .. } = death else { return false };
        let is_of_a_stop = match exit {
            Exit::Code(code) => code == 0,
            Exit::Signal { signal, .. } => signal.asks_to_leave(),
        };
        is_of_a_stop
            && self.roster.iter().any(|worker| worker.pid == pid && worker.stage.fills_a_place())
    }

    fn died(&mut self, worker: Worker, exit: Exit, deeds: &Deeds, now: Moment) {
        let text = obituary(worker.pid, exit, deeds.in_progress.as_deref());
        // One that has answered was ended by a request, or from outside: a client that repeats such a
        // request must not keep a reload from its end.
        if self.is_incoming(worker) && !deeds.has_answered {
            self.abandon_incoming(&text, now);
            return;
        }
        let lived = now - worker.ready_at.unwrap_or(now);
        self.backoff.died(lived, deeds.has_served(), self.current.workers, now);
        let text = format!("{text}. {}", self.next_try(now));
        self.log(LogLevel::Error, text);
    }

    /// It was asked to, or had said so itself.
    fn left(&mut self, worker: Worker, exit: Exit) {
        let was_ready = worker.ready_at.is_some();
        let is_expected = match exit {
            // One that was not ready yet may have failed at the same moment.
            Exit::Code(code) => code == 0 || !was_ready,
            // It has no handlers yet either: TERM, or Ctrl-C, ends it.
            Exit::Signal { signal, .. } => !was_ready && signal.asks_to_leave(),
        };
        if is_expected {
            self.log(LogLevel::Info, format!("Worker exited (pid: {})", worker.pid));
        } else {
            self.log(
                LogLevel::Warning,
                format!("{} while it was leaving", obituary(worker.pid, exit, None)),
            );
        }
    }

    fn log_end(&mut self, pid: Pid, exit: Exit) {
        self.log(LogLevel::Info, format!("Worker (pid:{pid}) {exit}"));
    }

    fn is_incoming(&self, worker: Worker) -> bool {
        self.incoming.is_some_and(|terms| terms.generation == worker.generation)
    }

    fn next_try(&self, now: Moment) -> String {
        match (self.backoff.not_before() - now).as_secs_f32() {
            0.0..0.5 => "A new one is starting.".to_owned(),
            seconds => format!("The next try is in {seconds:.0} s."),
        }
    }
}
