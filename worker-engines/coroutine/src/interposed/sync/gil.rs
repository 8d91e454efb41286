//! Where the interpreter lock's own mutexes and condition variables lie: its waits are points of
//! preemption (`condvar`), and everything else that is done about locks is not done to it, because
//! each switch of requests takes and gives it.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

static START: AtomicUsize = AtomicUsize::new(0);
static LEN: AtomicUsize = AtomicUsize::new(0);

/// From now on these addresses are the interpreter lock's.
pub fn set_preemption_points(addresses: &Range<usize>) {
    START.store(addresses.start, Ordering::Relaxed);
    LEN.store(addresses.len(), Ordering::Relaxed);
}

// The lowest mutex among them. CPython locks it to take the lock and to give it, each time before the
// other one, by which a loser waits for the next holder.
static MUTEX: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Learns of a mutex among them; whether it is that by which the interpreter lock is taken and given.
pub fn learn_door(mutex: usize) -> bool {
    let lowest = MUTEX.load(Ordering::Relaxed);
    if mutex < lowest {
        MUTEX.fetch_min(mutex, Ordering::Relaxed);
    }
    mutex <= lowest
}

/// Whether this condition variable, one of the interpreter lock's, is that by which a loser waits for the
/// next holder. It lies behind the door, and the other one before it.
pub fn is_of_losers(condition: usize) -> bool {
    condition > MUTEX.load(Ordering::Relaxed)
}

/// Whether `address` is part of the interpreter lock.
#[inline]
pub fn contains(address: usize) -> bool {
    address.wrapping_sub(START.load(Ordering::Relaxed)) < LEN.load(Ordering::Relaxed)
}
