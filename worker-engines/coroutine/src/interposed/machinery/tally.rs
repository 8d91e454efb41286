//! How often an interposed function is called by green threads.

use std::sync::atomic::{AtomicU64, Ordering};

/// The calls of one function. Counting is an add and no locked instruction: mostly one green thread
/// runs at a time. Where one runs beside it on another carrier, a count may be lost.
pub struct Tally {
    parkable: AtomicU64,
    held: AtomicU64,
}

impl Tally {
    pub const fn new() -> Self {
        Self { parkable: AtomicU64::new(0), held: AtomicU64::new(0) }
    }

    /// A green thread called, which may park.
    pub fn parkable(&self) {
        bump(&self.parkable);
    }

    /// A green thread (or, if not, somebody who does not count) called, which may not park.
    pub fn held(&self, is_green: bool) {
        if is_green {
            bump(&self.held);
        }
    }

    /// How many there were of those that may park, and of those that may not.
    pub fn both(&self) -> [u64; 2] {
        [&self.parkable, &self.held].map(|calls| calls.load(Ordering::Relaxed))
    }

    /// A call of one that never parks.
    pub fn count(&self, is_green: bool) {
        if is_green {
            bump(&self.parkable);
        }
    }
}

fn bump(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}
