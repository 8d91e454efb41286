//! Deadlines, in order. Pure: the reactor passes in what time it is.

use std::collections::BTreeMap;
use std::time::Instant;

/// Names a deadline, to take it back.
pub type TimerKey = (Instant, u64);

/// Deadlines and what each is for.
pub struct Timers<T> {
    queue: BTreeMap<TimerKey, T>,
    next: u64,
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Self { queue: BTreeMap::new(), next: 0 }
    }
}

impl<T> Timers<T> {
    /// Adds a deadline; those of one instant keep their order.
    pub fn insert(&mut self, at: Instant, target: T) -> TimerKey {
        self.next += 1;
        let key = (at, self.next);
        self.queue.insert(key, target);
        key
    }

    /// Takes one back; nothing happens if it has fired.
    pub fn remove(&mut self, key: TimerKey) {
        self.queue.remove(&key);
    }

    /// The earliest.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes out the first that has passed.
    pub fn pop_expired(&mut self, now: Instant) -> Option<T> {
        let first = self.queue.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn deadlines_fire_in_order_and_not_early() {
        let start = Instant::now();
        let mut timers = Timers::default();
        timers.insert(start + Duration::from_secs(2), "second");
        timers.insert(start + Duration::from_secs(1), "first");
        timers.insert(start + Duration::from_secs(1), "also first");
        assert_eq!(timers.pop_expired(start), None);
        let later = start + Duration::from_secs(1);
        assert_eq!(timers.pop_expired(later), Some("first"));
        assert_eq!(timers.pop_expired(later), Some("also first"));
        assert_eq!(timers.pop_expired(later), None);
        assert_eq!(timers.next_deadline(), Some(start + Duration::from_secs(2)));
    }

    #[test]
    fn a_deadline_taken_back_never_fires() {
        let start = Instant::now();
        let mut timers = Timers::default();
        let key = timers.insert(start, ());
        timers.remove(key);
        assert_eq!(timers.pop_expired(start), None);
    }
}
