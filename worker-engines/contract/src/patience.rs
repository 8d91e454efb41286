//! How long a client was waited for without making progress, and whether it was given up.
//!
//! Kept by the stream, because both who waits and who decides know it, maybe on two threads. Touched
//! only around a wait, never on a path without one.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::room::PROGRESS;

#[derive(Default)]
pub(crate) struct Patience(Mutex<State>);

#[derive(Default)]
struct State {
    // The wait that is going on.
    since: Option<Instant>,
    // All waits since the client has made progress, and what it had moved then.
    spent: Duration,
    moved: u64,
    is_evicted: bool,
}

impl Patience {
    /// A wait begins `now`; the client has moved that many bytes so far. False: it was given up.
    pub(crate) fn begin(&self, now: Instant, moved: u64) -> bool {
        let mut state = self.lock();
        state.since = Some(now);
        state.note(now, moved);
        !state.is_evicted
    }

    /// The wait has ended `now`. False: the client was given up.
    pub(crate) fn end(&self, now: Instant) -> bool {
        let mut state = self.lock();
        if let Some(since) = state.since.take() {
            state.spent += now.saturating_duration_since(since);
        }
        !state.is_evicted
    }

    /// How long it has been waited for; `None` when nobody waits for it right now.
    pub(crate) fn spent(&self, now: Instant, moved: u64) -> Option<Duration> {
        let mut state = self.lock();
        state.note(now, moved);
        let since = state.since.filter(|_| !state.is_evicted)?;
        Some(state.spent + now.saturating_duration_since(since))
    }

    /// Gives it up.
    pub(crate) fn evict(&self) {
        self.lock().is_evicted = true;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can panic halfway.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The client has moved that many bytes so far: with enough of them its waits begin anew. In the
    /// middle of a wait too, for room to send comes in lumps.
    fn note(&mut self, now: Instant, moved: u64) {
        if moved.saturating_sub(self.moved) >= PROGRESS {
            self.moved = moved;
            self.spent = Duration::ZERO;
            self.since = self.since.map(|_| now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn waits_add_up_until_the_client_makes_progress() {
        let patience = Patience::default();
        let start = Instant::now();
        assert_eq!(patience.spent(start, 0), None);
        assert!(patience.begin(start, 10) && patience.end(start + SECOND));
        assert_eq!(patience.spent(start + SECOND, 10), None);
        // The time between two waits is the application's.
        patience.begin(start + 5 * SECOND, PROGRESS - 1);
        assert_eq!(patience.spent(start + 6 * SECOND, PROGRESS - 1), Some(2 * SECOND));
        patience.end(start + 6 * SECOND);
        patience.begin(start + 6 * SECOND, PROGRESS);
        assert_eq!(patience.spent(start + 7 * SECOND, PROGRESS), Some(SECOND));
        // Progress in the middle of a wait.
        assert_eq!(patience.spent(start + 8 * SECOND, 2 * PROGRESS), Some(Duration::ZERO));
        assert_eq!(patience.spent(start + 9 * SECOND, 2 * PROGRESS), Some(SECOND));
    }

    #[test]
    fn a_client_given_up_is_waited_for_no_more() {
        let patience = Patience::default();
        let start = Instant::now();
        patience.begin(start, 0);
        patience.evict();
        assert_eq!(patience.spent(start + SECOND, 0), None);
        assert!(!patience.end(start) && !patience.begin(start, 0));
    }
}
