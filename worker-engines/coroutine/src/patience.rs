//! When an overdue request is told so: not at once, because it may be giving something back.
//!
//! An exception in the middle of a pool's `putconn` costs the pool a place for good (psycopg2's and
//! psycopg's pools lost one in 300 to 1,000 overdue requests). What gives something back waits for
//! moments only: for a pool's own lock, for the answer to a rollback. So for a while after its
//! deadline, and after each long wait, a request is told only in a wait that lasts, or in a
//! computation that does. After that, which a loop of short waits reaches as well, at once.
//!
//! Time alone does not tell what lasts: where many compute, or other processes have the processors, the
//! wait for a lock that somebody has for a microsecond lasts until he has his turn. So the worker must
//! have been at rest behind that time: all green threads waited, and this wait was not over. A worker that
//! never rests is allowed more time instead.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// A wait, or a stretch of computing, that lasts.
const LONG: Duration = Duration::from_millis(250);
/// The same where the worker has not been at rest.
const LONG_IN_A_CROWD: Duration = Duration::from_secs(2);
/// Time to give back what it has.
const CLEAN_UP: Duration = Duration::from_secs(2);
/// The same where the worker has not been at rest.
const CLEAN_UP_IN_A_CROWD: Duration = Duration::from_secs(8);
/// Times that a stretch of computing that lasts has given the interpreter lock up.
const TURNS: u32 = 4;

/// Whether so much of time has passed since then, seen at `now` in a worker that was at rest last `rested`.
fn has_passed(
    since: Instant,
    now: Instant,
    rested: Instant,
    [time, in_a_crowd]: [Duration; 2],
) -> bool {
    rested >= since + time || now >= since + in_a_crowd
}

/// What is known of an overdue request. Cells, because it belongs to one green thread.
#[derive(Default)]
pub struct Patience {
    // Since then it cleans up, and only what lasts is ended.
    cleans_up: Cell<Option<Instant>>,
    // Until then nothing is: its connection was broken off, and its driver will say so.
    spared_until: Cell<Option<Instant>>,
    // Its last call that may have waited; none since its deadline.
    called: Cell<Option<Instant>>,
}

impl Patience {
    /// Its deadline has passed `now`.
    pub fn begin(&self, now: Instant) {
        self.cleans_up.set(Some(now));
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
            self.cleans_up.set(Some(now));
        }
    }

    /// The connection that it waits for was broken off.
    pub fn broke_off(&self, now: Instant) {
        self.spared_until.set(Some(now + CLEAN_UP));
    }

    /// Whether it is told at its next wait, however short that may be.
    pub fn is_over(&self, now: Instant, rested: Instant) -> bool {
        let times = [CLEAN_UP, CLEAN_UP_IN_A_CROWD];
        let since = self.cleans_up.get();
        since.is_none_or(|since| has_passed(since, now, rested, times)) && !self.is_spared(now)
    }

    /// Whether a wait that began at `since` is ended.
    pub fn ends_wait(&self, since: Instant, now: Instant, rested: Instant) -> bool {
        let lasts = has_passed(since, now, rested, [LONG, LONG_IN_A_CROWD]);
        !self.is_spared(now) && (lasts || self.is_over(now, rested))
    }

    /// Whether it is told although it does not wait, having given the interpreter lock up so many times
    /// since its last call.
    pub fn ends_computation(&self, now: Instant, turns: u32) -> bool {
        let is_old = |at| now.saturating_duration_since(at) >= LONG;
        turns >= TURNS && self.called.get().is_none_or(is_old) && !self.is_spared(now)
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
        assert!(patience.ends_wait(now - LONG, now, now) && patience.ends_computation(now, TURNS));
        assert!(!patience.ends_wait(now - LONG / 2, now, now) && !patience.is_over(now, now));
        patience.called(now);
        assert!(!patience.ends_computation(now + LONG / 2, TURNS));
        assert!(!patience.ends_computation(now + LONG, TURNS - 1));
        assert!(patience.ends_computation(now + LONG, TURNS));
    }

    #[test]
    fn a_wait_of_a_worker_that_never_rests_lasts_longer() {
        let (patience, now) = overdue();
        let later = now + LONG_IN_A_CROWD;
        assert!(!patience.ends_wait(now, now + LONG, now) && patience.ends_wait(now, later, now));
        assert!(!patience.is_over(now + CLEAN_UP, now));
        assert!(patience.is_over(now + CLEAN_UP_IN_A_CROWD, now));
    }

    #[test]
    fn short_waits_are_ended_after_a_while_of_nothing_else() {
        let (patience, now) = overdue();
        let is_over = |at| patience.is_over(at, at);
        patience.waited(now, now + LONG / 2);
        assert!(!is_over(now + CLEAN_UP / 2) && is_over(now + CLEAN_UP));
        let later = now + 3 * CLEAN_UP;
        patience.waited(now, later);
        assert!(!is_over(later) && is_over(later + CLEAN_UP));
    }

    #[test]
    fn nothing_is_ended_while_the_driver_gives_a_broken_connection_back() {
        let (patience, now) = overdue();
        patience.broke_off(now);
        assert!(!patience.ends_wait(now - LONG, now, now));
        assert!(!patience.ends_computation(now, TURNS));
        let later = now + CLEAN_UP;
        assert!(patience.ends_wait(now, later, later) && patience.ends_computation(later, TURNS));
    }
}
