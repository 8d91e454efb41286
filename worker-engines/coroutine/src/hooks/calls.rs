//! How often hooks are called by green threads, for the inspection of a worker.

use std::sync::atomic::{AtomicU64, Ordering};

use super::TABLE;

/// The calls of one hook. Counting is an add and no locked instruction: mostly one green thread runs at a
/// time. Where one runs beside it on another carrier, a count may be lost.
pub(super) struct Calls {
    parkable: AtomicU64,
    held: AtomicU64,
}

impl Calls {
    pub(super) const fn new() -> Self {
        Self { parkable: AtomicU64::new(0), held: AtomicU64::new(0) }
    }

    /// A green thread called, which may park.
    pub(super) fn parkable(&self) {
        bump(&self.parkable);
    }

    /// A green thread (or, if not, somebody who does not count) called, which may not park.
    pub(super) fn held(&self, is_green: bool) {
        if is_green {
            bump(&self.held);
        }
    }

    /// A call of a hook that never parks.
    pub(super) fn count(&self, is_green: bool) {
        if is_green {
            bump(&self.parkable);
        }
    }
}

fn bump(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

/// The calls of one hook by green threads of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The function.
    pub name: &'static str,
    /// Calls that could let others run.
    pub parkable: u64,
    /// Calls that held the interpreter's lock: they blocked everybody for as long as they took.
    pub held: u64,
}

/// The hooks that were called so far.
pub fn counts() -> Vec<Count> {
    let hooks = TABLE.iter().flat_map(|hooks| hooks.iter());
    let counts = hooks.filter_map(|hook| {
        let calls = hook.calls?;
        let [parkable, held] = [&calls.parkable, &calls.held].map(|n| n.load(Ordering::Relaxed));
        (parkable + held > 0).then(|| Count {
            name: hook.name.to_str().unwrap_or_default(),
            parkable,
            held,
        })
    });
    counts.collect()
}
