//! The application forks: in the child there is no scheduler, and every hook is the real call.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use crate::signals;

static CHILD: AtomicBool = AtomicBool::new(false);
/// The process whose scheduler runs; 0 before it does.
static OURS: AtomicI32 = AtomicI32::new(0);

/// Whether this process came out of a fork of a worker whose scheduler ran.
pub fn is_child() -> bool {
    CHILD.load(Ordering::Relaxed)
}

/// The same, and for the child of a vfork, which runs in our memory and no handlers of ours. Costs
/// a system call. Async-signal-safe.
pub fn is_other_process() -> bool {
    // SAFETY: no arguments.
    OURS.load(Ordering::Relaxed) != unsafe { libc::getpid() }
}

/// From now on, notice forks.
pub fn watch() {
    extern "C" fn in_child() {
        CHILD.store(true, Ordering::Relaxed);
        signals::restore_in_child();
    }
    // SAFETY: no arguments.
    OURS.store(unsafe { libc::getpid() }, Ordering::Relaxed);
    // SAFETY: the handler does one atomic store and one system call, which is all that a child may
    // safely do. It can fail only for want of memory, and then a fork in the application has no
    // hooks to fear either.
    unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
}
