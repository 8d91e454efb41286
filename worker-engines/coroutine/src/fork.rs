//! The application forks: in the child there is no scheduler, and every hook is the real call.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};

static CHILD: AtomicBool = AtomicBool::new(false);

/// Whether this process came out of a fork of a worker whose scheduler ran.
pub fn is_child() -> bool {
    CHILD.load(Ordering::Relaxed)
}

/// From now on, notice forks.
pub fn watch() {
    extern "C" fn in_child() {
        CHILD.store(true, Ordering::Relaxed);
    }
    // SAFETY: the handler does one atomic store, which is all that a child may safely do. It can
    // fail only for want of memory, and then a fork in the application has no hooks to fear either.
    unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
}
