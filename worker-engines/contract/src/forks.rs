//! Forks that the application makes: noticed in the child, which has the worker's memory and none of
//! its work. There is no scheduler in it, and the connections in it are its parent's.
#![allow(unsafe_code)]

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static IS_CHILD: AtomicBool = AtomicBool::new(false);

/// From now on, what this process forks is a child of the application's, and no worker.
pub fn watch_forks() {
    extern "C" fn in_child() {
        IS_CHILD.store(true, Ordering::Relaxed);
    }
    static WATCHED: Once = Once::new();
    // SAFETY: the handler is one atomic store, which a child may do. Registering fails only for want
    // of memory, and then a fork of the application would as well.
    WATCHED.call_once(|| unsafe {
        libc::pthread_atfork(None, None, Some(in_child));
    });
}

/// Whether this process came out of a fork since [`watch_forks`]. Async-signal-safe, and cheap enough
/// for every interposed call. The child of a vfork is not told apart: it runs in its parent's memory.
#[inline]
#[must_use]
pub fn is_forked_child() -> bool {
    IS_CHILD.load(Ordering::Relaxed)
}
