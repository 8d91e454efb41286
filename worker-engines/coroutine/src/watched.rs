//! Which descriptors green threads wait for, as every OS thread may ask: `close` does, on each.
//!
//! A close on another OS thread only leaves a mark and rings the bell; the reactor then asks epoll,
//! which knows files and not only numbers, whether each marked descriptor is still the same file.
//! No close is lost: a waiter marks its descriptor before it arms epoll, a closer closes before it
//! looks at the mark, all in one order (`SeqCst`).

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::bell;

/// Descriptors with a bit of their own; those above share one count.
const EXACT: usize = 64 * WORDS;
const WORDS: usize = 1024;

static BITS: [AtomicU64; WORDS] = [const { AtomicU64::new(0) }; WORDS];
static ABOVE: AtomicUsize = AtomicUsize::new(0);
/// A bit for each group of descriptors of which another OS thread has closed one.
static CLOSED: AtomicU64 = AtomicU64::new(0);

/// The first green thread waits for `fd`. On the scheduler's thread, as [`remove`].
pub fn add(fd: RawFd) {
    match place(fd) {
        Some((word, bit)) => drop(BITS[word].fetch_or(bit, Ordering::SeqCst)),
        None => drop(ABOVE.fetch_add(1, Ordering::SeqCst)),
    }
}

/// Nobody waits for `fd` any more.
pub fn remove(fd: RawFd) {
    match place(fd) {
        Some((word, bit)) => drop(BITS[word].fetch_and(!bit, Ordering::SeqCst)),
        None => drop(ABOVE.fetch_sub(1, Ordering::SeqCst)),
    }
}

/// Whether somebody (for very high numbers: perhaps) waits for `fd`. Async-signal-safe.
pub fn contains(fd: RawFd) -> bool {
    match place(fd) {
        Some((word, bit)) => BITS[word].load(Ordering::SeqCst) & bit != 0,
        None => ABOVE.load(Ordering::SeqCst) != 0,
    }
}

/// Another OS thread has closed one of these. Async-signal-safe.
pub fn closed_elsewhere(groups: u64) {
    if CLOSED.fetch_or(groups, Ordering::SeqCst) & groups != groups {
        bell::ring();
    }
}

/// The groups of which another OS thread has closed a descriptor since the last call.
pub fn take_closed() -> u64 {
    CLOSED.swap(0, Ordering::SeqCst)
}

/// The bit of a descriptor's group.
pub fn group(fd: RawFd) -> u64 {
    1 << (fd.cast_unsigned() % u64::BITS)
}

fn place(fd: RawFd) -> Option<(usize, u64)> {
    let number = usize::try_from(fd).ok().filter(|number| *number < EXACT)?;
    Some((number / 64, 1 << (number % 64)))
}
