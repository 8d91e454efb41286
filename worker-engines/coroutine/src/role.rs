//! Who turns the engine: one OS thread at a time has the scheduler's role, and with it all of the
//! engine's state, which therefore needs no locks.
//!
//! The role is handed on only while the green thread that runs is outside the engine, in the
//! application's code. It finds that out when it comes in again.
//!
//! ```text
//!   word = number of the run * 2 + is outside
//!
//!   inside  ── leave ─►  outside  ── enter ─► inside        the green thread that runs
//!                           │
//!                           └─ take ─► inside, another run  another OS thread, which goes on
//! ```
//!
//! A run is a stretch in which one coroutine has the processor. Numbers never come back, so who lost
//! the role long ago does not mistake another's run for its own.

use std::sync::atomic::{AtomicU64, Ordering};

static WORD: AtomicU64 = AtomicU64::new(0);
const OUTSIDE: u64 = 1;

/// How one comes into the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// From outside.
    Entered,
    /// It was inside already.
    Nested,
    /// Another OS thread has the role.
    Lost,
}

/// Another coroutine runs from now on, inside the engine: the number of its run. By who has the role.
pub fn begin() -> u64 {
    let run = WORD.load(Ordering::Relaxed) / 2 + 1;
    WORD.store(run * 2, Ordering::Release);
    run
}

/// The coroutine of this run leaves the engine for the application's code.
pub fn leave(run: u64) {
    WORD.store(run * 2 + OUTSIDE, Ordering::Release);
}

/// The coroutine of this run comes in.
pub fn enter(run: u64) -> Entry {
    let (outside, inside) = (run * 2 + OUTSIDE, run * 2);
    match WORD.compare_exchange(outside, inside, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Entry::Entered,
        Err(word) if word == inside => Entry::Nested,
        Err(_) => Entry::Lost,
    }
}

/// Whether another OS thread has the role that the coroutine of this run had.
pub fn is_lost(run: u64) -> bool {
    WORD.load(Ordering::Relaxed) / 2 != run
}

/// The run that is outside the engine now; `None`: whoever runs is inside. From any thread.
pub fn outside() -> Option<u64> {
    let word = WORD.load(Ordering::Relaxed);
    (word & OUTSIDE != 0).then_some(word / 2)
}

/// Takes the role from the coroutine of this run, if it is still outside. From any thread, on behalf of
/// the one that goes on.
pub fn take(run: u64) -> bool {
    let (outside, next) = (run * 2 + OUTSIDE, (run + 1) * 2);
    WORD.compare_exchange(outside, next, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_is_lost_only_outside_and_for_good() {
        let run = begin();
        assert_eq!((outside(), take(run), enter(run)), (None, false, Entry::Nested));
        leave(run);
        assert_eq!(outside(), Some(run));
        assert_eq!(enter(run), Entry::Entered);
        leave(run);
        assert!(!is_lost(run));
        assert!(take(run) && !take(run) && is_lost(run));
        assert_eq!((enter(run), outside()), (Entry::Lost, None));
        let next = begin();
        assert!(next > run + 1);
        assert_eq!(enter(run), Entry::Lost);
    }
}
