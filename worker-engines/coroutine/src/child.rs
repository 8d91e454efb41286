//! The child of a fork that a green thread has made: it begins with the green thread's signals, and not
//! with those of the OS thread, which has them all blocked.
#![allow(unsafe_code)]

use crate::{fork, green, signals};

/// From now on, notice forks, and look after their children.
pub fn watch() {
    extern "C" fn in_child() {
        restore_signals();
    }
    fork::watch();
    // SAFETY: the handler does one system call, which a child may. Registering fails only for want of
    // memory, and then a fork of the application would as well.
    unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
}

/// In the child, whose only thread the green thread is. Async-signal-safe.
fn restore_signals() {
    if let Some(green) = green::current() {
        signals::set(green.mask().get());
    }
}
