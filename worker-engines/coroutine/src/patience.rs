//! When an overdue request is told so: not at once, because it may be giving something back.
//!
//! An exception in the middle of a pool's `putconn` costs the pool a place for good (psycopg2's and
//! psycopg's pools lost one in 300 to 1,000 overdue requests). What gives something back waits for
//! moments only: for a pool's own lock, for the answer to a rollback. So for a while after its
//! deadline, and after each long wait, a request is told only in a wait that lasts, or in a
//! computation that does. After that, which a loop of short waits reaches as well, at once.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// A wait, or a stretch of computing, that lasts.
const LONG: Duration = Duration::from_millis(250);
/// Time to give back what it has.
const CLEAN_UP: Duration = Duration::from_secs(2);

/// What is known of an overdue request. Cells, because it belongs to one green thread.
#[derive(Default)]
pub struct Patience {
    // Until then only what lasts is ended.
    until: Cell<Option<Instant>>,
    // Until then nothing is: its connection was broken off, and its driver will say so.
    spared_until: Cell<Option<Instant>>,
    // Its last call that may have waited; none since its deadline.
    called: Cell<Option<Instant>>,
}

impl Patience {
    /// Its deadline has passed `now`.
    pub fn begin(&self, now: Instant) {
        self.until.set(Some(now + CLEAN_UP));
        self.spared_until.set(None);
        self.called.set(None);
    }

    /// It begins a call that may wait.
    pub fn called(&self, now: Instant) {
        self.called.set(Some(now));
    }

    /// A wait is over that began at `since`.
    pub fn waited(&self, since: Instant, now: Instant) {
        if now.saturating_duration_since(since) >= LONG {
            self.until.set(Some(now + CLEAN_UP));
        }
    }

    /// The connection that it waits for was broken off.
    pub fn broke_off(&self, now: Instant) {
        self.spared_until.set(Some(now + CLEAN_UP));
    }

    /// Whether it is told at its next wait, however short that may be.
    pub fn is_over(&self, now: Instant) -> bool {
        self.until.get().is_none_or(|until| now >= until) && !self.is_spared(now)
    }

    /// Whether a wait that began at `since` is ended.
    pub fn ends_wait(&self, since: Instant, now: Instant) -> bool {
        let lasts = now.saturating_duration_since(since) >= LONG;
        !self.is_spared(now) && (lasts || self.is_over(now))
    }

    /// Whether it is told although it does not wait.
    pub fn ends_computation(&self, now: Instant) -> bool {
        let lasts = self.called.get().is_none_or(|at| now.saturating_duration_since(at) >= LONG);
        lasts && !self.is_spared(now)
    }

    fn is_spared(&self, now: Instant) -> bool {
        self.spared_until.get().is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overdue() -> (Patience, Instant) {
        let (patience, now) = (Patience::default(), Instant::now());
        patience.begin(now);
        (patience, now)
    }

    #[test]
    fn only_what_lasts_is_ended_at_first() {
        let (patience, now) = overdue();
        assert!(patience.ends_wait(now - LONG, now) && patience.ends_computation(now));
        assert!(!patience.ends_wait(now - LONG / 2, now) && !patience.is_over(now));
        patience.called(now);
        assert!(!patience.ends_computation(now + LONG / 2));
        assert!(patience.ends_computation(now + LONG));
    }

    #[test]
    fn short_waits_are_ended_after_a_while_of_nothing_else() {
        let (patience, now) = overdue();
        patience.waited(now, now + LONG / 2);
        assert!(!patience.is_over(now + CLEAN_UP / 2) && patience.is_over(now + CLEAN_UP));
        let later = now + 3 * CLEAN_UP;
        patience.waited(now, later);
        assert!(!patience.is_over(later) && patience.is_over(later + CLEAN_UP));
    }

    #[test]
    fn nothing_is_ended_while_the_driver_gives_a_broken_connection_back() {
        let (patience, now) = overdue();
        patience.broke_off(now);
        assert!(!patience.ends_wait(now - LONG, now) && !patience.ends_computation(now));
        let later = now + CLEAN_UP;
        assert!(patience.ends_wait(now, later) && patience.ends_computation(later));
    }
}
