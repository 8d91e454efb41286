//! How long to wait before another worker is started.
//!
//! A worker that dies before it is ready would die again: 1, 2, 4 ... 30 seconds. So would whole crews
//! that die right after they were ready, before a request has come to them. Any other is replaced at
//! once: one client that repeats a request that crashes must not shut all others out.
// gunicorn: starts them again and again without a pause.

use std::time::Duration;

use unicoro_sys::clock::Moment;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);
/// A worker that was ready for less than this died young.
const YOUNG: Duration = Duration::from_secs(1);
/// So many whole crews may die young in a row before there is a pause: an operator, or a test,
/// that kills every worker once or twice gets them back at once.
const YOUNG_CREWS: usize = 3;
/// The least time between two starts: a crew that crashes at every request must not spend its whole life on booting.
/// Short enough that a client does not notice.
const FLOOR: Duration = Duration::from_millis(100);

#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    young_deaths: usize,
    last_start: Moment,
    not_before: Moment,
}

impl Backoff {
    /// A worker died before it was ready. Those of a crew that die together count once.
    pub(super) fn boot_failed(&mut self, now: Moment) {
        if now < self.not_before {
            return;
        }
        let pause = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures += 1;
        self.not_before = now + pause;
    }

    /// A worker is ready: the cause of former failures is gone.
    pub(super) fn booted(&mut self) {
        if self.young_deaths == 0 {
            self.reset();
        }
    }

    /// A worker is started.
    pub(super) fn started(&mut self, now: Moment) {
        self.last_start = now;
    }

    /// A worker that was ready for `lived` has died; `crew` is how many there should be.
    pub(super) fn died(&mut self, lived: Duration, has_served: bool, crew: usize, now: Moment) {
        if has_served || lived >= YOUNG {
            self.reset();
            self.not_before = self.last_start + FLOOR;
            return;
        }
        self.young_deaths += 1;
        if self.young_deaths > crew.saturating_mul(YOUNG_CREWS) {
            self.boot_failed(now);
        }
    }

    /// Forgets all deaths: another app is tried.
    pub(super) fn reset(&mut self) {
        *self = Backoff { last_start: self.last_start, ..Backoff::default() };
    }

    /// When the next worker may be started.
    pub(super) fn not_before(&self) -> Moment {
        self.not_before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(10);

    fn pause_after(backoff: &Backoff, now: Moment) -> u64 {
        (backoff.not_before() - now).as_secs()
    }

    #[test]
    fn pauses_double_up_to_thirty_seconds() {
        let mut backoff = Backoff::default();
        let mut now = Moment::from_millis(1000);
        let mut pauses = Vec::new();
        for _ in 0..7 {
            backoff.boot_failed(now);
            pauses.push(pause_after(&backoff, now));
            now = backoff.not_before();
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        backoff.booted();
        assert!(backoff.not_before() <= now);
    }

    #[test]
    fn a_crew_that_dies_together_counts_once() {
        let mut backoff = Backoff::default();
        let now = Moment::from_millis(1000);
        for _ in 0..8 {
            backoff.boot_failed(now);
        }
        assert_eq!(pause_after(&backoff, now), 1);
    }

    #[test]
    fn only_whole_crews_that_die_young_without_a_request_bring_a_pause() {
        let mut backoff = Backoff::default();
        let now = Moment::from_millis(1000);
        for _ in 0..6 {
            backoff.died(SOON, false, 2, now);
            backoff.booted();
        }
        assert!(backoff.not_before() <= now);
        backoff.died(SOON, false, 2, now);
        backoff.booted();
        assert_eq!(pause_after(&backoff, now), 1);
        backoff.died(Duration::from_secs(5), false, 2, now);
        assert!(backoff.not_before() <= now);
    }

    #[test]
    fn workers_that_have_served_are_replaced_at_once_but_not_without_end() {
        let mut backoff = Backoff::default();
        let mut now = Moment::from_millis(1000);
        for _ in 0..50 {
            now = now + Duration::from_millis(300);
            backoff.died(SOON, true, 2, now);
            assert!(backoff.not_before() <= now);
            backoff.started(now);
            backoff.booted();
        }
        backoff.died(SOON, true, 2, now);
        assert_eq!(backoff.not_before() - now, FLOOR);
    }
}
