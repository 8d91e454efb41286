//! What statsd hears from the master: how many workers there are, and how long the queues.

use std::time::Duration;

use unicoro_sys::clock::Moment;

use super::generation::Generation;
use crate::metrics::statsd;

/// How often the queues are measured, as gunicorn does it.
const INTERVAL: Duration = Duration::from_secs(1);

/// What was said last.
#[derive(Debug)]
pub struct Figures {
    workers: Option<usize>,
    next_backlog: Moment,
}

impl Figures {
    pub fn new(now: Moment) -> Figures {
        Figures { workers: None, next_backlog: now }
    }

    /// At each turn of the loop. The longest that the loop may sleep; `None`: as long as it likes.
    pub fn tell(
        &mut self,
        workers: usize,
        generations: &[Generation],
        now: Moment,
    ) -> Option<Duration> {
        let statsd = statsd()?;
        if self.workers != Some(workers) {
            self.workers = Some(workers);
            statsd.workers(workers);
        }
        let newest = generations.last().filter(|newest| newest.options.has_backlog_metric)?;
        if self.next_backlog <= now {
            self.next_backlog = now + INTERVAL;
            statsd.backlog(newest.listeners.iter().filter_map(|listener| listener.backlog()).sum());
        }
        Some(self.next_backlog - now)
    }
}
