//! What one generation of workers lives by.

use std::time::Duration;

/// A generation's number, and what the plan needs to know of its settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    /// Counts from 1.
    pub generation: u64,
    /// How many workers there should be.
    pub workers: usize,
    /// The age of a heartbeat that is too old.
    pub timeout: Option<Duration>,
    /// From TERM to KILL.
    pub graceful_timeout: Duration,
}
