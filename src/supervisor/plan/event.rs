//! What can happen to a supervisor.

use super::Terms;
use crate::supervisor::report::Report;
use crate::sys::clock::Moment;
use crate::sys::process::{Exit, Pid};
use crate::sys::signal::Signal;

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
        /// Its number.
        number: u64,
        /// Its generation.
        generation: u64,
        /// Its process.
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
        /// How.
        death: Death,
    },
    /// The settings were read again and the addresses bound; or why not.
    Reloaded(Result<Terms, String>),
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

/// How a worker has ended, and what is known of its life.
#[derive(Debug)]
pub struct Death {
    /// What wait(2) says.
    pub exit: Exit,
    /// The request that it left in its slot.
    pub request: Option<String>,
    /// It has answered a request, or another worker has that lives: the application works.
    pub answered: bool,
}
