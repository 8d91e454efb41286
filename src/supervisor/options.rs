//! The settings that the supervisor itself needs, filled from the resolved ones by `main`.

use std::path::PathBuf;
use std::time::Duration;

use super::inheritance::Inheritance;
use super::plan::Terms;
use crate::listening::address::Address;
use crate::listening::listener::BindOptions;

/// What to supervise, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many workers, from 1 to [`MAX_WORKERS`](crate::config::MAX_WORKERS).
    pub workers: usize,
    /// A worker whose heartbeat is older than this is killed; `None`: never.
    pub timeout: Option<Duration>,
    /// How long workers may finish what they have begun when they are told to stop.
    pub graceful_timeout: Duration,
    /// Where to write the master's process id.
    pub pidfile: Option<PathBuf>,
    /// Where to listen.
    pub binds: Vec<Address>,
    /// How to bind.
    pub bind_options: BindOptions,
    /// The engine's name, for the log.
    pub worker_class: String,
    /// What the workers run on, for the log.
    pub interpreter: String,
    /// Whether statsd hears of the listen queues.
    pub has_backlog_metric: bool,
    /// What the process was started with.
    pub inheritance: Inheritance,
    /// Whether the master runs in the background: only then WINCH stops the workers.
    pub daemon: bool,
}

impl Default for Options {
    /// gunicorn's defaults, with nothing to listen on.
    fn default() -> Options {
        Options {
            workers: 1,
            timeout: Some(Duration::from_secs(30)),
            graceful_timeout: Duration::from_secs(30),
            pidfile: None,
            binds: Vec::new(),
            bind_options: BindOptions::default(),
            worker_class: "sync".to_owned(),
            interpreter: "no interpreter".to_owned(),
            has_backlog_metric: false,
            inheritance: Inheritance::default(),
            daemon: false,
        }
    }
}

impl Options {
    /// What the plan needs to know of them.
    pub(super) fn terms(&self, generation: u64) -> Terms {
        Terms {
            generation,
            workers: self.workers,
            timeout: self.timeout.filter(|timeout| !timeout.is_zero()),
            graceful_timeout: self.graceful_timeout,
        }
    }
}
