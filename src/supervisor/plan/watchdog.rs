//! Which workers hang.
//!
//! A heartbeat that is too old proves nothing when we were asleep ourselves (a suspended laptop,
//! a frozen container, a stopped process group): the workers slept as well. Before anyone is
//! killed we look at our own clock; after a gap each worker has the whole timeout again.

use std::time::Duration;

use unicoro_sys::clock::Moment;
use unicoro_sys::process::Pid;

/// Heartbeats are looked at this often at most, and half the timeout at least.
const LONGEST_LOOK: Duration = Duration::from_secs(1);
/// A loop late by this much counts as suspended.
const SLACK: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Watchdog {
    last_look: Moment,
    /// No heartbeat counts as older than this.
    pardon: Moment,
}

impl Watchdog {
    pub(super) fn new(now: Moment) -> Watchdog {
        Watchdog { last_look: now, pardon: now }
    }

    /// Must be called at each turn of the loop, before any [`age`](Watchdog::age).
    pub(super) fn look(&mut self, now: Moment, timeout: Option<Duration>) {
        let gap = now - self.last_look;
        self.last_look = now;
        if timeout.is_none_or(|timeout| gap > interval(timeout) + SLACK) {
            self.pardon = now;
        }
    }

    /// How old a heartbeat is, as far as it may be held against the worker.
    pub(super) fn age(&self, beat: Moment, now: Moment) -> Duration {
        now - beat.max(self.pardon)
    }
}

/// How often heartbeats have to be looked at.
pub(super) fn interval(timeout: Duration) -> Duration {
    (timeout / 2).clamp(Duration::from_millis(10), LONGEST_LOOK)
}

/// The line in the log before a worker that hangs is killed. `in_progress` is what it left
/// in its slot.
#[must_use]
pub fn timeout_message(pid: Pid, age: Duration, in_progress: Option<&str>) -> String {
    let seconds = age.as_secs_f32();
    let doing = match in_progress {
        Some(requests) => format!("at {requests}"),
        None => "and left no request line".to_owned(),
    };
    format!(
        "WORKER TIMEOUT (pid:{pid}): no heartbeat for {seconds:.1} s, {doing}. It gets SIGABRT, \
         then SIGKILL. --timeout sets the limit."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(4);

    #[test]
    fn a_beat_ages_while_we_look_on() {
        let mut now = Moment::from_millis(10_000);
        let beat = now;
        let mut watchdog = Watchdog::new(now);
        for _ in 0..5 {
            now = now + Duration::from_secs(1);
            watchdog.look(now, Some(TIMEOUT));
        }
        assert_eq!(watchdog.age(beat, now), Duration::from_secs(5));
    }

    #[test]
    fn after_a_suspension_everybody_has_the_whole_timeout_again() {
        let mut now = Moment::from_millis(10_000);
        let beat = now;
        let mut watchdog = Watchdog::new(now);
        now = now + Duration::from_secs(3600);
        watchdog.look(now, Some(TIMEOUT));
        assert_eq!(watchdog.age(beat, now), Duration::ZERO);
        now = now + Duration::from_secs(1);
        watchdog.look(now, Some(TIMEOUT));
        assert_eq!(watchdog.age(beat, now), Duration::from_secs(1));
    }

    #[test]
    fn the_message_names_worker_age_and_request() {
        let message =
            timeout_message(Pid::me(), Duration::from_millis(4250), Some("the request GET /a"));
        assert!(message.starts_with(&format!("WORKER TIMEOUT (pid:{})", Pid::me())));
        assert!(message.contains("4.2 s") && message.contains("the request GET /a."), "{message}");
    }
}
