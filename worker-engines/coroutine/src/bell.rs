//! The bell: what another OS thread rings to make the reactor look.
//!
//! It may be rung by any thread, even from a signal handler, so ringing is one system call. What
//! happened is noted elsewhere, before the bell rings.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::OnceLock;

use unicoro_sys::event_fd::EventFd;

/// Not before the engine runs.
static EVENT: OnceLock<EventFd> = OnceLock::new();

/// Hangs it up; it stays for the life of the process.
///
/// # Errors
/// eventfd(2).
pub fn open() -> io::Result<RawFd> {
    let event = EventFd::new()?;
    Ok(EVENT.get_or_init(|| event).as_fd().as_raw_fd())
}

/// The reactor has heard it. To be called before it looks: what comes between rings again.
pub fn acknowledge() {
    if let Some(event) = EVENT.get() {
        event.lower();
    }
}

/// Makes the reactor look. Async-signal-safe.
pub fn ring() {
    if let Some(event) = EVENT.get() {
        event.raise();
    }
}
