//! The bell: what another OS thread rings to make the reactor look.
//!
//! It may be rung by any thread, even from a signal handler, so ringing is one system call. What
//! happened is noted elsewhere, before the bell rings.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicI32, Ordering};

/// -1 before the engine runs.
static EVENT: AtomicI32 = AtomicI32::new(-1);

/// Makes the eventfd; it stays for the life of the process.
///
/// # Errors
/// eventfd(2).
pub fn open() -> io::Result<RawFd> {
    // SAFETY: no pointers.
    let event = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
    if event < 0 {
        return Err(io::Error::last_os_error());
    }
    EVENT.store(event, Ordering::SeqCst);
    Ok(event)
}

/// The reactor has heard it. To be called before it looks: what comes between rings again.
pub fn acknowledge() {
    let mut count = 0u64;
    // SAFETY: eight writable bytes; a direct call, because `read` is interposed.
    unsafe { libc::syscall(libc::SYS_read, EVENT.load(Ordering::SeqCst), &raw mut count, 8usize) };
}

/// Makes the reactor look. Async-signal-safe.
pub fn ring() {
    let one = 1u64;
    // SAFETY: eight readable bytes; a direct call, because `write` is interposed.
    unsafe { libc::syscall(libc::SYS_write, EVENT.load(Ordering::SeqCst), &raw const one, 8usize) };
}
