//! Levels of records: gunicorn's, those of the `log` facade, Python's and syslog's.
//!
//! Two targets have a meaning: [`CRITICAL`] raises the level that is printed, and [`TRACEBACK`]
//! lets a record have several lines.

use log::{Level, Record};

use super::syslog::Severity;

/// Logs a record one step above `error`: the server, or a worker, cannot go on.
#[macro_export]
macro_rules! critical {
    ($($arg:tt)+) => {
        ::log::error!(target: $crate::logging::CRITICAL, $($arg)+)
    };
}

/// Target of records at level `critical`, which the facade does not have.
pub const CRITICAL: &str = "critical";

/// Target of records that keep their line ends, such as a Python traceback.
pub const TRACEBACK: &str = "traceback";

/// gunicorn's levels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What a user expects to see.
    Info,
    /// What may go wrong.
    Warning,
    /// What went wrong.
    Error,
    /// Only what ends a worker or the server.
    Critical,
}

/// As Python's logging numbers levels.
pub fn number(record: &Record<'_>) -> u32 {
    match record.level() {
        Level::Error if record.target() == CRITICAL => 50,
        Level::Error => 40,
        Level::Warn => 30,
        Level::Info => 20,
        Level::Debug | Level::Trace => 10,
    }
}

/// The severity of a level as Python's logging numbers them.
#[must_use]
pub fn severity(level: u32) -> Severity {
    match level {
        50.. => Severity::Critical,
        40.. => Severity::Error,
        30.. => Severity::Warning,
        20.. => Severity::Info,
        _ => Severity::Debug,
    }
}

/// As the error log names it.
pub fn label(level: Level, target: &str) -> &'static str {
    match level {
        Level::Error if target == CRITICAL => "CRITICAL",
        Level::Error => "ERROR",
        Level::Warn => "WARNING",
        Level::Info => "INFO",
        Level::Debug | Level::Trace => "DEBUG",
    }
}
