//! The application forks: in the child there is no scheduler, and every interposed call is the real one.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicI32, Ordering};

/// Whether this process came out of a fork of a worker.
pub use unicoro_contract::is_forked_child as is_child;
use unicoro_contract::watch_forks;

/// The process whose scheduler runs; 0 before it does.
static OURS: AtomicI32 = AtomicI32::new(0);

/// The same, and for the child of a vfork, which runs in our memory and no handlers of ours. Costs
/// a system call. Async-signal-safe.
pub fn is_other_process() -> bool {
    // SAFETY: no arguments.
    OURS.load(Ordering::Relaxed) != unsafe { libc::getpid() }
}

/// From now on, this is the process whose scheduler runs, and its forks are noticed.
pub fn watch() {
    watch_forks();
    // SAFETY: no arguments.
    OURS.store(unsafe { libc::getpid() }, Ordering::Relaxed);
}
