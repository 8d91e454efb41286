//! What can happen to a supervisor.

use unicoro_sys::clock::Moment;
use unicoro_sys::process::{Exit, Pid};
use unicoro_sys::signal::Signal;

use super::terms::Terms;
use crate::supervisor::error::SupervisorError;
use crate::supervisor::workers::report::Report;

/// One thing that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// The listeners are open.
    Start,
    /// The loop has turned; what the slots say.
    Tick(&'a [Beat]),
    /// Somebody sent us a signal (CHLD is not passed on).
    Signal(Signal),
    /// A worker was forked, as asked for.
    Spawned {
        /// The number that the plan gave the worker.
        number: u64,
        /// The generation that the worker belongs to.
        generation: u64,
        /// The process that the worker is.
        pid: Pid,
    },
    /// A worker could not be forked.
    SpawnFailed {
        /// The system's reason.
        reason: String,
    },
    /// A worker said something.
    Report {
        /// Which worker.
        pid: Pid,
        /// What it said.
        report: Report,
    },
    /// A child has ended. What it reported before must have been passed on already.
    Exited {
        /// Which child.
        pid: Pid,
        /// How the child ended.
        exit: Exit,
        /// What it left in its slot.
        deeds: Deeds,
    },
    /// The settings were read again and the addresses bound; or why not.
    Reloaded(Result<Terms, SupervisorError>),
}

/// What a worker has done, as its slot tells after its end.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Deeds {
    /// Whether it has answered a request.
    pub has_answered: bool,
    /// The requests that it was at.
    pub in_progress: Option<String>,
}

impl Deeds {
    /// Whether it could serve: it has answered a request, or was at one.
    #[must_use]
    pub fn has_served(&self) -> bool {
        self.has_answered || self.in_progress.is_some()
    }
}

/// What one worker's slot says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Beat {
    /// Which worker.
    pub pid: Pid,
    /// Its last heartbeat.
    pub at: Moment,
    /// Whether it wants a successor.
    pub is_retiring: bool,
}
