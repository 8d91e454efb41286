//! What the application believes of signals. The scheduler's thread has them blocked
//! ([`unicoro_reactor::blocked`]), and the application must not see that: what it starts inherits the mask, and a child with all signals
//! blocked could not be terminated. So green threads are told of masks of their own (see
//! `hooks::mask`), with which their children and threads begin.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering};

use libc::{c_int, sigset_t};

use crate::green;

/// What green threads begin with: what the main thread had blocked.
static FIRST: AtomicU64 = AtomicU64::new(0);

/// Runs `start` with all signals blocked, for threads that are begun inside; what the main thread,
/// which calls, had blocked is what the application believes in.
pub fn blocked<R>(start: impl FnOnce() -> R) -> R {
    let current = swap(0);
    swap(current);
    FIRST.store(current, Ordering::Relaxed);
    unicoro_reactor::blocked(start)
}

/// What a new green thread believes to be blocked.
pub fn first_mask() -> u64 {
    FIRST.load(Ordering::Relaxed)
}

/// What the green thread that calls believes to be blocked.
pub fn application_mask() -> u64 {
    green::current().map_or_else(first_mask, |green| green.signal_mask.get())
}

/// The green thread that calls blocks these from now on.
pub fn set_application_mask(mask: u64) {
    if let Some(green) = green::current() {
        green.signal_mask.set(mask);
    }
}

/// The signals of a set as bits: the kernel knows 64, and glibc keeps them in the first word.
pub fn mask_of(set: &sigset_t) -> u64 {
    // SAFETY: a set has 128 bytes and the alignment of a word.
    unsafe { (&raw const *set).cast::<u64>().read() }
}

/// The reverse.
pub fn set_of(mask: u64) -> sigset_t {
    // SAFETY: all zero is the empty set; see `mask_of`.
    unsafe {
        let mut set: sigset_t = std::mem::zeroed();
        (&raw mut set).cast::<u64>().write(mask);
        set
    }
}

/// Runs `start`, which begins a thread, with the application's mask.
pub fn as_application<R>(start: impl FnOnce() -> R) -> R {
    let before = swap(application_mask());
    let result = start();
    swap(before);
    result
}

/// A green thread has forked, and this is the child, whose only thread it is. Async-signal-safe.
pub fn restore_in_child() {
    if green::current().is_some() {
        swap(application_mask());
    }
}

/// Blocks all signals on the calling thread.
pub fn block_all() {
    swap(u64::MAX);
}

/// Sets the calling thread's real mask, by a direct call, because `pthread_sigmask` is a hook.
fn swap(mask: u64) -> u64 {
    let mut before = 0u64;
    // SAFETY: both sets outlive the call.
    unsafe {
        let (new, old) = (&raw const mask, &raw mut before);
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK as c_int, new, old, 8usize);
    }
    before
}
